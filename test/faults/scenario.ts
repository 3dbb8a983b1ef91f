import { openingCommand } from "../../src/host/program";
import type { Cut, Moment } from "./proxy";
import { Random } from "./random";

/** One run: what the host is like, what is asked of it, and what goes wrong meanwhile. */
export interface Scenario {
  readonly flavour: Flavour;
  readonly login: "root" | "password" | "deploy" | "operator";
  readonly host: HostState;
  /** What the host serves by us before; undefined for a create. */
  readonly served: Serving | undefined;
  /** Done by hand since then. */
  readonly drift: readonly Meddling[];
  readonly verb: "create" | "update" | "delete" | "read";
  readonly desired: Serving;
  readonly fault: Fault;
  /** How it is gone on: with the program as it is, or with the end of it all. */
  readonly finish: "up" | "destroy";
}

/** What a host's `sh` and `ip` are. */
export interface Flavour {
  readonly shell: "dash" | "bash" | "busybox";
  readonly ip: "iproute2" | "busybox";
}

/** What a program declares. */
export interface Serving {
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
  /** With a list, NICs named tap* are left out on purpose. */
  readonly interfaces: "all" | readonly ["eth0"];
}

/** What others have done on the host before. */
export interface HostState {
  readonly sysctls: readonly { readonly name: string; readonly value: number }[];
  readonly byHand: readonly HandAddress[];
  readonly owners: readonly OtherOwner[];
  /** A journal that an operation left which died with its watchdog. */
  readonly journal: "none" | "of this boot" | "of another boot";
  /** Files that no record speaks of, in our folder and beside it. */
  readonly litter: boolean;
}

/** An address on `lo` that somebody bound by hand. */
export interface HandAddress {
  readonly prefix: string;
  readonly words: string;
}

/** Another stack's resource on the same host. */
export interface OtherOwner {
  readonly owner: string;
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
}

/** What somebody else does to a host. */
export type Meddling =
  | { readonly what: "deletes a VIP"; readonly vip: string }
  | { readonly what: "resets a sysctl"; readonly name: string; readonly value: number }
  | { readonly what: "adds an address"; readonly prefix: string }
  | { readonly what: "adds a NIC" };

/** What goes wrong. */
export type Fault =
  | { readonly kind: "none" }
  | {
      readonly kind: "connection";
      readonly cut: Exclude<Cut, "hold">;
      readonly moment: Moment;
      readonly thenRefuse: boolean;
    }
  | { readonly kind: "client"; readonly how: "killed" | "stopped"; readonly moment: Delayed }
  | { readonly kind: "shell"; readonly how: ShellEnd; readonly moment: Delayed }
  | { readonly kind: "ip"; readonly call: number; readonly how: IpFailure }
  | { readonly kind: "proc"; readonly key: string; readonly moment: Delayed | undefined }
  | { readonly kind: "disk"; readonly how: "full" | "read-only"; readonly room: number }
  | { readonly kind: "registry"; readonly file: number; readonly how: Damage; readonly at: number }
  | { readonly kind: "lock"; readonly seconds: number }
  | { readonly kind: "somebody"; readonly does: Meddling; readonly moment: Delayed };

/** A moment, and milliseconds after it: the host works while no byte passes. */
export interface Delayed extends Moment {
  readonly delay: number;
}

export type ShellEnd =
  | "TERM"
  | "HUP"
  | "KILL"
  | "STOP"
  | "its watchdog killed"
  | "killed with its watchdog"
  | "its sshd killed";

/** How the `ip` of a host fails at a call: not done; done in part; done, and a failure told all the same. */
export type IpFailure = "refuses" | "stops half-way" | "fails afterwards" | "is killed";

/** What befalls a file of the registry. */
export type Damage = "cut short" | "garbled" | "emptied";

/** Each shell and each `ip`, by the number of the run. */
export const FLAVOURS: readonly Flavour[] = (["dash", "bash", "busybox"] as const).flatMap(
  (shell) => (["iproute2", "busybox"] as const).map((ip) => ({ shell, ip })),
);

/** IPv4 VIPs that runs draw from; the wire is asked for each of them. */
export const VIPS4 = Array.from({ length: 10 }, (_, number) => `203.0.113.${number + 1}`);
const VIPS6 = Array.from({ length: 4 }, (_, number) => `2001:db8::${number + 1}`);
/** Never declared. */
const FOREIGN = ["203.0.113.40/32", "203.0.113.41/32", "2001:db8::40/128", "192.0.2.9/24"];

