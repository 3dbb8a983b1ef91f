import { bootKit } from "./boot-kit";
import { REPLAY_LINES } from "./scripts";

/**
 * Which boot kit this version of the package writes to real servers. It rises with every change of a
 * file, so that of two versions of the package that share a host the newer one's stays. The checksums of
 * each version are in test/unit/fixtures/boot-kit, and never change.
 */
const VERSION = 5;

/**
 * /var/lib/lvs-dr/replay, which binds again what the registry says, and the unit that starts it, before
 * any NIC is up.
 *
 * Without default dependencies, because those make a cycle with cloud-init's units, which are before
 * network-pre.target too, and systemd drops a job of a cycle (systemd.special(7), bootup(7)). Without
 * RequiresMountsFor, because a /var that comes by the network would make another one. Forking:
 * it is started once the replay's first part is done, and its background is still the service's.
 */
export const REAL_SERVER_KIT = bootKit(VERSION, "real server", REPLAY_LINES, {
  systemd: [
    "[Unit]",
    "Description=LVS-DR VIPs on lo, and ARP that is quiet about them",
    "DefaultDependencies=no",
    "Wants=network-pre.target",
    "Before=network-pre.target shutdown.target",
    "Conflicts=shutdown.target",
    "After=local-fs.target systemd-sysctl.service systemd-modules-load.service",
    "",
    "[Service]",
    "Type=forking",
    "RemainAfterExit=yes",
    "ExecStart=/bin/sh /var/lib/lvs-dr/replay",
    "TimeoutStartSec=90",
    "",
    "[Install]",
    "WantedBy=multi-user.target",
  ],
  openrc: [
    "#!/sbin/openrc-run",
    'description="LVS-DR VIPs on lo, and ARP that is quiet about them"',
    "",
    "depend() {",
    "\tafter localmount loopback sysctl modules",
    "\tbefore net",
    "}",
    "",
    "start() {",
    '\tebegin "Binding the LVS-DR VIPs"',
    "\t/bin/sh /var/lib/lvs-dr/replay",
    "\teend $?",
    "}",
  ],
});
