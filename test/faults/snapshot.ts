import { KIT_PATHS, OUTCOME } from "./kit";
import type { Agent } from "./agent";
import { IP, routeName } from "./others";

/**
 * All of a host that an operation may change, and what it must not, by name:
 *
 * - `lo PREFIX`, without 127/8 and ::1, and `address NIC PREFIX`: `host lo:dr forever forever`
 * - `route4 DESTINATION` and `route6 DESTINATION`, with type and table, of those that somebody made
 * - `sysctl all arp_ignore` and so on
 * - `registry NAME`, a file's text, without what says nothing: the lock, when a record was last touched,
 *   and what is left of an operation that died before its journal was there; `folder`, where there is one
 * - `boot PATH`, all that the host has for its boot, and `file PATH`, every other file on the disks that a
 *   host keeps its own files on: mode, owner, and SHA-256 or the link's target
 */
export type Snapshot = ReadonlyMap<string, string>;

/** In what two looks at a host differ, a line a difference; empty where they do in no other name than these. */
export function differences(
  left: Snapshot,
  right: Snapshot,
  either: ReadonlyMap<string, unknown> = new Map(),
): string[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((name) => left.get(name) !== right.get(name) && !either.has(name))
    .map((name) => `${name}: ${shown(left.get(name))}, then ${shown(right.get(name))}`);
}

/** A value for people. */
export function shown(value: string | undefined): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}

/** Looks at a host. NICs that somebody adds meanwhile, named tap*, are nobody's. */
export async function look(agent: Agent): Promise<Snapshot> {
  const text = await agent.run(LOOK);
  const [addresses = "", ...rest] = text.split(/^== .*\n/m);
  const [routes4 = "", routes6 = "", sysctls = "", registry = "", boot = "", files = ""] = rest;
  const snapshot = new Map([
    ...addressesIn(addresses),
    ...routesIn(4, routes4),
    ...routesIn(6, routes6),
    ...found(sysctls, /^(?!tap)(\S+ \S+) (-?\d+)$/gm, "sysctl"),
    ...registryIn(registry),
    ...filesIn(boot, "boot"),
    ...filesIn(files, "file"),
  ]);
  // Of a look that saw nothing nobody would be blamed for anything.
  if (!snapshot.has("sysctl all arp_ignore")) throw new Error(`a look at the host: ${text}`);
  return snapshot;
}

// Processes are what a campaign spends its time on: few, and none for each file.
const LOOK = `
tell() { find "$@" -printf '%p %m %u %l\\n'; find "$@" -type f -exec sha256sum {} +; } 2>/dev/null
/usr/bin/busybox ip -o addr show
for family in 4 6; do
  echo "== routes of IPv$family"
  ${IP} -$family route show table all
done
echo '== sysctls'
cd /proc/sys/net/ipv4/conf
for f in */arp_ignore */arp_announce */rp_filter */arp_filter; do read -r v <"$f" && echo "\${f%/*} \${f#*/} $v"; done
echo '== registry'
cd /var/lib
if [ -d lvs-dr ]; then
  for f in $(find lvs-dr -type f ! -path lvs-dr/replay); do
    mapfile -t lines <"$f"
    printf '%s\\n' "= $f" "\${lines[@]}"
  done
  echo '= lvs-dr/folder'
fi
echo '== boot'
tell ${KIT_PATHS.replay} /etc/init.d /etc/runlevels /etc/systemd/system /run/.pulumi-lvs-dr.new
[ ! -e ${OUTCOME} ] || echo "${OUTCOME} says" $(cat ${OUTCOME})
echo '== files'
tell /etc/network /etc/sysconfig /etc/netplan /etc/NetworkManager /etc/systemd/network /etc/rc.local \\
  /run/NetworkManager /var/lib /root /home /tmp /etc/sysctl.d /etc/sysctl.conf -path /var/lib/lvs-dr -prune -o -type f
`;

type Entry = [name: string, value: string];

function found(text: string, line: RegExp, kind: string): Entry[] {
  return [...text.matchAll(line)].map(([, name = "", value = ""]) => [`${kind} ${name}`, value]);
}

// Busybox's and iproute2's differ in the flags between scope and label; lifetimes run down.
function addressesIn(text: string): Entry[] {
  const known =
    /^\d+: (\S+) +inet6? (\S+) (brd \S+ )?scope ([^\s\\]+) ?(.*?)\\? +valid_lft (\S+) preferred_lft (\S+)/;
  const lines = text
    .split("\n")
    .filter((line) => !/^$|^\d+: (tap|lo +inet6? (127\.|::1\/))/.test(line));
  return lines.map((line) => {
    const match = known.exec(line);
    if (match === null) return [`address ? ${line}`, ""];
    const [, nic, prefix, broadcast = "", scope, flags = "", valid = "", preferred = ""] = match;
    const label = flags
      .replace(/\b(secondary|deprecated|dynamic|tentative|permanent|flags [0-9a-f]+)\b/g, "")
      .trim();
    const name = nic === "lo" ? `lo ${prefix}` : `address ${nic} ${prefix}`;
    return [name, broadcast + [scope, label, span(valid), span(preferred)].join(" ")];
  });
}

// The kernel's own come and go with addresses and NICs.
function routesIn(family: 4 | 6, text: string): Entry[] {
  const lines = text
    .split("\n")
    .filter((line) => line !== "" && !/ proto kernel| dev tap/.test(line));
  return lines.map((line) => [routeName(family, line), line.replace(/( linkdown)? *$/, "")]);
}

/** Seconds by the quarter of an hour, rounded up. */
function span(lifetime: string): string {
  if (!lifetime.endsWith("sec") || lifetime === "0sec") return lifetime;
  return `<${Math.ceil(parseInt(lifetime) / 900) * 15}min`;
}

function registryIn(text: string): Entry[] {
  const files = text
    .split(/^= lvs-dr\//m)
    .slice(1)
    .map((part) => [/^.*/.exec(part)![0], part.replace(/^.*\n/, "")] as const);
  const isWritten = files.some(([name]) => name === "journal");
  return files
    .filter(([name]) => !/^(lock|new)$/.test(name) && (isWritten || !name.startsWith("undo/")))
    .map(([name, lines]) => [
      name === "folder" ? name : `registry ${name}`,
      lines.replace(/^seen .*\n/m, "").trimEnd(),
    ]);
}

function filesIn(text: string, kind: "boot" | "file"): Entry[] {
  const files = new Map(found(text, /^(\/\S+) (.*?) ?$/gm, kind));
  for (const [, sum, path] of text.matchAll(/^([0-9a-f]{64}) +(\S+)$/gm))
    files.set(`${kind} ${path}`, `${files.get(`${kind} ${path}`)} ${sum}`);
  return [...files];
}