/** The run of a number: the same for the same seed. */
export function scenario(seed: number, number: number): Scenario {
  const random = new Random(seed, number);
  const flavour = FLAVOURS[number % FLAVOURS.length] ?? FLAVOURS[0]!;
  const verb = random.weighted({ create: 4, update: 4, delete: 4, read: 1 });
  const served = verb === "create" ? undefined : drawServing(random);
  const desired = verb === "update" ? drawUpdate(random, served!) : (served ?? drawServing(random));
  const login = random.weighted({ root: 8, password: 1, deploy: 1, operator: 2 });
  const drift =
    served === undefined || random.chance(0.6) ? [] : [drawMeddling(random, served, "before")];
  const fault = drawFault(random, verb, desired, login);
  const host = drawHost(random, desired, flavour, fault);
  const finish = random.chance(0.6) ? "up" : "destroy";
  return { flavour, login, host, served, drift, verb, desired, fault, finish };
}

/** What the table of the campaign counts a run under. */
export function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case "none":
      return "none";
    case "connection": {
      const { cut, moment, thenRefuse } = fault;
      const names = { close: "cut", "half-close": "half-closed", stall: "stalled", reset: "reset" };
      const way = moment.direction === "up" ? "to the host" : "from the host";
      return `connection ${names[cut]} ${way}${thenRefuse ? ", none after it" : ""}`;
    }
    case "client":
      return fault.how === "killed" ? "client killed" : "client stopped past the deadline";
    case "shell":
      return fault.how.length <= 4 ? `shell gets ${fault.how}` : `shell: ${fault.how}`;
    case "ip":
      return `ip ${fault.how}`;
    case "proc":
      return fault.key === "all of it" ? "/proc/sys read-only" : "a /proc write fails";
    case "disk":
      return `/var/lib ${fault.how}`;
    case "registry":
      return `registry ${fault.how}`;
    case "lock":
      return "lock held by one who dies";
    case "somebody":
      return `somebody ${fault.does.what}`;
  }
}

/** What a program declares. */
export function drawServing(random: Random): Serving {
  const vips = [...random.some(VIPS4, 0, 3), ...random.some(VIPS6, 0, 2)];
  return {
    vips: vips.length > 0 ? vips : [random.pick(VIPS4)],
    ignore: random.chance(0.8) ? 1 : 2,
    interfaces: random.chance(0.8) ? "all" : ["eth0"],
  };
}

/** Other VIPs, and now and then another `arp.ignore`. */
export function drawUpdate(random: Random, { vips, ...rest }: Serving): Serving {
  const kept = random.some(vips, 0, vips.length);
  const fresh = [...VIPS4, ...VIPS6].filter((vip) => !vips.includes(vip));
  const added = random.some(fresh, kept.length % vips.length === 0 ? 1 : 0, 2);
  const ignore = random.chance(0.8) ? rest.ignore : rest.ignore === 1 ? 2 : 1;
  return { ...rest, ignore, vips: [...kept, ...added] };
}

const KEYS = ["all arp_ignore", "all arp_announce", "eth0 arp_ignore", "eth0 arp_announce"];

function drawHost(random: Random, desired: Serving, { ip }: Flavour, fault: Fault): HostState {
  const owners = random.chance(0.35) ? [drawOwner(random, "other")] : [];
  if (owners.length > 0 && random.chance(0.3)) owners.push(drawOwner(random, "third"));
  const sysctls = KEYS.filter(() => random.chance(0.15)).map((name) => ({
    name,
    value: random.between(0, 2),
  }));
  const adopted = desired.vips.filter((vip) => random.chance(0.08) && !isTaken(vip, owners));
  const byHand = [
    ...adopted.map((vip) => drawHandAddress(random, vip, ip)),
    ...FOREIGN.filter(() => random.chance(0.06)).map((prefix) => ({ prefix, words: "" })),
  ];
  // What a damaged registry was like before it was settled, nobody could tell.
  const stale = fault.kind === "registry" ? 0 : 1;
  const journal = random.weighted({ none: 12, "of this boot": stale, "of another boot": stale });
  return { sysctls, byHand, owners, journal, litter: random.chance(0.1) };
}

function isTaken(vip: string, owners: readonly OtherOwner[]): boolean {
  return owners.some(({ vips }) => vips.includes(vip));
}

function drawOwner(random: Random, owner: string): OtherOwner {
  const vips = [...random.some(VIPS4, 1, 2), ...random.some(VIPS6, 0, 1)];
  return { owner, vips, ignore: random.chance(0.8) ? 1 : 2 };
}

function drawHandAddress(random: Random, vip: string, ip: Flavour["ip"]): HandAddress {
  const prefix = `${vip}/${vip.includes(":") ? 128 : 32}`;
  if (vip.includes(":"))
    return { prefix, words: random.pick(["", "preferred_lft 0 valid_lft 7200"]) };
  const label = ip === "iproute2" ? ["label 'lo:b y'"] : [];
  const words = ["", "scope link", "label lo:1", "valid_lft 7200 preferred_lft 3600", ...label];
  return { prefix, words: random.pick(words) };
}

