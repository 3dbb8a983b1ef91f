import { setTimeout as sleep } from "node:timers/promises";
import type { RealServerError } from "../domain/errors";
import { type Sign, stopped, TryAgain } from "./problems";

/** What bounds all dialling of an operation, every hop of it. */
export interface DialBounds {
  /** As `performance.now()` counts, in milliseconds. */
  readonly deadline: number;
  /** The host of the connection: what an operation is about, and what a user would give up. */
  readonly host: string;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/** How attempts went that all failed. */
export interface FailedTries {
  readonly attempts: number;
  readonly seconds: number;
  /** `dialErrorLimit` ended them, not the time. */
  readonly limited: boolean;
  /** What each attempt told of the hop. */
  readonly signs: ReadonlySet<Sign>;
}

/** What is dialled again until it answers. */
export interface Redialled<Up> {
  /** For messages: `10.0.0.1:22`. */
  readonly title: string;
  /** How many attempts may fail before the last one; negative: as many as time allows. */
  readonly dialErrorLimit: number;
  /** One attempt. @throws TryAgain when a later one may succeed */
  attempt(secondsLeft: number): Promise<Up>;
  /** The error when none got through. */
  givenUp(tries: FailedTries, last: TryAgain): RealServerError;
}

/**
 * Dials again until somebody answers, the deadline is over, or more than `dialErrorLimit` attempts have
 * failed (0: one attempt; negative: no limit; as @pulumi/command counts). Pauses grow from 0.5 to 5 s.
 *
 * @throws RealServerError `givenUp`'s, or what cannot be cured by another attempt
 */
export async function dialAgain<Up>(hop: Redialled<Up>, bounds: DialBounds): Promise<Up> {
  const start = performance.now();
  const signs = new Set<Sign>();
  bounds.progress(`dialling ${hop.title}`);
  for (let attempts = 1, pause = firstPause; ; attempts++, pause = Math.min(pause * 1.5, 5)) {
    const cause = await tryOnce(hop, bounds);
    if (!(cause instanceof TryAgain)) return cause;
    signs.add(cause.sign);
    const limited = hop.dialErrorLimit >= 0 && attempts > hop.dialErrorLimit;
    const left = secondsUntil(bounds.deadline);
    if (limited || left < firstPause) {
      const seconds = Math.round((performance.now() - start) / 1000);
      throw hop.givenUp({ attempts, seconds, limited, signs }, cause);
    }
    bounds.progress(`dialling ${hop.title} again (${cause.message})`);
    await pauseFor(Math.min(pause, left - lastTry), hop.title, bounds);
  }
}

const firstPause = 0.5;

/** Seconds kept for a last attempt when the next pause would use up the time. */
const lastTry = 0.4;

async function tryOnce<Up>(hop: Redialled<Up>, bounds: DialBounds): Promise<Up | TryAgain> {
  const { host, signal } = bounds;
  try {
    return await hop.attempt(Math.max(secondsUntil(bounds.deadline), lastTry));
  } catch (error) {
    if (signal.aborted) throw stopped(hop.title, host, signal.reason);
    if (error instanceof TryAgain) return error;
    throw error;
  }
}

async function pauseFor(
  seconds: number,
  title: string,
  { host, signal }: DialBounds,
): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch {
    throw stopped(title, host, signal.reason);
  }
}

function secondsUntil(deadline: number): number {
  return (deadline - performance.now()) / 1000;
}
