import type { Cut, Direction } from "../proxy";
import { Random } from "../random";

/** Weights by the number of the real server; who is not named is no destination. */
export type Members = Readonly<Record<number, number>>;

/** keepalived keeps the table. */
export interface KeptTable {
  /** What it asks the real servers. */
  readonly check: "none" | "tcp";
}

/** One run: what is on the director, what is asked for, and what goes wrong meanwhile. */
export interface DirectorScenario {
  readonly scheduler: string;
  /** What was declared before; undefined where there is no service yet. */
  readonly before: Members | undefined;
  /** What is asked for; undefined where the service is to go. */
  readonly after: Members | undefined;
  /** Default: what leaves is removed at once. */
  readonly drain?: { readonly timeoutSeconds: number; readonly onTimeout: "remove" | "fail" };
  /** Connections that real servers answer while the operation runs, and after how long they end. */
  readonly connections: { readonly count: number; readonly milliseconds: number };
  /** Somebody's own destination in our service. */
  readonly foreign: boolean;
  /** Default: the table is ours to write. */
  readonly kept?: KeptTable;
  readonly fault: DirectorFault;
}

/** What goes wrong, so long after the operation has begun. */
export type DirectorFault =
  | { readonly kind: "none" }
  | {
      readonly kind: "connection";
      readonly cut: Exclude<Cut, "hold">;
      readonly direction: Direction;
      /** Turns of that direction after the script, and bytes of the last one. */
      readonly turn: number;
      readonly bytes: number;
    }
  | {
      readonly kind: "killed";
      readonly watchdogToo: boolean;
      readonly milliseconds: number;
    }
  | { readonly kind: "stopped by its user"; readonly milliseconds: number }
  /** Sets a weight, or takes a destination away. */
  | {
      readonly kind: "somebody";
      readonly member: number;
      readonly weight: number | undefined;
      readonly milliseconds: number;
    }
  | { readonly kind: "reboot"; readonly milliseconds: number }
  | { readonly kind: "full /run" }
  | KeptFault;

/** What goes wrong only where keepalived keeps the table. */
export type KeptFault =
  /** Somebody sets a weight in our file, or removes it, and may have keepalived read that. */
  | {
      readonly kind: "our file edited";
      readonly member: number;
      readonly weight: number | undefined;
      readonly isRead: boolean;
      readonly milliseconds: number;
    }
  /** Until the operation is over. */
  | { readonly kind: "keepalived stopped"; readonly milliseconds: number }
  /** Somebody adds a line that it does not know, or what it would end by, and does not have it read. */
  | {
      readonly kind: "bad configuration";
      readonly isFatal: boolean;
      readonly milliseconds: number;
    }
  /** Its check takes it out until the operation is over. */
  | {
      readonly kind: "real server fails";
      readonly member: number;
      readonly milliseconds: number;
    }
  | { readonly kind: "power cut"; readonly milliseconds: number };

/** How many real servers there are. */
export const SERVERS = 4;

/** Draws a run: the same seed and number give the same run on every machine. */
export function directorScenario(seed: number, number: number): DirectorScenario {
  const random = new Random(seed, `director/${number}`);
  const kind = random.weighted({ create: 1, update: 6, withdraw: 2 });
  const before = kind === "create" ? undefined : members(random);
  const after = kind === "withdraw" ? undefined : members(random);
  const drains = kind !== "create" && random.chance(0.7);
  const timeoutSeconds = random.pick([2, 30]);
  return {
    scheduler: random.pick(["rr", "wlc"]),
    ...{ before, after },
    ...(drains && {
      drain: { timeoutSeconds, onTimeout: random.pick(["remove", "fail"] as const) },
    }),
    connections: {
      count: random.pick([0, 0, 2, 4]),
      milliseconds: random.between(0, 4000),
    },
    foreign: random.chance(0.3),
    fault: fault(random, OURS),
    ...keptBy(new Random(seed, `kept/${number}`)),
  };
}

/** Half of the directors are keepalived's, and other things go wrong there. */
function keptBy(random: Random): Pick<DirectorScenario, "kept" | "fault"> | undefined {
  if (random.chance(0.5)) return undefined;
  const check = random.pick(["none", "tcp"] as const);
  return { kept: { check }, fault: fault(random, check === "tcp" ? CHECKED : KEPT) };
}

function members(random: Random): Members {
  const numbers = random.some([0, 1, 2, 3], 1, SERVERS);
  const all = numbers.map((one) => [one, random.between(1, 5)] as const);
  return Object.fromEntries(all);
}

const OURS = {
  ...{ none: 1, connection: 8, killed: 4, stopped: 2, somebody: 3, reboot: 1, full: 1 },
  ...{ file: 0, daemon: 0, bad: 0, fails: 0, cut: 0 },
};
const KEPT = { ...OURS, somebody: 2, file: 4, daemon: 2, bad: 4, cut: 1 };
const CHECKED = { ...KEPT, fails: 3 };

function fault(random: Random, weights: typeof OURS): DirectorFault {
  const milliseconds = random.between(0, 5000);
  const kind = random.weighted(weights);
  switch (kind) {
    case "none":
      return { kind: "none" };
    case "connection":
      return {
        kind: "connection",
        cut: random.pick(["close", "half-close", "stall", "reset"] as const),
        direction: random.pick(["up", "down"] as const),
        turn: random.between(0, 4),
        bytes: random.between(0, 3000),
      };
    case "killed":
      return { kind: "killed", watchdogToo: random.chance(0.3), milliseconds };
    case "stopped":
      return { kind: "stopped by its user", milliseconds };
    case "somebody":
      return { kind: "somebody", ...setting(random), milliseconds };
    case "reboot":
      return { kind: "reboot", milliseconds };
    case "full":
      return { kind: "full /run" };
    default:
      return keptFault(kind, random, milliseconds);
  }
}

function keptFault(
  kind: "file" | "daemon" | "bad" | "fails" | "cut",
  random: Random,
  milliseconds: number,
): KeptFault {
  switch (kind) {
    case "file":
      return {
        kind: "our file edited",
        ...setting(random),
        isRead: random.chance(0.5),
        milliseconds,
      };
    case "daemon":
      return { kind: "keepalived stopped", milliseconds };
    case "bad":
      return { kind: "bad configuration", isFatal: random.chance(0.5), milliseconds };
    case "fails":
      return { kind: "real server fails", member: random.between(0, SERVERS - 1), milliseconds };
    case "cut":
      return { kind: "power cut", milliseconds };
  }
}

/** A weight that somebody sets for a member, or takes away. */
function setting(random: Random): { member: number; weight: number | undefined } {
  return {
    member: random.between(0, SERVERS - 1),
    weight: random.chance(0.6) ? random.between(0, 9) : undefined,
  };
}