function drawMeddling(random: Random, served: Serving, when: "before" | "meanwhile"): Meddling {
  const nic = when === "meanwhile" && served.interfaces === "all" ? 1 : 0;
  const what = random.weighted({
    "deletes a VIP": 3,
    "resets a sysctl": 3,
    "adds an address": 2,
    "adds a NIC": nic,
  });
  switch (what) {
    case "deletes a VIP":
      return { what, vip: random.pick(served.vips) };
    case "resets a sysctl":
      return { what, name: random.pick(KEYS), value: random.between(0, 2) };
    case "adds an address":
      return { what, prefix: random.pick([...FOREIGN, `${random.pick(VIPS4)}/32`]) };
    case "adds a NIC":
      return { what };
  }
}

const FAULTS = {
  connection: 30,
  client: 10,
  shell: 16,
  ip: 8,
  proc: 5,
  disk: 5,
  registry: 4,
  lock: 3,
  somebody: 12,
  none: 3,
} satisfies Record<Fault["kind"], number>;

function drawFault(
  random: Random,
  verb: Scenario["verb"],
  desired: Serving,
  login: Scenario["login"],
): Fault {
  const kind = random.weighted(FAULTS);
  const delayed = (): Delayed => ({ ...drawMoment(random, verb, login), delay: drawDelay(random) });
  switch (kind) {
    case "none":
      return { kind };
    case "connection": {
      const cut = random.weighted({ close: 3, "half-close": 3, stall: 1, reset: 3 });
      const thenRefuse = random.chance(0.3);
      return { kind, cut, moment: drawMoment(random, verb, login), thenRefuse };
    }
    case "client":
      return { kind, how: random.weighted({ killed: 4, stopped: 1 }), moment: delayed() };
    case "shell":
      return { kind, how: drawShellEnd(random), moment: delayed() };
    case "ip":
      return { kind, call: random.between(5, 14), how: drawIpFailure(random) };
    case "proc": {
      const key = random.pick([...KEYS.slice(0, 2), "all of it"]);
      return { kind, key, moment: random.chance(0.5) ? delayed() : undefined };
    }
    case "disk": {
      const how = random.weighted({ full: 5, "read-only": 1 });
      return { kind, how, room: random.between(0, 14) };
    }
    case "registry": {
      const how = random.pick(["cut short", "garbled", "emptied"] as const);
      return { kind, file: random.between(0, 9), how, at: random.next() };
    }
    case "lock":
      return { kind, seconds: random.between(1, 15) / 10 };
    case "somebody":
      return { kind, does: drawMeddling(random, desired, "meanwhile"), moment: delayed() };
  }
}

function drawShellEnd(random: Random): ShellEnd {
  return random.weighted({
    TERM: 2,
    HUP: 2,
    KILL: 3,
    STOP: 1,
    "its watchdog killed": 1,
    "killed with its watchdog": 3,
    "its sshd killed": 1,
  });
}

function drawIpFailure(random: Random): IpFailure {
  return random.weighted({
    refuses: 3,
    "stops half-way": 3,
    "fails afterwards": 2,
    "is killed": 2,
  });
}

/** Most faults come where something is at stake: from the opening on; some while it connects. */
export function drawMoment(
  random: Random,
  verb: Scenario["verb"],
  login: Scenario["login"],
): Moment {
  const direction = random.pick(["up", "down"] as const);
  const { opening, ends } = BYTES[direction];
  const less = direction === "up" && login === "password" ? 280 : 0;
  const last = ends[verb];
  // What comes down in the second half is the answer to the changes: nothing is committed yet.
  const middle = direction === "up" ? opening : Math.round((opening + last) / 2);
  const part = random.weighted({ handshake: 3, observing: 3, changing: 14 });
  switch (part) {
    case "handshake":
      return { direction, bytes: random.between(0, opening) };
    case "observing":
      return { direction, bytes: random.between(opening, middle) - less };
    case "changing":
      return { direction, bytes: random.between(middle, last) - less };
  }
}

const SCRIPT = openingCommand({
  ...{ nonce: "-".repeat(24), mode: "hold", seconds: 10, holder: "", vips: [], sudo: "none" },
}).length;

/** Besides the script: the handshake, the login, and what frames it all. */
const UP = SCRIPT + 1550;

/** About how many bytes pass until the host's shell is started, and in a whole operation. */
const BYTES = {
  up: {
    opening: UP,
    ends: { create: UP + 1400, update: UP + 1400, delete: UP + 950, read: UP + 300 },
  },
  down: { opening: 2_300, ends: { create: 7_500, update: 9_000, delete: 7_500, read: 5_500 } },
};

function drawDelay(random: Random): number {
  return random.chance(0.3) ? 0 : random.between(0, 90);
}
