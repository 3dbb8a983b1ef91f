import { drawMeddling, KEYS } from "./others";
import type { Random } from "./random";
import {
  DISK_FAULTS,
  IP_FAILURES,
  SHELL_ENDS,
  type Delayed,
  type Fault,
  type Place,
  type Serving,
} from "./scenario";

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
  sshd: 4,
  "second factor": 2,
  "NICs come and go": 4,
  none: 3,
} satisfies Record<Fault["kind"], number>;

/** What goes wrong in a run. */
export function drawFault(
  random: Random,
  carriesKit: boolean,
  desired: Serving,
  bySsh: boolean,
): Fault {
  const kind = random.weighted(FAULTS);
  const delayed = (): Delayed => drawDelayed(random, carriesKit);
  switch (kind) {
    case "none":
    case "second factor":
    case "NICs come and go":
      return { kind };
    case "connection":
      return drawCut(random);
    case "client": {
      const ofSsh = bySsh ? { "ssh killed": 3, "ssh stopped": 2 } : NO_SSH;
      const how = random.weighted({ killed: 4, "stopped past the deadline": 1, ...ofSsh });
      return { kind, how, place: delayed() };
    }
    case "shell": {
      const how = random.weighted(SHELL_ENDS);
      return { kind, how, place: delayed() };
    }
    case "ip":
      return { kind, call: random.between(5, 14), how: random.weighted(IP_FAILURES) };
    case "proc": {
      const key = random.pick([...KEYS.slice(0, 2), "all of it"]);
      return { kind, key, place: random.chance(0.5) ? delayed() : undefined };
    }
    case "disk": {
      const how = random.weighted(DISK_FAULTS);
      return { kind, how, room: random.between(0, 26) };
    }
    case "registry": {
      const how = random.pick(["cut short", "garbled", "emptied"] as const);
      return { kind, file: random.between(0, 9), how, at: random.next() };
    }
    case "lock":
      return { kind, seconds: random.between(1, 15) / 10 };
    case "somebody":
      return { kind, does: drawMeddling(random, desired, "meanwhile"), place: delayed() };
    case "sshd": {
      const how = random.pick(["is full", "turns away"] as const);
      return { kind, how, seconds: random.chance(0.3) ? undefined : random.between(2, 30) / 10 };
    }
  }
}

const NO_SSH = { "ssh killed": 0, "ssh stopped": 0 };

/** What befalls Pulumi itself, or the connection under it. */
export function drawEngineFault(random: Random, carriesKit: boolean): Fault {
  const how = random.weighted({
    "engine killed": 4,
    killed: 2,
    "stopped past the deadline": 2,
    "engine interrupted twice": 1,
    "a cut": 1,
  });
  if (how === "a cut") return drawCut(random);
  return { kind: "client", how, place: drawDelayed(random, carriesKit) };
}

function drawCut(random: Random): Fault {
  const cut = random.weighted({ close: 3, "half-close": 3, stall: 1, reset: 3 });
  const thenRefuse = random.chance(0.3);
  return { kind: "connection", cut, place: drawPlace(random), thenRefuse };
}

/** Most faults come where something is at stake: once the host's shell runs; some while it connects. */
function drawPlace(random: Random): Place {
  return {
    direction: random.pick(["up", "down"]),
    part: random.weighted({ connecting: 3, turns: 7, bytes: 10 }),
    at: random.next(),
  };
}

/** While the host is at work: longer where it writes the kit, and where the machine is busy. */
function drawDelayed(random: Random, carriesKit: boolean): Delayed {
  const place = drawPlace(random);
  const isLong = random.chance(0.3);
  const delay = random.between(0, isLong ? 400 : carriesKit ? 150 : 90);
  return { ...place, delay: random.chance(0.3) ? 0 : delay };
}
