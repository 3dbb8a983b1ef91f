import type { LabHost } from "../lab/host";

/**
 * An administrator's shell. On a socket, as the lab's is, bash takes itself for one of rshd's, and
 * prints what a login does.
 */
export const BASH = "/bin/bash --norc";

/** How to look at a host as its administrator would. */
export const LOOK_AT_LO = "ip -br addr show lo";
export const LOOK_AT_ARP =
  "sysctl -n net.ipv4.conf.{all,eth0}.arp_{ignore,announce} | paste -sd ' '";
export const LOOK_AT_REGISTRY = "ls /var/lib/lvs-dr";
/** On a director; whatever a resource leaves has this in its name. */
export const LOOK_AT_OURS = "find /etc /run /usr /var -name '*lvs-dr*'";

/** What is on `lo` besides loopback, read from `lo UNKNOWN 127.0.0.1/8 198.18.0.250/32 ::1/128`. */
export function vipsOn(lo: string): string[] {
  const prefixes = lo.trim().split(/\s+/).slice(2);
  return prefixes.filter((prefix) => prefix !== "127.0.0.1/8" && prefix !== "::1/128").sort();
}

/** The values in force on eth0: of `all` and the NIC's own, the kernel takes the greater. */
export function effectiveArp(values: string): string {
  const [allIgnore, allAnnounce, ignore, announce] = values.trim().split(/\s+/).map(Number);
  const greater = (...pair: (number | undefined)[]) => Math.max(...pair.map((one) => one ?? NaN));
  const arp = [greater(allIgnore, ignore), greater(allAnnounce, announce)];
  return `arp_ignore ${arp[0]}, arp_announce ${arp[1]}`;
}

/** Everything on a host that a resource could leave behind, and all it must not touch. */
export async function footprint(host: LabHost): Promise<string> {
  // The files of a login are not ours: sshd writes them.
  const files =
    "find /etc /home /opt /root /srv /usr/local /var /run /tmp -type f " +
    "! -path '/var/log/*' ! -path /run/utmp ! -path '/run/sudo/*' ! -path '/var/lib/sudo/*' " +
    "-printf '%p %m %s %T@\\n'";
  const lines = [
    "ip addr show | grep -v valid_lft",
    "ip route show table all; ip -6 route show table all | sed 's/ expires [0-9]*sec//'",
    "grep -r . /proc/sys/net/ipv4/conf /proc/sys/net/ipv6/conf/lo 2>/dev/null | sort",
    `{ ${files}; find /etc /opt /usr/local /var/lib -type d ! -path '/var/lib/sudo*'; } | sort`,
    "for p in $(pgrep sshd; pgrep -x sh; pgrep sleep); do tr '\\0' ' ' </proc/$p/cmdline; done",
  ];
  const { stdout } = await host.run(lines.join("\n"), { allowFailure: true });
  return stdout;
}

/** The lines in which two footprints differ; empty when they are the same. */
export function difference(before: string, after: string): string[] {
  if (before === after) return [];
  const [old, now] = [before.split("\n"), after.split("\n")];
  const lines = [
    ...old.filter((line) => !now.includes(line)).map((line) => `gone: ${line}`),
    ...now.filter((line) => !old.includes(line)).map((line) => `new: ${line}`),
  ];
  return lines.length > 0 ? lines : [`${now.length - old.length} more of the same lines`];
}
