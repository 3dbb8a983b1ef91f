import { RealServerError } from "../domain/errors";
import {
  connectionPatterns,
  connectionsRequest,
  parseUsage,
  type Usage,
} from "../observed/connections";
import type { Observed } from "../observed/observed";
import { UnreadableAnswer } from "../protocol/answer";
import {
  loopWarning,
  verdictOn,
  withCount,
  type DrainPolicy,
  type DrainTally,
  type DrainVerdict,
} from "./drain-tally";
import { REAL_SERVER } from "./real-server";
import { onHost, pauseIn, type Operation, type Session } from "./session";

/**
 * Stands before the first write of an attempt, under the lock, and resolves to whether the attempt may
 * go on: no connection to a leaving VIP is left, or the drain's time is over. Where it may not, the
 * attempt ends there with the host as it was, and is made again later.
 *
 * Raises {@link RealServerError} `refused` where connections cannot be counted, `timed-out` where
 * the policy says so.
 */
export type Gate = (
  session: Session,
  observed: Observed,
  leaving: readonly string[],
) => Promise<boolean>;

/**
 * Makes an attempt that withdraws VIPs; while connections use them, waits without the lock and then
 * makes it again. The time runs from the first connection seen, over all waits.
 *
 * @param leaving what the attempt would withdraw from a host as it is
 * @param attempt resolves to undefined where the gate did not let it go on
 */
export async function drainFirst<Result extends object>(
  operation: Operation,
  policy: DrainPolicy | undefined,
  leaving: (observed: Observed) => readonly string[],
  attempt: (gate: Gate) => Promise<Result | undefined>,
): Promise<Result> {
  const count = policy === undefined ? asUnused : counterFor(policy);
  const gate: Gate = async (session, observed, vips) => {
    const verdict = await count(session, vips);
    if (verdict.kind === "wait") return false;
    if (verdict.warning !== undefined) operation.warn(verdict.warning);
    await warnOfLoop(session, observed, vips);
    return true;
  };
  // Each turn is one conversation: an attempt, or looks, which end with when to look again, or with
  // nothing more to wait for.
  let rest: number | undefined;
  for (;;) {
    if (rest === undefined) {
      const result = await attempt(gate);
      if (result !== undefined) return result;
    }
    await pauseIn(operation, rest ?? 0);
    rest = await onHost(REAL_SERVER, operation, PURPOSE, (session, observed) =>
      watch(session, leaving(observed), count),
    );
  }
}

const PURPOSE = { mode: "look", holder: "a drain", subjects: [] } as const;
const POLL_MILLISECONDS = 1000;
/** Counting must not keep the host busy: the time in between is at least so many times as long. */
const REST = 4;

/** Counts the connections to some VIPs, and says what to do; raises what makes the drain give up. */
type Count = (
  session: Session,
  vips: readonly string[],
) => Promise<Exclude<DrainVerdict, { readonly kind: "give-up" }>>;

/** Without a drain the host is not asked. */
const asUnused: Count = () => Promise.resolve({ kind: "unused" });

function counterFor(policy: DrainPolicy): Count {
  let tally: DrainTally | undefined;
  return async (session, vips) => {
    if (vips.length === 0) return { kind: "unused" };
    const usage = parseUsage(await askWhoUses(session, vips), vips);
    const now = performance.now();
    tally = withCount(tally, usage, policy, now);
    const verdict = verdictOn(tally, policy, now);
    if (verdict.kind === "give-up") throw new RealServerError(verdict.error, verdict.message);
    return verdict;
  };
}

async function askWhoUses({ conversation }: Session, vips: readonly string[]): Promise<string> {
  return conversation.request(connectionsRequest(connectionPatterns(vips)));
}

/**
 * Looks until there is nothing to wait for. A conversation, like any other, has `operationSeconds`: it
 * ends in good time for another.
 *
 * @returns after how many milliseconds that is to begin; undefined when nothing is to be waited for
 */
async function watch(
  session: Session,
  vips: readonly string[],
  count: Count,
): Promise<number | undefined> {
  const { operation } = session;
  const enough = session.secondsLeft() / 2;
  while (vips.length > 0) {
    const started = performance.now();
    const verdict = await count(session, vips);
    if (verdict.kind === "unused") operation.progress("drained");
    if (verdict.kind !== "wait") return undefined;
    operation.progress(verdict.progress);
    const rest = Math.max(POLL_MILLISECONDS, REST * (performance.now() - started));
    const next = Math.min(rest, verdict.milliseconds);
    if (session.secondsLeft() - next / 1000 < enough) return next;
    await pauseIn(operation, next);
  }
  return undefined;
}

/** Only a warning: nothing fails for want of it. */
async function warnOfLoop(
  session: Session,
  observed: Observed,
  leaving: readonly string[],
): Promise<void> {
  const vips = leaving.filter((vip) => !vip.includes(":"));
  if (!observed.forwards || vips.length === 0) return;
  const usage = usageIn(await askWhoUses(session, vips), vips);
  const warning = usage && loopWarning(usage);
  if (warning !== undefined) session.operation.warn(warning);
}

function usageIn(answer: string, vips: readonly string[]): Usage | undefined {
  try {
    return parseUsage(answer, vips);
  } catch (error) {
    if (error instanceof UnreadableAnswer) return undefined;
    throw error;
  }
}
