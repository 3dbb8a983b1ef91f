import type { LabHost } from "../../test/lab/lab";

/** How to look at a host as its administrator would. */
export const LOOK_AT_LO = "ip addr show dev lo | grep inet";
export const LOOK_AT_ARP = "sysctl net.ipv4.conf.{all,eth0}.arp_{ignore,announce}";

/** What is on `lo`, read from what the host itself prints: `inet 203.0.113.10/32 scope host`. */
export function addressesOn(lo: string): string[] {
  const words = lo.matchAll(/(inet6?) (\S+) scope (\S+)/g);
  return [...words].map(([, family, prefix, scope]) => `${family} ${prefix} scope ${scope}`);
}

/** The values in force on eth0: of `all` and the NIC's own, the kernel takes the greater. */
export function effectiveArp(sysctls: string): string {
  const inForce = (key: string): number =>
    Math.max(
      ...[...sysctls.matchAll(new RegExp(`${key} = (\\d+)`, "g"))].map(([, v]) => Number(v)),
    );
  return `arp_ignore ${inForce("arp_ignore")}, arp_announce ${inForce("arp_announce")}`;
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
