import { CONNECTION_FUNCTIONS } from "../host/scripts";
import { call, defineCall } from "../protocol/program";
import { unmappedAddress } from "../domain/address";
import { UnreadableAnswer } from "../protocol/answer";
import { inProcConntrack, inProcTcp } from "./proc-net";

/** What a host is to look for: one word for each place where it keeps connections. */
export interface ConnectionPatterns {
  /** A filter expression of `ss`, which the kernel applies. */
  readonly ss: string;
  /** An extended regular expression over lines of /proc/net/tcp and tcp6, up to the state. */
  readonly tcp: string;
  /** One over lines of /proc/net/nf_conntrack, or of `conntrack -L`. */
  readonly conntrack: string;
}

/** Which TCP connections use some VIPs. */
export interface Usage {
  /** How many there are. */
  readonly total: number;
  /** How many each VIP has; undefined where there are too many to list. */
  readonly byVip: ReadonlyMap<string, number> | undefined;
  /** Each by its two ends, those in TIME-WAIT included; undefined likewise. */
  readonly ends: ReadonlySet<string> | undefined;
  /** How many are in TIME-WAIT. */
  readonly ended: number;
  /** Addresses may be translated on the host, and it cannot say of which connections. */
  readonly blind: boolean;
}

/**
 * What the host looks for. A connection counts in each state but LISTEN, TIME-WAIT and CLOSE; those in
 * TIME-WAIT show which came and went between two looks.
 *
 * @param vips canonical addresses, at least one
 */
export function connectionPatterns(vips: readonly string[]): ConnectionPatterns {
  const sources = vips.flatMap((vip) =>
    vip.includes(":") ? [`src [${vip}]`] : [`src ${vip}`, `src [::ffff:${vip}]`],
  );
  const spellings = vips.flatMap((vip) => [vip, inProcConntrack(vip)]).map((one) => literally(one));
  return {
    ss: `( ${sources.join(" or ")} )`,
    tcp: `^ *[0-9]+: (${vips.flatMap(inProcTcp).join("|")}):[0-9A-F]{4} [0-9A-F]+:[0-9A-F]{4}`,
    // The first pair of addresses is that of the original direction.
    conntrack: `^(ipv[46] +[0-9]+ +)?tcp +6 [^=]*src=[^ ]+ dst=(${[...new Set(spellings)].join("|")}) `,
  };
}

/** What a drain asks: who uses some addresses; `parseUsage` reads the answer. It changes nothing. */
export function connectionsRequest({ ss, tcp, conntrack }: ConnectionPatterns): string {
  const question = call("more", "connections", ss, tcp, conntrack);
  return `${defineCall(CONNECTION_FUNCTIONS)} && ${question}`;
}

/**
 * Reads what the host answered. Total: throws {@link UnreadableAnswer} for a line that it does not know,
 * because a connection that is overlooked would be cut.
 */
export function parseUsage(body: string, vips: readonly string[]): Usage {
  const groups = groupsIn(body);
  const byHex = new Map(vips.flatMap((vip) => inProcTcp(vip).map((hex) => [hex, vip] as const)));
  const [open, ended] = [new Map<string, string>(), new Map<string, string>()];
  for (const line of groups.flatMap((group) => group.lines)) {
    if (line === BLIND) continue;
    const isEnded = line.startsWith(ENDED);
    const { vip, ends } = parseVipConnection(
      isEnded ? line.slice(ENDED.length) : line,
      vips,
      byHex,
    );
    (isEnded ? ended : open).set(ends, vip);
  }
  const [ofEnded, ofOpen] = [groups.filter(isOfEnded), groups.filter((one) => !isOfEnded(one))];
  const [allOpen, allEnded] = [ofOpen.every(isWhole), ofEnded.every(isWhole)];
  return {
    total: allOpen ? open.size : sizeOf(ofOpen),
    byVip: allOpen ? tally(open.values()) : undefined,
    ends: allOpen && allEnded ? new Set([...open.keys(), ...ended.keys()]) : undefined,
    ended: allEnded ? ended.size : sizeOf(ofEnded),
    blind: groups.some(({ lines }) => lines.includes(BLIND)),
  };
}

