import type { Lane } from "./lane";
import type { Moment, Turn } from "./proxy";
import type { Place, Scenario, Serving } from "./scenario";
import { reset } from "./stage-host";

/** What tells how much an operation sends. */
export type Kind = Pick<Scenario, "verb" | "login" | "carriesKit">;

/**
 * What operations of each kind send, turn by turn. Measured, so that a fault may come anywhere in all of
 * it, whatever the product sends tomorrow.
 */
export class Traffic {
  readonly #turns = new Map<string, readonly Turn[]>();

  /** Takes one dry run of each kind with these logins, on a lane each. @throws Error where one fails */
  static async measure(lanes: readonly Lane[], logins: Iterable<Scenario["login"]>) {
    const traffic = new Traffic();
    const queue = [...new Set(logins)].values();
    const measure = async (lane: Lane): Promise<void> => {
      for (const login of queue) await traffic.#dryRuns(lane, login);
    };
    await Promise.all(lanes.map(measure));
    return traffic;
  }

  /** Where in an operation's traffic a place is. */
  momentOf(place: Place, kind: Kind): Moment {
    return momentIn(this.#turns.get(nameOf(kind)) ?? [], place);
  }

  async #dryRuns(lane: Lane, login: Scenario["login"]): Promise<void> {
    await reset(lane.agent);
    lane.driver.begin();
    for (const [verb, serving, carriesKit] of DRY_RUNS) {
      lane.proxy.disarm();
      const outcome = await lane.driver.operate(
        verb,
        lane.inputs("dry", serving, { login, forgets: false }, 60),
      );
      if (outcome.kind !== "done") throw new Error(`a dry ${verb}: ${outcome.message}`);
      this.#turns.set(nameOf({ verb, login, carriesKit }), lane.proxy.turns);
    }
  }
}

/** Nothing that we send before the program is as long, and no program is shorter: in bytes. */
const LOGIN_AT_MOST = 4096;

/** A place in the traffic of a dry run, as the proxy finds it in that of another operation. Pure. */
export function momentIn(turns: readonly Turn[], { direction, part, at }: Place): Moment {
  // Not the longest turn: a request of changes may be longer.
  const opening = turns.findIndex((one) => one.direction === "up" && one.bytes > LOGIN_AT_MOST);
  const that = (some: readonly Turn[]) => some.filter((one) => one.direction === direction);
  // What we say last, nobody waits for.
  const later = that(turns.slice(opening + 1, turns.at(-1)?.direction === "up" ? -1 : undefined));
  const script = Math.ceil((turns[opening]?.bytes ?? 0) / 2);
  if (part === "connecting" || later.length === 0) {
    const bytes = that(turns.slice(0, opening + 1)).reduce((sum, one) => sum + one.bytes, 0);
    return { direction, turn: 0, bytes: Math.round(at * bytes), script };
  }
  const weights = later.map(({ bytes }) => (part === "bytes" ? bytes : 1));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const before = weights.map((_, index) =>
    weights.slice(0, index).reduce((sum, one) => sum + one, 0),
  );
  const index = before.findLastIndex((sum) => sum <= at * total);
  const within = (at * total - before[index]!) / weights[index]!;
  return { direction, turn: index + 1, bytes: Math.round(within * later[index]!.bytes), script };
}

function nameOf({ verb, login, carriesKit }: Kind): string {
  return `${verb} ${login} ${carriesKit}`;
}

const SERVING: Serving = {
  ...{ vips: ["203.0.113.1", "2001:db8::1"], ignore: 1, interfaces: "all", persist: true },
};
const MORE = { ...SERVING, vips: [...SERVING.vips, "203.0.113.2"] };

/** One after the other on one host: verb, what is served then, whether the boot kit is sent. */
const DRY_RUNS = [
  ["create", SERVING, true],
  ["read", SERVING, false],
  ["update", MORE, false],
  ["delete", MORE, false],
  ["create", { ...SERVING, persist: false }, false],
  ["update", MORE, true],
  ["delete", MORE, false],
] as const;
