import { createHash } from "node:crypto";
import { REPLAY_LINES } from "./scripts";

/** What starts a host's services. */
export type Init = "systemd" | "openrc";

/** A file that a host keeps for its boot. */
export interface KitFile {
  readonly lines: readonly string[];
  /** SHA-256 of the file, hex. */
  readonly sum: string;
}

/**
 * Which boot kit this version of the package writes. It rises with every change of a file, so that of
 * two versions of the package that share a host the newer one's stays. The checksums of each version
 * are in test/unit/fixtures/boot-kit, and never change.
 */
export const KIT_VERSION = 3;

const MARK = `# pulumi-lvs-dr boot ${KIT_VERSION}: made by pulumi-lvs-dr, gone with the last real server`;

/** /var/lib/lvs-dr/replay: binds again what the registry says. */
export const REPLAY = fileOf([MARK, ...REPLAY_LINES]);

/**
 * The unit that starts it, before any NIC is up.
 *
 * Without default dependencies, because those make a cycle with cloud-init's units, which are before
 * network-pre.target too, and systemd drops a job of a cycle (systemd.special(7), bootup(7)). Without
 * RequiresMountsFor, because a /var that comes by the network would make another one. Forking:
 * it is started once the replay's first part is done, and its background is still the service's.
 */
export const UNITS: Readonly<Record<Init, KitFile>> = {
  systemd: fileOf([
    MARK,
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
  ]),
  openrc: fileOf([
    "#!/sbin/openrc-run",
    MARK,
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
  ]),
};

function fileOf(lines: readonly string[]): KitFile {
  const sum = createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");
  return { lines, sum };
}
