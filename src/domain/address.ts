import { isIP } from "node:net";
import ipaddr from "ipaddr.js";

/** The IP version of an address. */
export type Family = 4 | 6;

/** An address that the director spreads, as one real server binds it on `lo`. */
export interface Vip {
  /** The IP version. */
  readonly family: Family;
  /** Canonical and without a prefix: dotted decimal, or IPv6 as RFC 5952 writes it. */
  readonly address: string;
}

/**
 * Parses one VIP as a user writes it.
 *
 * @param text An address, alone or with the full prefix (`/32`, `/128`), in any spelling.
 * @returns `vip` in canonical form; or `reason`, a phrase that follows the quoted text, as in
 *   `"224.0.0.1" is a multicast address; a VIP is a unicast address`. It does not repeat the text.
 */
export function parseVip(text: string): { vip: Vip } | { reason: string } {
  const [address = "", prefix, ...rest] = text.split("/");
  if (rest.length > 0) return { reason: NO_ADDRESS };
  if (address.includes("%")) {
    return { reason: "has a zone; a VIP is an address without one, routed to the real server" };
  }
  const parsed = parseAddress(address);
  if (parsed === undefined) return { reason: NO_ADDRESS };
  const vip = canonical(parsed);
  const reason = prefixProblem(prefix, vip) ?? rangeProblem(parsed);
  return reason === undefined ? { vip } : { reason };
}

/**
 * Parses the address of a real server as a user writes it: one address, in any spelling.
 *
 * @returns `rip` in canonical form; or `reason`, a phrase that follows the quoted text, as of `parseVip`
 */
export function parseRip(text: string): { rip: Vip } | { reason: string } {
  if (text.includes("/")) return { reason: "has a prefix; a destination is one address" };
  if (text.includes("%")) return { reason: "has a zone; a destination has none" };
  const parsed = parseAddress(text);
  if (parsed === undefined) return { reason: NO_ADDRESS };
  const range = NO_RIPS[parsed.range()];
  if (range !== undefined) return { reason: `${range}; a destination is a real server's address` };
  return { rip: canonical(parsed) };
}

/**
 * The canonical spelling of any address, such as one in a host's answer.
 *
 * @param text An address without a prefix; a zone (`%eth0`) is left out of the result.
 * @returns Dotted decimal, or IPv6 as RFC 5952 writes it; undefined when it is no address.
 */
export function canonicalAddress(text: string): string | undefined {
  return parseAddress(text.replace(/%.*$/, ""))?.toString();
}

/**
 * Like `canonicalAddress`, but of an IPv4-mapped IPv6 address (RFC 4291, 2.5.5.2) it is the IPv4
 * address: that is how dual-stack sockets, and some resolvers, write one.
 */
export function unmappedAddress(text: string): string | undefined {
  const address = canonicalAddress(text);
  return address === undefined ? undefined : ipaddr.process(address).toString();
}

/** Whether an address is in the subnet of another one. Both are canonical; never across families. */
export function isWithin(
  address: string,
  subnet: { readonly address: string; readonly prefixLength: number },
): boolean {
  const [one, other] = [ipaddr.parse(address), ipaddr.parse(subnet.address)];
  return one.kind() === other.kind() && one.match(other, subnet.prefixLength);
}

/** Orders VIPs: IPv4 before IPv6, then by number, so that 10.0.0.9 comes before 10.0.0.10. */
export function compareVips(a: Vip, b: Vip): number {
  if (a.family !== b.family) return a.family - b.family;
  const left = ipaddr.parse(a.address).toByteArray();
  const right = ipaddr.parse(b.address).toByteArray();
  const at = left.findIndex((byte, index) => byte !== right[index]);
  return at === -1 ? 0 : (left[at] ?? 0) - (right[at] ?? 0);
}

/** Whether a canonical address is one that a host has for itself: 127/8 or ::1. */
export function isLoopback(address: string): boolean {
  return ipaddr.parse(address).range() === "loopback";
}

/** The only prefix length that a VIP is bound with: one wider makes its neighbours local too. */
export function prefixLength(vip: Vip): 32 | 128 {
  return vip.family === 4 ? 32 : 128;
}

const NO_ADDRESS = "is not an IPv4 or IPv6 address";

/** Ranges that no other host has an address of, or that a director cannot forward to. */
const NO_RIPS: Readonly<Record<string, string>> = {
  loopback: "is a loopback address",
  multicast: "is a multicast address",
  broadcast: "is the broadcast address",
  unspecified: "is an unspecified address",
  linkLocal: "is a link-local address",
  ipv4Mapped: "is an IPv4-mapped IPv6 address",
};

/**
 * Node's parser decides what an address is: that of ipaddr.js also accepts octal, hex and short forms
 * (`10.1`). It also reads `::192.0.2.1` as IPv4-mapped, so a dotted tail is written in hex first.
 */
function parseAddress(text: string): ipaddr.IPv4 | ipaddr.IPv6 | undefined {
  const version = isIP(text);
  if (version === 0) return undefined;
  return ipaddr.parse(version === 4 ? text : text.replace(/[0-9]+(\.[0-9]+){3}/, twoGroups));
}

function canonical(parsed: ipaddr.IPv4 | ipaddr.IPv6): Vip {
  return { family: parsed.kind() === "ipv4" ? 4 : 6, address: parsed.toString() };
}

/** The last 32 bits of an IPv6 address, written as IPv4, as two groups of hex digits. */
function twoGroups(dotted: string): string {
  const { parts } = ipaddr.IPv4.parse(dotted).toIPv4MappedAddress();
  return parts
    .slice(-2)
    .map((group) => group.toString(16))
    .join(":");
}

function prefixProblem(prefix: string | undefined, vip: Vip): string | undefined {
  const full = prefixLength(vip);
  if (prefix === undefined || prefix === String(full)) return undefined;
  if (/^[0-9]+$/.test(prefix) && Number(prefix) < full) {
    return `has a prefix wider than /${full}: on lo it would make a whole network local; leave the prefix out`;
  }
  return `has no valid prefix; leave it out, or write /${full}`;
}

/** Ranges that no director can forward for, or that the kernel treats apart. */
function rangeProblem(address: ipaddr.IPv4 | ipaddr.IPv6): string | undefined {
  switch (address.range()) {
    case "loopback":
      return "is a loopback address; a VIP is an address that clients reach the director at";
    case "multicast":
      return "is a multicast address; a VIP is a unicast address";
    case "broadcast":
      return "is the broadcast address; a VIP is a unicast address";
    case "unspecified":
      return "is an unspecified address; a VIP is a unicast address";
    case "linkLocal":
      return "is a link-local address; a VIP is an address that routers forward";
    case "ipv4Mapped":
      return "is an IPv4-mapped IPv6 address; write the IPv4 address itself";
    default:
      return undefined;
  }
}
