import { setTimeout as sleep } from "node:timers/promises";
import { attempt, type SshSession } from "./attempt";
import type { PreparedHop } from "./prepared-hop";
import { openTcp, type OpenStream } from "./tcp";
import { type Sign, stopped, TryAgain, unreachable } from "../problems";

/** What bounds all dialling together, both hops of it. */
export interface DialLimits {
  /** As `performance.now()` counts, in milliseconds. */
  readonly deadline: number;
  /** The host of the connection: what an operation is about, and what a user would give up. */
  readonly host: string;
  /** There is a bastion before it. */
  readonly behindBastion: boolean;
  readonly signal: AbortSignal;
  progress(text: string): void;
}

/**
 * Dials a hop again until it answers, `deadline` is over, or more than `dialErrorLimit` attempts
 * have failed (0: one attempt; negative: no limit; as @pulumi/command counts). Pauses grow from
 * 0.5 to 5 s.
 *
 * @param prepare makes the way to the hop for the next attempt; TCP from here unless it is given
 * @throws RealServerError `unreachable`, or what cannot be cured by another attempt
 */
export async function dialUntil(
  login: PreparedHop,
  limits: DialLimits,
  prepare?: () => Promise<OpenStream>,
): Promise<SshSession> {
  const start = performance.now();
  const signs = new Set<Sign>();
  limits.progress(`dialling ${login.title}`);
  for (let attempts = 1, pause = firstPause; ; attempts++, pause = Math.min(pause * 1.5, 5)) {
    const cause = await tryOnce(login, limits, prepare);
    if (!(cause instanceof TryAgain)) return cause;
    signs.add(cause.sign);
    const limited = login.hop.dialErrorLimit >= 0 && attempts > login.hop.dialErrorLimit;
    const left = secondsUntil(limits.deadline);
    if (limited || left < firstPause) {
      const seconds = Math.round((performance.now() - start) / 1000);
      const { hop, title } = login;
      const { host, behindBastion } = limits;
      const tries = { hop, title, host, direct: !behindBastion, attempts, seconds, limited, signs };
      throw unreachable(tries, cause);
    }
    limits.progress(`dialling ${login.title} again (${cause.message})`);
    await pauseFor(Math.min(pause, left - lastTry), login, limits);
  }
}

const firstPause = 0.5;

/** Seconds kept for a last attempt when the next pause would use up the time. */
const lastTry = 0.4;

async function tryOnce(
  login: PreparedHop,
  limits: DialLimits,
  prepare: (() => Promise<OpenStream>) | undefined,
): Promise<SshSession | TryAgain> {
  try {
    const open = prepare === undefined ? openTcp(login.hop) : await prepare();
    const left = Math.max(secondsUntil(limits.deadline), lastTry);
    return await attempt(login, open, limits.signal, left);
  } catch (error) {
    if (limits.signal.aborted) throw stopped(login.title, limits.host, limits.signal.reason);
    if (error instanceof TryAgain) return error;
    throw error;
  }
}

async function pauseFor(
  seconds: number,
  login: PreparedHop,
  { host, signal }: DialLimits,
): Promise<void> {
  try {
    await sleep(seconds * 1000, undefined, { signal });
  } catch {
    throw stopped(login.title, host, signal.reason);
  }
}

function secondsUntil(deadline: number): number {
  return (deadline - performance.now()) / 1000;
}
