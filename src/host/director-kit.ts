import { bootKit } from "./boot-kit";
import { DIRECTOR_REPLAY_LINES } from "./scripts";

/**
 * Which boot kit this version of the package writes to directors; it rises as that of real servers. The
 * checksums of each version are in test/unit/fixtures/director-kit.
 */
const VERSION = 2;

/**
 * /var/lib/lvs-dr-director/replay, which puts back what the registry says, and the unit that starts it.
 *
 * After the distribution's ipvsadm.service, which may clear the whole table (Debian's does with
 * AUTO="true"), and again when that one is restarted (PartOf), as by an update of its package. Where there
 * is none, systemd passes over its name, as OpenRC does. RequiresMountsFor: nothing of the network waits
 * for this unit, so a /var that comes by the network makes no cycle.
 */
export const DIRECTOR_KIT = bootKit(VERSION, "virtual service", DIRECTOR_REPLAY_LINES, {
  systemd: [
    "[Unit]",
    "Description=LVS-DR virtual services in the IPVS table",
    "After=ipvsadm.service",
    "PartOf=ipvsadm.service",
    "RequiresMountsFor=/var/lib/lvs-dr-director",
    "",
    "[Service]",
    "Type=oneshot",
    "RemainAfterExit=yes",
    "ExecStart=/bin/sh /var/lib/lvs-dr-director/replay",
    "TimeoutStartSec=180",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ],
  openrc: [
    "#!/sbin/openrc-run",
    'description="LVS-DR virtual services in the IPVS table"',
    "",
    "depend() {",
    "\tafter localmount modules ipvsadm",
    "}",
    "",
    "start() {",
    '\tebegin "Putting the LVS-DR virtual services back"',
    "\t/bin/sh /var/lib/lvs-dr-director/replay",
    "\teend $?",
    "}",
  ],
});
