import { canonicalAddress, type Vip } from "../domain/address";
import {
  endpoint,
  familyOf,
  nameOfTarget,
  prefixLengthOfMask,
  selectorOf,
  type Destination,
  type Scheduling,
  type ServiceTarget,
} from "../domain/virtual-service";
import { broken } from "./lines";

/** A service in a director's table. */
export interface TableService extends Scheduling {
  /** Undefined where it is of no kind that a program can declare: SCTP, say. */
  readonly target: ServiceTarget | undefined;
  /** The options that name it: `-t 203.0.113.10:80`. */
  readonly selector: string;
  /** What else `ipvsadm -Sn` says of it, and no input does: `-o`, `--pe sip`. */
  readonly others: readonly string[];
  /** Its options as `ipvsadm -Sn` prints them, selector first. */
  readonly options: string;
  readonly destinations: readonly TableDestination[];
}

/** A destination in a director's table. */
export interface TableDestination extends Destination {
  readonly port: number;
  /** As ipvsadm says it: `-g` direct routing, `-m` masquerading, `-i` tunnelling. */
  readonly forwarding: "-g" | "-m" | "-i";
  /** All of its options, so that it can be put back as it is: selector first, thresholds last. */
  readonly options: string;
  /** Connections that the director believes to be established. */
  readonly active: number;
  /** Those that it still keeps an entry of. */
  readonly inactive: number;
}

/** A service of a table for people, each by another name; what no program can declare as ipvsadm has it. */
export function nameOfService({
  target,
  selector,
}: Pick<TableService, "target" | "selector">): string {
  return target === undefined ? selector : nameOfTarget(target);
}

/**
 * Reads a table: the lines of `ipvsadm -Sn`, and those of `ipvsadm -Ln --thresholds`, for thresholds
 * are in no other, unless the former say them (`-x`, `-y`), as our records do. Total: throws
 * `UnreadableAnswer` at what it does not know.
 */
export function parseServiceTable(
  saved: readonly string[],
  listed: readonly string[],
): TableService[] {
  const limits = parseLimits(listed);
  const services: (TableService & { destinations: TableDestination[] })[] = [];
  for (const line of saved) {
    const words = line.trim().split(/ +/);
    const [command, ...options] = words;
    if (command === "-A") services.push({ ...parseService(line, options), destinations: [] });
    else if (command === "-a") {
      const service = services.at(-1) ?? broken(line);
      service.destinations.push(parseDestination(line, options, service.selector, limits));
    } else broken(line);
  }
  return services;
}

/** The numbers of a destination's line in `ipvsadm -Ln --thresholds`. */
interface Limits {
  readonly upper: number;
  readonly lower: number;
  readonly active: number;
  readonly inactive: number;
}

/** By selector and endpoint. Of a destination that came between the two listings there is none. */
function parseLimits(listed: readonly string[]): Map<string, Limits> {
  const limits = new Map<string, Limits>();
  let selector: string | undefined;
  for (const line of listed) {
    if (HEADING.test(line)) continue;
    const row = /^ +-> (\S+) +(\d+) +(\d+) +(\d+) +(\d+) *$/.exec(line);
    if (row === null) selector = listedSelector(line);
    else if (selector === undefined) broken(line);
    else {
      const [, at = "", ...columns] = row;
      const [upper = 0, lower = 0, active = 0, inactive = 0] = columns.map(Number);
      limits.set(`${selector} ${at}`, { upper, lower, active, inactive });
    }
  }
  return limits;
}

const HEADING = /^(IP Virtual Server |Prot |  -> RemoteAddress:Port)/;

/** `TCP  203.0.113.10:80 wlc`, `FWM  7 IPv6 mh`. */
function listedSelector(line: string): string {
  const [, protocol = "", at = "", ipv6] =
    /^(TCP|UDP|SCTP|FWM) +(\S+)( IPv6)? ./.exec(line) ?? broken(line);
  return protocol === "FWM"
    ? `-f ${markOf(at)}${ipv6 === undefined ? "" : " -6"}`
    : `${OPTIONS[protocol] ?? ""} ${at}`;
}

const OPTIONS: Readonly<Record<string, string>> = {
  TCP: "-t",
  UDP: "-u",
  SCTP: "--sctp-service",
};

