import { KIT_PATHS, OUTCOME } from "./kit";
import type { Agent } from "./agent";

/** All of a host that an operation may change, and what it must not. */
export interface Snapshot {
  /** What is on `lo`, by prefix: `scope host lo:dr forever forever`. Without 127/8 and ::1. */
  readonly lo: ReadonlyMap<string, string>;
  /** The addresses of all other interfaces. */
  readonly elsewhere: readonly string[];
  /** `all arp_ignore` and so on. */
  readonly sysctls: ReadonlyMap<string, number>;
  /**
   * The registry's files by name, without what says nothing: the lock, when a record was last
   * touched, and what is left of an operation that died before its journal was there.
   */
  readonly registry: ReadonlyMap<string, string>;
  /** Whether there is a folder for the registry. */
  readonly hasFolder: boolean;
  /** All that the host has for its boot, by path: mode, owner, and SHA-256 or the link's target. */
  readonly boot: ReadonlyMap<string, string>;
  /** Every other file on the disks that a host keeps its own files on: mode, size and SHA-256. */
  readonly files: readonly string[];
}

// Processes are what a campaign spends its time on: few, and none for each file.
const LOOK = `
/usr/bin/busybox ip -o addr show
echo '== sysctls'
cd /proc/sys/net/ipv4/conf
for f in */arp_ignore */arp_announce */rp_filter */arp_filter; do read -r v <"$f" && echo "$v $f"; done
echo '== registry'
cd /var/lib
if [ -d lvs-dr ]; then
  echo there
  for f in $(find lvs-dr -type f ! -path lvs-dr/replay); do
    mapfile -t lines <"$f"
    printf '%s\\n' "= $f" "\${lines[@]}"
  done
fi
echo '== boot'
set -- ${KIT_PATHS.replay} /etc/init.d /etc/runlevels /etc/systemd/system
find "$@" /run/.pulumi-lvs-dr.new -printf '%p %m %u %l\\n' 2>/dev/null
find "$@" -type f -exec sha256sum {} + 2>/dev/null
[ ! -e ${OUTCOME} ] || echo "${OUTCOME} says" $(cat ${OUTCOME})
echo '== files'
set -- /var/lib /root /home /tmp /etc/sysctl.d /etc/sysctl.conf -path /var/lib/lvs-dr -prune -o -type f
find "$@" -printf '%m %s %u %p\\n' 2>/dev/null
find "$@" -exec sha256sum {} + 2>/dev/null
`;

/** Looks at a host. */
export async function look(agent: Agent): Promise<Snapshot> {
  const text = await agent.run(LOOK);
  const [addresses = "", sysctls = "", registry = "", boot = "", files = ""] =
    text.split(/^== .*\n/m);
  // NICs that somebody adds meanwhile are named tap*.
  const lines = addresses.split("\n").filter((line) => line !== "" && !/^\d+: tap/.test(line));
  const parsed = lines.map(parseAddress);
  const own = parsed.filter(({ nic }) => nic === "lo");
  return {
    lo: new Map(
      own
        .filter(({ prefix }) => !/^(127\.|::1\/)/.test(prefix))
        .map(({ prefix, rest }) => [prefix, rest]),
    ),
    elsewhere: parsed
      .filter(({ nic }) => nic !== "lo")
      .map(({ nic, prefix, rest }) => `${nic} ${prefix} ${rest}`)
      .sort(),
    sysctls: new Map(
      [...sysctls.matchAll(/^(-?\d+) (?!tap)(\S+)\/(\w+)$/gm)].map(([, value, nic, key]) => [
        `${nic} ${key}`,
        Number(value),
      ]),
    ),
    registry: parseRegistry(registry),
    hasFolder: registry.startsWith("there\n"),
    boot: parseBoot(boot),
    files: files.split("\n").sort(),
  };
}

// Busybox's and iproute2's differ in the flags between scope and label; lifetimes run down.
function parseAddress(line: string): { nic: string; prefix: string; rest: string } {
  const match =
    /^\d+: (\S+) +inet6? (\S+) (?:brd \S+ )?scope (\S+) ?(.*?)\\? +valid_lft (\S+) preferred_lft (\S+)/;
  const found = match.exec(line.replace("\\", " "));
  if (found === null) return { nic: "?", prefix: line, rest: "" };
  const [, nic = "", prefix = "", scope = "", tail = "", valid = "", preferred = ""] = found;
  const label = tail
    .replace(/\b(secondary|deprecated|dynamic|tentative|permanent|flags [0-9a-f]+)\b/g, "")
    .trim();
  return { nic, prefix, rest: [scope, label, span(valid), span(preferred)].join(" ") };
}

/** Seconds by the quarter of an hour, rounded up. */
function span(lifetime: string): string {
  if (!lifetime.endsWith("sec") || lifetime === "0sec") return lifetime;
  return `<${Math.ceil(parseInt(lifetime) / 900) * 15}min`;
}

function parseRegistry(text: string): Map<string, string> {
  const files = new Map<string, string>();
  for (const part of text.split(/^= lvs-dr\//m).slice(1)) {
    const end = part.indexOf("\n");
    files.set(
      part.slice(0, end),
      part
        .slice(end + 1)
        .replace(/^seen .*\n/m, "")
        .trimEnd(),
    );
  }
  for (const name of files.keys()) {
    if (/^(lock|new)$/.test(name) || (/^undo\//.test(name) && !files.has("journal")))
      files.delete(name);
  }
  return files;
}

function parseBoot(text: string): Map<string, string> {
  const found = [...text.matchAll(/^(\/\S+) (.*?) ?$/gm)];
  const entries = new Map(found.map(([, path = "", rest = ""]) => [path, rest]));
  for (const [, sum = "", path = ""] of text.matchAll(/^([0-9a-f]{64}) +(\S+)$/gm))
    entries.set(path, `${entries.get(path)} ${sum}`);
  return entries;
}

/** In what two looks at a host differ, a line a difference; empty where they are equal. */
export function differences(
  left: Snapshot,
  right: Snapshot,
  except: ReadonlySet<string> = new Set(),
): string[] {
  return [
    ...mapDifferences("lo", left.lo, right.lo),
    ...mapDifferences("sysctl", left.sysctls, right.sysctls),
    ...mapDifferences("registry", left.registry, right.registry),
    ...mapDifferences("boot", left.boot, right.boot),
    ...listDifferences("address", left.elsewhere, right.elsewhere),
    ...listDifferences("file", left.files, right.files),
  ].filter((line) => ![...except].some((name) => line.startsWith(`${name}:`)));
}

function mapDifferences(
  what: string,
  left: ReadonlyMap<string, string | number>,
  right: ReadonlyMap<string, string | number>,
): string[] {
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((key) => left.get(key) !== right.get(key))
    .map((key) => `${what} ${key}: ${shown(left.get(key))}, then ${shown(right.get(key))}`);
}

function shown(value: string | number | undefined): string {
  return value === undefined ? "not there" : JSON.stringify(value);
}

function listDifferences(what: string, left: readonly string[], right: readonly string[]) {
  return [
    ...left.filter((line) => !right.includes(line)).map((line) => `${what}: gone: ${line}`),
    ...right.filter((line) => !left.includes(line)).map((line) => `${what}: new: ${line}`),
  ];
}
