import ipaddr from "ipaddr.js";
import { canonicalAddress, type Family } from "../domain/address";
import type { BoundAddress } from "./ip-addr";

/** A route that somebody made and that has to do with an address on `lo`: none of the kernel's own. */
export interface Route {
  readonly family: Family;
  /** `local`: the host takes what goes there for its own, as with an address. */
  readonly type: "unicast" | "local";
  /** Canonical, with prefix: `0.0.0.0/0` for the default route. */
  readonly destination: string;
  /** By name or number; `main` where the host names none. */
  readonly table: string;
  /** The address of the host that it has as its source, canonical; undefined where it names none. */
  readonly source: string | undefined;
  /** It leads to `lo`, and so to the host itself. */
  readonly toLo: boolean;
  /** As the host prints it, on one line. `ip route` takes that as it is. */
  readonly text: string;
}

/**
 * Reads what `ip route show table all` prints of one family, of iproute2 5 and 6 and of busybox. Routes
 * that deliver nothing (`unreachable` and the like) are left out, and so is what the kernel makes for an
 * address of the host: busybox does not print `proto kernel`.
 */
export function parseRoutes(
  family: Family,
  lines: readonly string[],
  addresses: readonly BoundAddress[],
): Route[] {
  return joined(lines)
    .flatMap((line) => parseRoute(family, line))
    .filter((route) => route.type === "local" || route.toLo || route.source !== undefined)
    .filter((route) => !isKernels(route, addresses));
}

/** Whether what goes to an address goes by this route, where no more specific one is there. */
export function leadsTo({ family, destination }: Route, address: string): boolean {
  if (address.includes(":") !== (family === 6)) return false;
  return ipaddr.parse(address).match(ipaddr.parseCIDR(destination));
}

/**
 * Whether packets of any kind come to a route: those of other tables than these two are for packets
 * that a rule picks, by their mark most often, as a transparent proxy does.
 */
export function isForAll({ table }: Route): boolean {
  return table === "main" || table === "local";
}

/** The command that removes a route. */
export function removalOf({ family, text }: Route): string {
  return `${ipRoute(family)} del ${text}`;
}

/**
 * The command that leaves a route as it is, but for its source. Undefined where the host does not say
 * how the route goes on: of one with several ways, busybox's `ip` prints none.
 */
export function sourcelessOf({ family, text }: Route): string | undefined {
  if (!/ (via|dev|nexthop|nhid) /.test(text)) return undefined;
  return `${ipRoute(family)} replace ${text.replace(/ src \S+/, "")}`;
}

function ipRoute(family: Family): string {
  return family === 4 ? "ip route" : "ip -6 route";
}

/** The ways of a multipath route stand behind backslashes, as `ip -o` prints them, or on lines below it. */
function joined(lines: readonly string[]): string[] {
  const whole: string[] = [];
  for (const line of lines.map((text) => text.replace(/\\(?=\s)/g, ""))) {
    if (/^\s/.test(line)) whole.push(`${whole.pop() ?? ""} ${line}`);
    else whole.push(line);
  }
  return whole;
}

// What ip prints of a route's state, which it does not take.
const STATE = / (linkdown|dead|pervasive|offload|offload_failed|trap|rt_offload|rt_trap)(?= |$)/g;

function parseRoute(family: Family, line: string): Route[] {
  const text = line
    .trim()
    .replace(/\s+/g, " ")
    .replace(/ nhid \d+(?= via )/, "")
    // Of a group of next hops, ip prints both, and takes but one.
    .replace(/( nhid \d+ .*?) ?nexthop .*$/, "$1")
    .replace(STATE, "");
  const isLocal = text.startsWith("local ");
  const [to = ""] = text.replace(/^local /, "").split(" ");
  const destination = destinationOf(family, to);
  if (destination === undefined) return [];
  const after = (word: string) => new RegExp(` ${word} (\\S+)`).exec(text)?.[1];
  return [
    {
      family,
      type: isLocal ? "local" : "unicast",
      destination,
      table: after("table") ?? "main",
      source: canonicalAddress(after("src") ?? ""),
      toLo: after("dev") === "lo",
      text,
    },
  ];
}

/** Undefined where it is none, as of a type that goes before it. */
function destinationOf(family: Family, to: string): string | undefined {
  if (to === "default") return family === 4 ? "0.0.0.0/0" : "::/0";
  const [text = "", length = family === 4 ? "32" : "128"] = to.split("/");
  const address = canonicalAddress(text);
  if (address === undefined || address.includes(":") !== (family === 6)) return undefined;
  return /^\d{1,3}$/.test(length) && Number(length) <= (family === 4 ? 32 : 128)
    ? `${address}/${length}`
    : undefined;
}

// fib_add_ifaddr in net/ipv4/fib_frontend.c; addrconf_prefix_route in net/ipv6/addrconf.c has metric 256.
function isKernels(route: Route, addresses: readonly BoundAddress[]): boolean {
  const { family, type, destination, text } = route;
  if (type === "unicast") return family === 6 && / dev lo metric 256$/.test(text);
  if (/ metric [1-9]/.test(text)) return false;
  return addresses.some(
    (one) =>
      one.family === family &&
      (`${one.address}/${family === 4 ? 32 : 128}` === destination ||
        (one.interface === "lo" && networkOf(one) === destination)),
  );
}

function networkOf({ address, prefixLength, family }: BoundAddress): string {
  const kind = family === 4 ? ipaddr.IPv4 : ipaddr.IPv6;
  return `${kind.networkAddressFromCIDR(`${address}/${prefixLength}`).toString()}/${prefixLength}`;
}