function parseService(line: string, words: readonly string[]): Omit<TableService, "destinations"> {
  const { selector, target, rest } = takeSelector(line, words);
  const scheduling: { scheduler?: string; flags: string[]; timeout?: number; mask?: string } = {
    flags: [],
  };
  const others: string[] = [];
  const left = [...rest];
  for (let word = left.shift(); word !== undefined; word = left.shift()) {
    if (word === "-s") scheduling.scheduler = left.shift() ?? broken(line);
    else if (word === "-b") scheduling.flags = (left.shift() ?? broken(line)).split(",");
    else if (word === "-p") scheduling.timeout = wholeNumber(left.shift(), line);
    else if (word === "-M") scheduling.mask = left.shift() ?? broken(line);
    else others.push(word === "--pe" ? `--pe ${left.shift() ?? ""}` : word);
  }
  const { scheduler = broken(line), flags, timeout, mask } = scheduling;
  const family = target === undefined || familyOf(target) === 4 ? 4 : 6;
  const prefixLength =
    mask === undefined ? (family === 4 ? 32 : 128) : prefixLengthOfMask(mask, family);
  const persistence =
    timeout === undefined
      ? undefined
      : { timeoutSeconds: timeout, prefixLength: prefixLength ?? broken(line) };
  const options = line.trim().replace(/^-A +/, "");
  return { selector, target, scheduler, flags, persistence, others, options };
}

function parseDestination(
  line: string,
  words: readonly string[],
  selector: string,
  limits: ReadonlyMap<string, Limits>,
): TableDestination {
  const taken = takeSelector(line, words);
  const [option, at = "", ...rest] = taken.rest;
  if (taken.selector !== selector || option !== "-r") broken(line);
  const { address, port } = parseEndpoint(at) ?? broken(line);
  const forwarding = (["-g", "-m", "-i"] as const).find((one) => rest.includes(one));
  const after = (name: string, otherwise: number) =>
    rest.includes(name) ? wholeNumber(rest[rest.indexOf(name) + 1], line) : otherwise;
  const listed = limits.get(`${selector} ${at}`);
  const upperThreshold = after("-x", listed?.upper ?? 0);
  const lowerThreshold = after("-y", listed?.lower ?? 0);
  const said = line.replace(/^ *-a +| -x \d+| -y \d+| +$/g, "");
  return {
    ...{ address, port, weight: after("-w", 1), upperThreshold, lowerThreshold },
    active: listed?.active ?? 0,
    inactive: listed?.inactive ?? 0,
    forwarding: forwarding ?? broken(line),
    options: `${said} -x ${upperThreshold} -y ${lowerThreshold}`,
  };
}

function takeSelector(line: string, words: readonly string[]) {
  const [option = "", at = "", ...rest] = words;
  if (option === "-f") {
    const isIpv6 = rest[0] === "-6";
    const target = { kind: "fwmark", mark: markOf(at), family: isIpv6 ? 6 : 4 } as const;
    return { target, selector: selectorOf(target), rest: isIpv6 ? rest.slice(1) : rest };
  }
  if (!Object.values(OPTIONS).includes(option)) return broken(line);
  const { address, port } = parseEndpoint(at) ?? broken(line);
  const vip: Vip = { family: address.includes(":") ? 6 : 4, address };
  const kind = option === "-t" ? "tcp" : "udp";
  const target: ServiceTarget | undefined = option.startsWith("--")
    ? undefined
    : { kind, vip, port };
  return { target, selector: `${option} ${endpoint(address, port)}`, rest };
}

/** `203.0.113.10:80` or `[2001:db8::10]:80`; undefined where it is neither. */
function parseEndpoint(text: string): { address: string; port: number } | undefined {
  const [, ipv6, ipv4, port] = /^(?:\[([^\]]+)\]|([0-9.]+)):(\d{1,5})$/.exec(text) ?? [];
  const address = canonicalAddress(ipv6 ?? ipv4 ?? "");
  return address === undefined ? undefined : { address, port: Number(port) };
}

/** Large marks are printed as negative: `-1` is 4294967295. */
function markOf(text: string): number {
  return /^-?\d+$/.test(text) ? Number(text) >>> 0 : broken(`mark ${text}`);
}

function wholeNumber(text: string | undefined, line: string): number {
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : broken(line);
}
