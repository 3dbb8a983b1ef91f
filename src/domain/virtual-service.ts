import type { Family, Vip } from "./address";

/** What a virtual service answers to. */
export type ServiceTarget =
  /** A VIP and a port, 1 to 65535. */
  | { readonly kind: "tcp" | "udp"; readonly vip: Vip; readonly port: number }
  /** Packets that a firewall rule of the director marks, 1 to 2147483647: ipvsadm prints larger marks as negative. */
  | { readonly kind: "fwmark"; readonly mark: number; readonly family: Family };

/** How connections are shared out, and which of them stay together. */
export interface Scheduling {
  /** As ipvsadm names it: `wlc`. */
  readonly scheduler: string;
  /** Of the scheduler, as ipvsadm prints them, sorted: `sh-fallback`, `flag-1`. */
  readonly flags: readonly string[];
  /** A client stays with a destination. Undefined where it does not. */
  readonly persistence: Persistence | undefined;
}

/** A client, or all clients in a network, stay with one destination. */
export interface Persistence {
  /** So long after the last connection, in seconds. */
  readonly timeoutSeconds: number;
  /** Clients in one network of this size count as one. 32 or 128: each for itself. */
  readonly prefixLength: number;
}

/** A real server as a destination of a service, by direct routing: its port is the service's. */
export interface Destination {
  /** Its RIP, canonical, of the service's family. */
  readonly address: string;
  /** 0: no new connections. */
  readonly weight: number;
  /** From so many connections on it gets no new ones, until there are fewer than `lowerThreshold`. 0: no limit. */
  readonly upperThreshold: number;
  readonly lowerThreshold: number;
}

/** The IP version of a service, and of its destinations. */
export function familyOf(target: ServiceTarget): Family {
  return target.kind === "fwmark" ? target.family : target.vip.family;
}

/** A service for people: `203.0.113.10:80`, `203.0.113.10:53/udp`, `fwmark 7`, `fwmark 7 (IPv6)`. */
export function nameOfTarget(target: ServiceTarget): string {
  if (target.kind === "fwmark")
    return `fwmark ${target.mark}${target.family === 6 ? " (IPv6)" : ""}`;
  const { kind, vip, port } = target;
  return `${endpoint(vip.address, port)}${kind === "udp" ? "/udp" : ""}`;
}

/**
 * The options of ipvsadm that name a service, as `ipvsadm -Sn` prints them: `-t 203.0.113.10:80`,
 * `-u [2001:db8::10]:53`, `-f 7`, `-f 7 -6`. Two services are the same if these are.
 */
export function selectorOf(target: ServiceTarget): string {
  if (target.kind === "fwmark") return `-f ${target.mark}${target.family === 6 ? " -6" : ""}`;
  const { kind, vip, port } = target;
  return `${kind === "tcp" ? "-t" : "-u"} ${endpoint(vip.address, port)}`;
}

/** The port that a destination has by direct routing: the service's; 0 with a firewall mark. */
export function portOf(target: ServiceTarget): number {
  return target.kind === "fwmark" ? 0 : target.port;
}

/** The options of ipvsadm for what a service does, all of them: `-E` takes away what it is not told. */
export function schedulingOptions(scheduling: Scheduling, family: Family): string {
  const { scheduler, flags, persistence } = scheduling;
  return [
    `-s ${scheduler}`,
    ...(persistence ? [persistenceOptions(persistence, family)] : []),
    ...(flags.length > 0 ? [`-b ${flags.join(",")}`] : []),
  ].join(" ");
}

/** The options of ipvsadm for a destination, all of them: `-e` takes away what it is not told. */
export function destinationOptions(destination: Destination, target: ServiceTarget): string {
  const { address, weight, upperThreshold, lowerThreshold } = destination;
  return `-r ${endpoint(address, portOf(target))} -g -w ${weight} -x ${upperThreshold} -y ${lowerThreshold}`;
}

/**
 * A scheduler's flags as ipvsadm prints them, each once, in the kernel's order. `flag-1` of `sh` is
 * `sh-fallback` (ipvsadm.c, str_to_sched_flags).
 */
export function canonicalFlags(scheduler: string, flags: readonly string[]): string[] {
  const names = FLAG_NAMES[scheduler] ?? [];
  const numbers = flags.map((flag) => {
    const named = names.indexOf(flag);
    return named < 0 ? Number(/^flag-([123])$/.exec(flag)?.[1] ?? NaN) : named + 1;
  });
  return [1, 2, 3]
    .filter((number) => numbers.includes(number))
    .map((number) => names[number - 1] ?? `flag-${number}`);
}

/** Names of a scheduler's first flags; without a name there is `flag-1`, `flag-2`, `flag-3`. */
const FLAG_NAMES: Readonly<Record<string, readonly string[]>> = {
  sh: ["sh-fallback", "sh-port"],
  mh: ["mh-fallback", "mh-port"],
};

/** What is wrong with the name of a flag, as a phrase that follows it; undefined where nothing is. */
export function flagProblem(flag: string): string | undefined {
  const known = [...Object.values(FLAG_NAMES).flat(), "flag-1", "flag-2", "flag-3"];
  return known.includes(flag)
    ? undefined
    : `is no flag of a scheduler; known are ${known.join(", ")}`;
}

/** The scheduler keeps sending clients to a destination of weight 0, unless it may fall back. */
export function sticksToQuiesced({ scheduler, flags }: Scheduling): boolean {
  return FLAG_NAMES[scheduler] !== undefined && !flags.includes(`${scheduler}-fallback`);
}

/** An address and a port, as ipvsadm writes them: `10.0.0.11:80`, `[fd00::11]:80`. */
export function endpoint(address: string, port: number): string {
  return address.includes(":") ? `[${address}]:${port}` : `${address}:${port}`;
}

/** The prefix length of a netmask as ipvsadm prints it after `-M`; undefined where it is none. */
export function prefixLengthOfMask(text: string, family: Family): number | undefined {
  if (family === 6) return /^\d{1,3}$/.test(text) && Number(text) <= 128 ? Number(text) : undefined;
  const lengths = Array.from({ length: 33 }, (_, length) => length);
  return lengths.find((length) => dottedMask(length) === text);
}

/** What says that all clients in a network count as one: a netmask for IPv4, a prefix length for IPv6. */
export function maskOf(prefixLength: number, family: Family): string {
  return family === 4 ? dottedMask(prefixLength) : String(prefixLength);
}

/** Without `-M` each client is for itself. */
function persistenceOptions({ timeoutSeconds, prefixLength }: Persistence, family: Family): string {
  const isWhole = prefixLength === (family === 4 ? 32 : 128);
  return `-p ${timeoutSeconds}${isWhole ? "" : ` -M ${maskOf(prefixLength, family)}`}`;
}

function dottedMask(prefixLength: number): string {
  const bits = prefixLength === 0 ? 0 : (0xffffffff << (32 - prefixLength)) >>> 0;
  return [24, 16, 8, 0].map((shift) => (bits >>> shift) & 0xff).join(".");
}
