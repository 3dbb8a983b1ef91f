import { canonicalAddress, type Family } from "../domain/address";

/** One address as the host has it. */
export interface BoundAddress {
  readonly interface: string;
  readonly family: Family;
  /** Canonical, without prefix. */
  readonly address: string;
  readonly prefixLength: number;
  /** The host's own spelling, with prefix: what `ip addr del` is given. */
  readonly prefix: string;
  /** The other end, as the host spells it; empty where it has none. */
  readonly peer: string;
  readonly scope: string;
  /** Empty where it has none (all of IPv6). */
  readonly label: string;
  /** `forever`, or seconds. */
  readonly validLft: string;
  readonly preferredLft: string;
  /** What else `ip addr add` takes of it, in its words: `brd 203.0.113.10 metric 5 noprefixroute`. */
  readonly extras?: string;
}

// print_ifa_flags of iproute2's ip/ipaddress.c, and what busybox's prints.
const FLAGS = new Set([
  "secondary",
  "temporary",
  "nodad",
  "optimistic",
  "dadfailed",
  "home",
  "deprecated",
  "tentative",
  "permanent",
  "mngtmpaddr",
  "noprefixroute",
  "autojoin",
  "stable-privacy",
  "dynamic",
]);

// Of these, what is not the kernel's to set: CONFFLAG in ipaddr_modify of the same file.
const GIVEN = new Set(["home", "nodad", "optimistic", "noprefixroute", "autojoin"]);

const LINE = new RegExp(
  String.raw`^\d+: ([^ ]+) +(inet6?) (\S+)(?: peer (\S+))?((?: metric \d+)?(?: brd \S+)?)(?: any \S+)?` +
    String.raw` scope ([^\s\\]+) ?(.*?)\\ +valid_lft (forever|\d+)(?:sec)? preferred_lft (forever|\d+)(?:sec)?$`,
);

/**
 * Reads one line of `ip -o addr show`, of iproute2 5 and 6 and of busybox:
 * `1: lo    inet 203.0.113.10/32 scope host lo:dr\       valid_lft forever preferred_lft forever`.
 * Undefined where it is none. A label is all that is left before the backslash: it may hold spaces.
 */
export function parseAddressLine(line: string): BoundAddress | undefined {
  const match = LINE.exec(line);
  if (!match) return undefined;
  const [
    ,
    nic = "",
    kind,
    local = "",
    peer = "",
    numbers = "",
    scope = "",
    tail = "",
    validLft = "",
    preferredLft = "",
  ] = match;
  const family = kind === "inet" ? 4 : 6;
  const parsed = prefixIn(local, peer, family);
  if (parsed === undefined) return undefined;
  const { flags, label } = splitTail(tail);
  const extras = [...numbers.split(" "), ...flags].filter((word) => word !== "").join(" ");
  return {
    ...{ interface: nic, family, ...parsed, peer, scope, label: family === 4 ? label : "" },
    ...{ validLft, preferredLft, ...(extras !== "" && { extras }) },
  };
}

function prefixIn(
  local: string,
  peer: string,
  family: 4 | 6,
): Pick<BoundAddress, "address" | "prefixLength" | "prefix"> | undefined {
  const [text = "", ownLength] = local.split("/");
  const address = canonicalAddress(text);
  // A peer's prefix length is the address's: "inet 10.0.0.1 peer 10.0.0.2/32".
  const length = ownLength ?? peer.split("/")[1] ?? String(family === 4 ? 32 : 128);
  if (address === undefined || !/^\d{1,3}$/.test(length)) return undefined;
  if (address.includes(":") !== (family === 6) || Number(length) > (family === 4 ? 32 : 128))
    return undefined;
  return { address, prefixLength: Number(length), prefix: `${text}/${length}` };
}

function splitTail(tail: string): { flags: string[]; label: string } {
  const words = tail.trimEnd().split(" ");
  const flags: string[] = [];
  for (;;) {
    const [first] = words;
    if (first === "flags") words.splice(0, 2);
    else if (first === "proto") flags.push(...words.splice(0, 2));
    else if (first !== undefined && (FLAGS.has(first) || first === ""))
      flags.push(...words.splice(0, 1).filter((word) => GIVEN.has(word)));
    else return { flags, label: words.join(" ") };
  }
}

/** Bound as a VIP is: /32 or /128, and no peer. Anything else is never ours. */
export function isFullLength(one: BoundAddress): boolean {
  return one.prefixLength === (one.family === 4 ? 32 : 128) && one.peer === "";
}
