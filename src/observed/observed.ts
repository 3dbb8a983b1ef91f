import { parseAddressLine, type BoundAddress } from "./ip-addr";
import { canonicalAddress } from "../domain/address";
import { broken, fromFiles, Lines, oneOf } from "./lines";
import { parseBoot, type BootState } from "./boot-state";
import { parseRegistry, type Machine, type Registry } from "./registry";
import { ofProcIpvs } from "./proc-net";
import { parseRoutes, type Route } from "./routes";
import type { ArpValues } from "../domain/sysctl";

/** One network interface. */
export interface Nic {
  readonly name: string;
  /** Its own values, not the effective ones. */
  readonly own: ArpValues;
  readonly rpFilter: number;
  /**
   * It can answer and announce: neither loopback nor NOARP (or not known to be), nor in a bond or a
   * bridge, unless it has an IPv4 address there.
   */
  readonly hearsArp: boolean;
  /** NOARP, or a bridge without ports: its addresses are not on any wire. */
  readonly offWire: boolean;
  /** One end of a veth pair that is up and has no IPv4 address: it answers for none of the host's own. */
  readonly unnumberedPair?: true;
}

/** A line of a file of the host's configuration. */
export interface ConfiguredLine {
  readonly file: string;
  readonly line: number;
  readonly text: string;
}

/** A host, as it told of itself under the lock. */
export interface Observed {
  /** The two ends of our own SSH connection, canonical. */
  readonly session: { readonly client: string; readonly server: string };
  readonly bootId: string;
  readonly machine: Machine;
  /** Whose `ip` it has: they differ in what they can change in place. */
  readonly ip: "iproute2" | "busybox";
  readonly addresses: readonly BoundAddress[];
  readonly all: ArpValues;
  readonly allRpFilter: number;
  /** Without `all`, `default` and `lo`. */
  readonly nics: readonly Nic[];
  readonly sysctlWritable: boolean;
  /** IPv6 addresses can be bound on `lo`. */
  readonly ipv6OnLo: boolean;
  readonly proxyNdp: readonly string[];
  /** Addresses of `ip -6 neigh show proxy`. */
  readonly proxied: readonly string[];
  readonly gateways: readonly string[];
  readonly defaultNics: readonly string[];
  /** The way back to our own end of the SSH connection. */
  readonly sessionRoute: { readonly nic: string; readonly via: string | undefined } | undefined;
  /** Of the addresses asked about: those that the host delivers to itself. */
  readonly local: readonly string[];
  /** Of all tables: those with a source, the local ones, those to `lo`; without the kernel's own. */
  readonly routes: readonly Route[];
  /** Service addresses in the host's own IPVS table. */
  readonly services: readonly string[];
  /** Its kernel has IPVS loaded. */
  readonly hasIpvs: boolean;
  /** It has the folder of a director's records. */
  readonly hasServiceRecords: boolean;
  readonly forwards: boolean;
  readonly sysctlLines: readonly ConfiguredLine[];
  /** Lines of network configuration and boot scripts in which a VIP may stand. */
  readonly networkLines: readonly ConfiguredLine[];
  /** Files of NetworkManager that have it manage `lo`. */
  readonly loProfiles: readonly string[];
  readonly boot: BootState;
  /** Undefined where the host has none. */
  readonly registry: Registry | undefined;
}

/** Reads the body of an observation. Total: an answer that is not whole throws {@link UnreadableAnswer}. */
export function parseObservation(body: string): Observed {
  const lines = new Lines(body);
  const addresses = lines.all("addr").map((line) => parseAddressLine(line) ?? broken(line));
  const addressed = new Set(addresses.flatMap((one) => (one.family === 4 ? one.interface : [])));
  const confs = lines.all("conf").map((line) => parseConf(line, addressed));
  const confOf = (name: string) =>
    confs.find((conf) => conf.name === name) ?? broken(`no interface ${name}`);
  const defaults = defaultRoutes(lines.all("default"));
  return {
    session: parseSession(lines.one("session")),
    bootId: lines.one("boot"),
    machine: { machineId: lines.one("machine"), productUuid: lines.one("product") },
    ip: oneOf(lines, "ip", "iproute2", "busybox"),
    addresses,
    all: confOf("all").own,
    allRpFilter: confOf("all").rpFilter,
    nics: confs.filter((conf) => !["all", "default", "lo"].includes(conf.name)),
    sysctlWritable: oneOf(lines, "sysctl-writable", "yes", "no") === "yes",
    ipv6OnLo: oneOf(lines, "ipv6-disabled", "0", "1", "-") === "0",
    proxyNdp: lines.all("proxy-ndp"),
    proxied: lines.all("proxied").map((line) => addressIn(line.split(" ")[0])),
    gateways: defaults.flatMap((line) => gatewayIn(line) ?? []),
    defaultNics: defaults.flatMap((line) => wordAfter(line, "dev") ?? []),
    sessionRoute: parseSessionRoute(lines.all("session-route")),
    local: lines.all("route").flatMap(localAddress),
    routes: [
      ...parseRoutes(4, lines.all("route4"), addresses),
      ...parseRoutes(6, lines.all("route6"), addresses),
    ],
    services: lines.all("service").flatMap(serviceAddress),
    hasIpvs: lines.has("service"),
    hasServiceRecords: lines.has("director"),
    forwards: oneOf(lines, "ip-forward", "0", "1", "-") === "1",
    sysctlLines: lines.all("sysctl-file").map(parseSysctlLine),
    networkLines: lines.all("network-line").map(parseNetworkLine),
    loProfiles: lines.all("lo-profile"),
    boot: parseBoot(lines),
    registry: lines.has("registry") ? fromFiles(lines, parseRegistry) : undefined,
  };
}

