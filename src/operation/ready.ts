import { setTimeout as pause } from "node:timers/promises";
import { tryOnce } from "./ready-try";
import { cannotAsk, isReady, notReady, waitingWords } from "./ready-words";
import type { ReadyPolicy, Sighting } from "./ready-words";
import type { Condition, Session } from "./session";

/**
 * That the service answers on every VIP, asked from the host itself: the SSH connection that is there
 * makes the connections, so neither a director nor a route to the VIP is needed.
 *
 * @returns undefined where nobody asks
 */
export function readiness(
  vips: readonly string[],
  policy: ReadyPolicy | undefined,
): Condition | undefined {
  if (policy === undefined) return undefined;
  return {
    seconds: policy.timeoutSeconds,
    wait: (session) => waitUntilReady(session, vips, policy),
  };
}

/** What a try may take at most, in seconds: a service that takes longer to answer is not ready. */
const TRY_SECONDS = 10;
/** By the user's own ssh each try is a login, of which sshd takes so many at once (MaxStartups: 10). */
const AT_ONCE = 4;
const SHORTEST_PAUSE = 1000;
const LONGEST_PAUSE = 5000;

async function waitUntilReady(
  session: Session,
  vips: readonly string[],
  policy: ReadyPolicy,
): Promise<void> {
  const { operation, conversation } = session;
  const end = performance.now() + policy.timeoutSeconds * 1000;
  const secondsLeft = () => Math.max(0, (end - performance.now()) / 1000);
  const seen = new Map<string, Sighting>();
  operation.progress(waitingWords(policy, vips, seen, secondsLeft()));
  for (let waiting = vips; ;) {
    const started = performance.now();
    waiting = await tryAll(session, waiting, policy, { seen, secondsLeft });
    if (waiting.length === 0) return;
    if (secondsLeft() === 0) throw notReady(policy, waiting, seen);
    operation.progress(waitingWords(policy, waiting, seen, secondsLeft()));
    const rest = Math.min(Math.max(performance.now() - started, SHORTEST_PAUSE), LONGEST_PAUSE);
    await pause(Math.min(rest, secondsLeft() * 1000), undefined, {
      signal: conversation.ended,
    }).catch(() => conversation.ended.throwIfAborted());
  }
}

/** What has been seen so far, and how long there is to see more. */
interface Watch {
  /** The last sighting of each VIP. */
  readonly seen: Map<string, Sighting>;
  readonly secondsLeft: () => number;
}

/** @returns those that are not ready */
async function tryAll(
  session: Session,
  vips: readonly string[],
  policy: ReadyPolicy,
  watch: Watch,
): Promise<string[]> {
  const ready = new Set<string>();
  for (let at = 0; at < vips.length && watch.secondsLeft() > 0; at += AT_ONCE) {
    const tries = vips.slice(at, at + AT_ONCE).map(async (vip) => {
      if (await tryVip(session, vip, policy, watch)) ready.add(vip);
    });
    await Promise.all(tries);
  }
  return vips.filter((vip) => !ready.has(vip));
}

/** @returns whether it is ready */
async function tryVip(
  { connect, conversation, operation }: Session,
  vip: string,
  policy: ReadyPolicy,
  { seen, secondsLeft }: Watch,
): Promise<boolean> {
  const seconds = Math.min(TRY_SECONDS, secondsLeft());
  const bounds = { ended: conversation.ended, seconds };
  const result = await tryOnce(connect, { address: vip, port: policy.port }, policy.http, bounds);
  if (result.kind === "forbidden") throw cannotAsk(vip, policy, result.words, operation.login.user);
  // One that the end of the time cut short tells less than what was seen before it.
  const isCut = result.kind === "silent" && seconds < TRY_SECONDS;
  if (!isCut || !seen.has(vip)) seen.set(vip, result);
  return isReady(result, policy);
}
