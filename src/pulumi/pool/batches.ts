import type { PoolBatch } from "./args";
import { described } from "./structure";

/** Where the program says nothing: one canary, then a quarter of the pool at a time. */
export const DEFAULT_BATCH: readonly PoolBatch[] = [1, "25%"];

/**
 * Members in the batches in which they are changed, in their order. None is empty, and none is lost.
 *
 * @param batch As the program gives it, checked by {@link batchProblem}.
 */
export function batchesOf<Member>(
  members: readonly Member[],
  batch: PoolBatch | readonly PoolBatch[] = DEFAULT_BATCH,
): Member[][] {
  const sizes = [batch].flat().map((one) => sizeOf(one, members.length) ?? 1);
  const batches: Member[][] = [];
  for (let at = 0; at < members.length; at += batches.at(-1)?.length ?? 1) {
    const size = sizes[Math.min(batches.length, sizes.length - 1)] ?? 1;
    batches.push(members.slice(at, at + size));
  }
  return batches;
}

/**
 * What is wrong with the sizes of the batches, and which of a list it is; undefined where nothing is.
 *
 * @param members How many the pool has. A first batch as large must be said in so many words.
 */
export function batchProblem(
  batch: unknown,
  members: number,
): { readonly at?: number; readonly problem: string } | undefined {
  if (!Array.isArray(batch)) {
    const problem = sizeProblem(batch) ?? wholeProblem(batch, members);
    return problem === undefined ? undefined : { problem };
  }
  if (batch.length === 0)
    return { problem: "an empty list has no batch; give a size, or leave it out" };
  const problems = batch.map((one) => sizeProblem(one));
  const at = problems.findIndex((problem) => problem !== undefined);
  const problem = problems[at] ?? wholeProblem(batch[0], members);
  return problem === undefined ? undefined : { at: Math.max(0, at), problem };
}

function sizeProblem(size: unknown): string | undefined {
  return sizeOf(size, 1) === undefined
    ? `${described(size)} is neither a whole number of at least 1 nor a share from "1%" to "100%"`
    : undefined;
}

function wholeProblem(size: unknown, members: number): string | undefined {
  if (typeof size !== "number" || size < members || members <= 1) return undefined;
  return `${size} is as large as the pool of ${members}, so that a bad change is on all of it at once; where that is meant, write "100%"`;
}

/** Undefined where it is none. A share is rounded down, and at least one. */
function sizeOf(batch: unknown, members: number): number | undefined {
  if (typeof batch === "number")
    return Number.isSafeInteger(batch) && batch >= 1 ? batch : undefined;
  const percent = typeof batch === "string" ? /^([1-9]\d?|100)%$/.exec(batch)?.[1] : undefined;
  return percent === undefined
    ? undefined
    : Math.max(1, Math.floor((members * Number(percent)) / 100));
}
