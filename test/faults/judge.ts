import type { Allowed } from "./allowed";
import type { Outcome } from "./driver";
import { differences, type Snapshot } from "./snapshot";

/** A promise that was broken. */
export interface Violation {
  readonly promise: "I1" | "I2" | "I3" | "I4" | "I5";
  readonly what: string;
}

/** What the host was like when an operation was over. */
export type Ending = "rolled back" | "completed" | "left to the next operation";

/** An operation that something befell, and all that there is to judge it by. */
export interface Case {
  readonly allowed: Allowed;
  /** As before is as in one of these; the first is what an undo goes back to. */
  readonly befores: readonly [Snapshot, ...Snapshot[]];
  readonly after: Snapshot;
  /** In what the host is not as asked for; undefined where nothing was asked of it. */
  readonly missing: readonly string[] | undefined;
  readonly outcome: Outcome;
}

/** All or nothing, nothing foreign, and what was said of it is true (I2, I4). Pure. */
export function judge({ allowed, befores, after, missing, outcome }: Case): {
  ending: Ending;
  violations: Violation[];
  /** What was forgiven, for the story. */
  forgiven: string[];
} {
  const changed = differences(befores[0], after, allowed.either);
  const isUnchanged = befores.some((before) => isSame(before, after, allowed));
  const foreign = changed.filter((line) => /^(file|address|route[46]) /.test(line));
  const violations: Violation[] = foreign.map((what) => ({ promise: "I4", what }));
  if (allowed.journal !== undefined && after.has("registry journal"))
    return { ending: "left to the next operation", violations, forgiven: [allowed.journal] };
  const isDone = missing?.length === 0;
  const isStrict = allowed.strict !== undefined && changed.every(isOfStrictness);
  const blame = (what: string): void => void violations.push({ promise: "I2", what });
  if (!isUnchanged && !isDone && !isStrict) {
    const between = [
      `since before: ${changed.join("; ")}`,
      `beside asked: ${missing?.join("; ") ?? "nothing"}`,
    ];
    blame(`${summaryOf(outcome)}; the host is between: ${between.join(" | ")}`);
  }
  if (outcome.kind === "done" && missing !== undefined && !isDone)
    blame(`said done, and it is not: ${missing.join("; ")}`);
  if (outcome.kind === "failed" && !isUnchanged && isDone)
    blame(`said not done, and it is: ${outcome.message}`);
  return {
    ending: isDone ? "completed" : "rolled back",
    violations,
    forgiven:
      isStrict && !isUnchanged && !isDone ? [`${allowed.strict}: ${changed.join("; ")}`] : [],
  };
}

/** Whether two looks at a host show no difference but allowed ones. */
export function isSame(before: Snapshot, after: Snapshot, { either }: Allowed): boolean {
  return differences(before, after, either).length === 0;
}

/** In a line. */
export function summaryOf(outcome: Outcome): string {
  return outcome.kind === "done" ? "done" : `${outcome.kind}: ${outcome.message}`;
}

function isOfStrictness(difference: string): boolean {
  return /^(sysctl |registry (saved|machine):|folder:)/.test(difference);
}
