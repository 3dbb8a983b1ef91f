import { REAL_SERVER_PROGRAM } from "../../src/host/scripts";
import { REPLAY, UNITS } from "../../src/host/boot-kit";
import { changeRequest } from "../../src/plan/request";
import { openingCommand } from "../../src/protocol/program";
import type { Moment } from "./proxy";
import type { Random } from "./random";
import type {
  Delayed,
  Fault,
  IpFailure,
  KitState,
  Meddling,
  Scenario,
  Serving,
  ShellEnd,
} from "./scenario";

/** IPv4 VIPs that runs draw from; the wire is asked for each of them. */
export const VIPS4 = Array.from({ length: 10 }, (_, number) => `203.0.113.${number + 1}`);

/** Never declared. */
export const FOREIGN = ["203.0.113.40/32", "203.0.113.41/32", "2001:db8::40/128", "192.0.2.9/24"];

/** What others change, too. */
export const KEYS = ["all arp_ignore", "all arp_announce", "eth0 arp_ignore", "eth0 arp_announce"];

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

/** What goes wrong in a run. */
export function drawFault(random: Random, traffic: Traffic, desired: Serving): Fault {
  const kind = random.weighted(FAULTS);
  const delayed = (): Delayed => ({
    ...drawMoment(random, traffic),
    delay: drawDelay(random, traffic),
  });
  switch (kind) {
    case "none":
      return { kind };
    case "connection": {
      const cut = random.weighted({ close: 3, "half-close": 3, stall: 1, reset: 3 });
      const thenRefuse = random.chance(0.3);
      return { kind, cut, moment: drawMoment(random, traffic), thenRefuse };
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
      const how = random.weighted({ full: 5, "read-only": 1, "read-only for units": 2 });
      return { kind, how, room: random.between(0, 26) };
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

/** What tells how many bytes an operation takes. */
export interface Traffic extends Pick<Scenario, "verb" | "login"> {
  /** Whether the boot kit's files are sent. */
  readonly carriesKit: boolean;
}

/** Most faults come where something is at stake: from the opening on; some while it connects. */
export function drawMoment(random: Random, { verb, login, carriesKit }: Traffic): Moment {
  const direction = random.pick(["up", "down"] as const);
  const { opening, ends } = BYTES[direction];
  const less = direction === "up" && login === "password" ? 280 : 0;
  // The request with the kit comes in one piece: wherever in it is the same, so half are after it.
  const kit = direction === "up" && carriesKit && random.chance(0.5) ? KIT : 0;
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
      return { direction, bytes: random.between(middle, last) - less + kit };
  }
}

const SCRIPT = openingCommand({
  ...{
    nonce: "-".repeat(24),
    mode: "hold",
    seconds: 10,
    holder: "",
    subjects: [],
    login: { sudo: false },
  },
  program: REAL_SERVER_PROGRAM,
}).length;

const KIT = changeRequest(
  [
    { kind: "put", file: "replay", lines: REPLAY.lines },
    { kind: "put", file: "boot/unit", lines: UNITS.openrc.lines },
    { kind: "put", file: "boot/link", lines: [] },
  ],
  [],
  [],
).length;

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

/** While the host is at work: longer where it writes the kit, and where the machine is busy. */
function drawDelay(random: Random, { carriesKit }: Traffic): number {
  if (random.chance(0.3)) return 0;
  return random.between(0, random.chance(0.3) ? 400 : carriesKit ? 150 : 90);
}

/** What may become of a boot kit. */
export function drawKit(random: Random): Exclude<KitState, "whole"> {
  return random.weighted({
    older: 2,
    newer: 1,
    "with a changed unit": 2,
    "without its unit": 2,
    "without its link": 2,
    "with a changed replay": 1,
    "without its replay": 1,
    "that found something": 1,
    "that failed": 1,
  });
}

/** What somebody else does to a host that serves something. */
export function drawMeddling(
  random: Random,
  served: Serving,
  when: "before" | "meanwhile",
): Meddling {
  const nic = when === "meanwhile" && served.interfaces === "all" ? 1 : 0;
  const kit = when === "before" && served.persist ? 4 : 0;
  const what = random.weighted({
    "deletes a VIP": 3,
    "resets a sysctl": 3,
    "adds an address": 2,
    "leaves a boot kit": kit,
    "adds a NIC": nic,
  });
  switch (what) {
    case "deletes a VIP":
      return { what, vip: random.pick(served.vips) };
    case "resets a sysctl":
      return { what, name: random.pick(KEYS), value: random.between(0, 2) };
    case "adds an address":
      return { what, prefix: random.pick([...FOREIGN, `${random.pick(VIPS4)}/32`]) };
    case "leaves a boot kit":
      return { what, kit: drawKit(random) };
    case "adds a NIC":
      return { what };
  }
}