// $SSH_CONNECTION: CLIENT PORT SERVER PORT
function parseSession(line: string): Observed["session"] {
  const match = /^(\S+) \d+ (\S+) \d+$/.exec(line);
  return { client: addressIn(match?.[1]), server: addressIn(match?.[2]) };
}

const CONF = /^(-?\d+) (-?\d+) (-?\d+) (0x[0-9a-f]+|-) (wired|portless|enslaved|pair) ([^ ]+)$/;

// IGNORE ANNOUNCE RP_FILTER FLAGS wired|portless|enslaved|pair NAME
function parseConf(line: string, addressed: ReadonlySet<string>): Nic {
  const match = CONF.exec(line);
  if (!match) return broken(line);
  const [, ignore, announce, rpFilter, flags, wire, name = ""] = match;
  const bits = flags === "-" ? 0 : Number(flags);
  const noArp = (bits & 0x80) !== 0; // IFF_NOARP
  const up = (bits & 0x1) !== 0; // IFF_UP
  const loopback = (bits & 0x8) !== 0; // IFF_LOOPBACK
  return {
    name,
    own: { arp_ignore: Number(ignore), arp_announce: Number(announce) },
    rpFilter: Number(rpFilter),
    // What it receives is its master's; but from an address of its own it may still send.
    hearsArp: !noArp && !loopback && (wire !== "enslaved" || addressed.has(name)),
    offWire: noArp || wire === "portless",
    ...(wire === "pair" && !addressed.has(name) && up && { unnumberedPair: true as const }),
  };
}

function parseSessionRoute(lines: readonly string[]): Observed["sessionRoute"] {
  const line = lines[0];
  const nic = line === undefined ? undefined : wordAfter(line, "dev");
  if (line === undefined || nic === undefined) return undefined;
  return { nic, via: gatewayIn(line) };
}

/**
 * Busybox prints every IPv4 route, whatever it is asked for. The ways of a multipath route stand behind
 * backslashes: `default proto static \\tnexthop via 10.0.0.1 dev eth0 weight 1`.
 */
function defaultRoutes(lines: readonly string[]): string[] {
  let within = false;
  return lines
    .flatMap((line) => line.split(/\\(?=\s)/))
    .filter((line) => {
      if (!/^\s/.test(line)) within = line.startsWith("default ");
      return within;
    });
}

// Of another family it is named: "via inet6 fe80::1 dev eth0".
function gatewayIn(line: string): string | undefined {
  const via = wordAfter(line, "via");
  return canonicalAddress((via?.startsWith("inet") ? wordAfter(line, via) : via) ?? "");
}

// By an address of its own; or by a route to lo: "203.0.113.10 dev lo src 10.0.0.11 uid 0".
function localAddress(line: string): string[] {
  const [kind = "", address] = line.trim().split(/\s+/);
  if (kind === "local") return [addressIn(address)];
  const there = canonicalAddress(kind);
  return there !== undefined && wordAfter(line, "dev") === "lo" ? [there] : [];
}

// /proc/net/ip_vs: "TCP  CB00710A:0050 rr", "UDP  [2001:0db8:...]:0035 wlc"; FWM has no address.
function serviceAddress(line: string): string[] {
  const v6 = /^(?:TCP|UDP|SCTP) +\[([0-9a-fA-F:]+)\]:/.exec(line)?.[1];
  if (v6 !== undefined) return [addressIn(v6)];
  const v4 = /^(?:TCP|UDP|SCTP) +([0-9a-fA-F]{8}):/.exec(line)?.[1];
  return v4 === undefined ? [] : [ofProcIpvs(v4)];
}

/** The interfaces whose addresses are on no wire: `lo`, and NICs such as dummy0, kube-ipvs0, a bridge without ports. */
export function interfacesOffWire({ nics }: Pick<Observed, "nics">): ReadonlySet<string> {
  return new Set(["lo", ...nics.filter((nic) => nic.offWire).map((nic) => nic.name)]);
}

function parseSysctlLine(line: string): ConfiguredLine {
  const match = /^(\d+) (\S+) (.*)$/s.exec(line);
  const [, number, file = "", text = ""] = match ?? broken(line);
  return configuredLine(file, number, text);
}

// As grep prints it: FILE:NUMBER:TEXT. An alias has a colon in its file's name: ifcfg-lo:0.
const CONFIGURED = /^(.+?\/ifcfg-[^/:]+:[^/:]+|.+?):(\d+):(.*)$/s;

function parseNetworkLine(line: string): ConfiguredLine {
  const [, file = "", number, text = ""] = CONFIGURED.exec(line) ?? broken(line);
  return configuredLine(file, number, text);
}

/** Other people's files: a line may hold any byte, and end as Windows ends it. */
function configuredLine(file: string, number: string | undefined, text: string): ConfiguredLine {
  return { file, line: Number(number), text: text.replace(/\r$/, "") };
}

function wordAfter(line: string, word: string): string | undefined {
  const words = line.split(/\s+/);
  const at = words.indexOf(word);
  return at < 0 ? undefined : words[at + 1];
}

function addressIn(text: string | undefined): string {
  return canonicalAddress(text ?? "") ?? broken(`address ${text ?? ""}`);
}
