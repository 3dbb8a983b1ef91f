import { setTimeout as sleep } from "node:timers/promises";
import { attempt, openTcp, type Login, type OpenStream, type Session } from "./attempt";
import { stopped, TryAgain, unreachable } from "../problems";

/** What bounds all dialling together, both hops of it. */
export interface DialLimits {
  /** As `performance.now()` counts, in milliseconds. */
  readonly deadline: number;
  /** The host of the connection, which is what a user would give up. */
  readonly host: string;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/**
 * Dials a hop again until it answers, `deadline` is over, or more than `dialErrorLimit` attempts
 * have failed (0: one attempt; negative: no limit; as @pulumi/command counts). Pauses grow from
 * 0.5 to 5 s.
 *
 * @param prepare makes the way to the hop for the next attempt; TCP unless it is given
 * @throws RealServerError `unreachable`, or what cannot be cured by another attempt
 */
export async function dialUntil(
  login: Login,
  limits: DialLimits,
  prepare: () => Promise<OpenStream> = async () => openTcp(login.hop),
): Promise<Session> {
  const start = performance.now();
  limits.progress(`dialling ${login.title}`);
  for (let attempts = 1, pause = firstPause; ; attempts++, pause = Math.min(pause * 1.5, 5)) {
    const cause = await tryOnce(login, limits, prepare);
    if (!(cause instanceof TryAgain)) return cause;
    const limited = login.hop.dialErrorLimit >= 0 && attempts > login.hop.dialErrorLimit;
    const left = secondsUntil(limits.deadline);
    if (limited || left < firstPause) {
      const seconds = Math.round((performance.now() - start) / 1000);
      const what = { hop: login.hop, title: login.title, host: limits.host };
      throw unreachable(what, { attempts, seconds, limited }, cause);
    }
    limits.progress(`dialling ${login.title} again (${cause.message})`);
    await pauseFor(Math.min(pause, left - lastTry), login, limits.signal);
  }
}

const firstPause = 0.5;

/** Seconds kept for a last attempt when the next pause would use up the time. */
const lastTry = 0.4;

async function tryOnce(
  login: Login,
  limits: DialLimits,
  prepare: () => Promise<OpenStream>,
): Promise<Session | TryAgain> {
  try {
    const open = await prepare();
    const left = Math.max(secondsUntil(limits.deadline), lastTry);
    return await attempt(login, open, limits.signal, left);
  } catch (error) {
    if (limits.signal.aborted) throw stopped(login.title, limits.signal.reason);
    if (error instanceof TryAgain) return error;
    throw error;
  }
}

async function pauseFor(seconds: number, login: Login, signal: AbortSignal): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch {
    throw stopped(login.title, signal.reason);
  }
}

function secondsUntil(deadline: number): number {
  return (deadline - performance.now()) / 1000;
}
