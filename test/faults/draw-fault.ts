import { openingCommand } from "../../src/host/program";
import type { Moment } from "./proxy";
import type { Random } from "./random";
import type { Delayed, Fault, IpFailure, Meddling, Scenario, Serving, ShellEnd } from "./scenario";

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
export function drawFault(
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

/** What somebody else does to a host that serves something. */
export function drawMeddling(
  random: Random,
  served: Serving,
  when: "before" | "meanwhile",
): Meddling {
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