/** How many connections came since an earlier look, as far as the two can tell. */
export function arrivals(before: Usage, now: Usage): number {
  const { ends } = before;
  if (ends !== undefined && now.ends !== undefined)
    return [...now.ends].filter((one) => !ends.has(one)).length;
  return Math.max(0, now.total + now.ended - before.total - before.ended);
}

const BLIND = "conntrack blind";
const ENDED = "ended ";

/** The lines of one source, or the first of them, and how many it has. */
interface Group {
  readonly lines: readonly string[];
  readonly size: number;
}

function groupsIn(body: string): Group[] {
  const groups: Group[] = [];
  let lines: string[] = [];
  for (const line of body.split("\n").filter((one) => one !== "")) {
    if (!/^\d+$/.test(line)) {
      lines.push(line);
      continue;
    }
    if (lines.length > Number(line)) throw new UnreadableAnswer(body);
    groups.push({ lines, size: Number(line) });
    lines = [];
  }
  if (lines.length > 0) throw new UnreadableAnswer(body);
  return groups;
}

function isOfEnded({ lines }: Group): boolean {
  return lines[0]?.startsWith(ENDED) === true;
}

function isWhole({ lines, size }: Group): boolean {
  return lines.length === size;
}

function sizeOf(groups: readonly Group[]): number {
  return groups.reduce((sum, { size }) => sum + size, 0);
}

interface VipConnection {
  readonly vip: string;
  readonly ends: string;
}

function parseVipConnection(
  line: string,
  vips: readonly string[],
  byHex: ReadonlyMap<string, string>,
): VipConnection {
  const [source = "", ...words] = line.trim().split(/\s+/);
  const found =
    source === "ss"
      ? socketOfSs(words, vips)
      : source === "tcp"
        ? socketOfProc(words, byHex)
        : source === "conntrack"
          ? entryOfConntrack(words, vips)
          : undefined;
  if (found === undefined) throw new UnreadableAnswer(line);
  return found;
}

// [STATE] RECV-Q SEND-Q LOCAL:PORT PEER:PORT; asked for a single state, it does not print it.
function socketOfSs(words: readonly string[], vips: readonly string[]): VipConnection | undefined {
  const [local = "", peer = ""] = words.filter((word) => word.includes(":"));
  const vip = canonical(local.replace(/:[^:]*$/, ""));
  return vips.includes(vip) ? { vip, ends: pair(local, peer) } : undefined;
}

// NUMBER: LOCAL:PORT PEER:PORT STATE ...
function socketOfProc(
  words: readonly string[],
  byHex: ReadonlyMap<string, string>,
): VipConnection | undefined {
  const [, local = "", peer = ""] = words;
  const vip = byHex.get(local.split(":")[0] ?? "");
  return vip === undefined ? undefined : { vip, ends: pair(local, peer) };
}

// ... src= dst= sport= dport= ... src= dst= ...: the original direction, then the reply's.
function entryOfConntrack(
  words: readonly string[],
  vips: readonly string[],
): VipConnection | undefined {
  const field = (name: string) =>
    words.find((word) => word.startsWith(`${name}=`))?.slice(name.length + 1) ?? "";
  const vip = canonical(field("dst"));
  if (!vips.includes(vip)) return undefined;
  return { vip, ends: `${field("src")} ${field("sport")} to ${vip} ${field("dport")}` };
}

/** In a fixed order: a host that talks to its own VIP lists both ends of one connection. */
function pair(local: string, peer: string): string {
  return [local, peer].sort().join(" ");
}

/** The address in `[::ffff:203.0.113.10]` or `203.0.113.10%lo`. */
function canonical(text: string): string {
  return unmappedAddress(text.replace(/^\[(.*)\]/, "$1")) ?? "";
}

function tally(vips: Iterable<string>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const vip of vips) counts.set(vip, (counts.get(vip) ?? 0) + 1);
  return counts;
}

function literally(text: string): string {
  return text.replaceAll(".", "\\.");
}
