import { RealServerError, refusedFor, type Aftermath } from "../domain/errors";
import { UnreadableAnswer } from "../protocol/answer";
import { Interrupted, type Conversation } from "../protocol/conversation";
import { COMMIT_REQUEST, giveUpRequest } from "../protocol/program";
import type { HostKind, KindPlan } from "./kind";
import { onHost, secondsOf, type Session } from "./session";

/** @throws RealServerError `refused`, where a plan must not be carried out */
export function refuse({ refusals }: KindPlan): void {
  const error = refusedFor(refusals);
  if (error) throw error;
}

/**
 * Applies a plan, reads the host back, and commits only when nothing is left to do.
 *
 * @returns the host as it was read back; as it was before, where nothing was to be done
 * @throws RealServerError `failed` or `not-converged`, with what became of the host
 */
export async function carryOut<Desired, Observed, Plan extends KindPlan>(
  kind: HostKind<Desired, Observed, Plan>,
  session: Session,
  desired: Desired,
  needed: Plan,
  observed: Observed,
): Promise<Observed> {
  if (needed.changes.length === 0) return observed;
  session.operation.progress(kind.summary(needed));
  return applyAndCommit(kind, session, desired, kind.request(needed, session.purpose.subjects));
}

/** The same for a request that is made up already, and that is sent though nothing may be left to do. */
export async function applyAndCommit<Desired, Observed, Plan extends KindPlan>(
  kind: HostKind<Desired, Observed, Plan>,
  session: Session,
  desired: Desired,
  request: string,
): Promise<Observed> {
  const { operation, conversation } = session;
  try {
    const after = await applyAndVerify(kind, session, desired, request);
    await meetCondition(session);
    operation.progress("verified, committing");
    await conversation.request(COMMIT_REQUEST);
    return after;
  } catch (error) {
    if (!(error instanceof Interrupted) || operation.signal.aborted) throw asUnknown(error);
    return lookAgain(kind, session, desired, error);
  }
}

/** Waits for what must hold before the commit. Where it does not, the host undoes the change. */
async function meetCondition(session: Session): Promise<void> {
  try {
    await session.purpose.condition?.wait(session);
  } catch (error) {
    if (!(error instanceof RealServerError)) throw error;
    throw error.afterwards((await undone(session.conversation, "not ready")) ?? "unknown");
  }
}

/**
 * Sends a request, and has the host undo it where it is not as desired afterwards.
 *
 * @returns the host as it was read back
 * @throws RealServerError `not-converged`; Interrupted and UnreadableAnswer as they come
 */
export async function applyAndVerify<Desired, Observed, Plan extends KindPlan>(
  kind: HostKind<Desired, Observed, Plan>,
  { conversation }: Session,
  desired: Desired,
  request: string,
): Promise<Observed> {
  const ask = (text: string) => conversation.request(text);
  const answered = kind.parse(await ask(request));
  const after = (await kind.settle?.(desired, answered, ask)) ?? answered;
  const rest = kind.plan(desired, after);
  if (rest.changes.length > 0 || rest.refusals.length > 0) {
    const reasons = rest.refusals.map((refusal) => refusal.what);
    await giveUp(conversation, [...reasons, ...kind.left(rest)].join("; "));
  }
  return after;
}

/** Every step succeeded, and the host is not as asked for: it undoes them. */
async function giveUp(conversation: Conversation, missing: string): Promise<never> {
  const told = await undone(conversation, "not converged");
  const what = told === undefined ? missing : `still to be done after all steps: ${missing}`;
  throw new RealServerError("not-converged", what, {
    aftermath: told ?? "unknown",
    wanted: missing,
  });
}

/**
 * Has the host undo what was done in a conversation.
 *
 * @returns what became of it by the host's own word; undefined where it has none
 * @throws whatever else ends the conversation
 */
export async function undone(
  conversation: Conversation,
  reason: string,
): Promise<Aftermath | undefined> {
  try {
    await conversation.request(giveUpRequest(reason));
    return undefined;
  } catch (error) {
    if (error instanceof RealServerError) return error.aftermath;
    throw error;
  }
}

const SHORTEST_LOOK = 5;

/**
 * The connection was lost between the first write and the answer to the commit, or that answer was
 * garbled. The host undoes or has committed; ask it which, within the time left.
 */
async function lookAgain<Desired, Observed, Plan extends KindPlan>(
  kind: HostKind<Desired, Observed, Plan>,
  { operation, purpose, secondsLeft }: Session,
  desired: Desired,
  lost: Interrupted,
): Promise<Observed> {
  operation.progress(`${lost.message}; asking the host what became of it`);
  // Whoever holds the lock there may have it for as long as the condition may take.
  const left = secondsLeft() - secondsOf(purpose.condition);
  const operationSeconds = Math.max(SHORTEST_LOOK, left);
  const connectSeconds = Math.min(operation.timeouts.connectSeconds, operationSeconds);
  const again = { ...operation, timeouts: { connectSeconds, operationSeconds } };
  const observed = await onHost(kind, again, { ...purpose, mode: "share" }, (_, found) =>
    Promise.resolve(found),
  ).catch((error: unknown) => {
    const what = `${lost.message}, and could not be asked again: ${firstWords(error)}`;
    throw new RealServerError("failed", what, { aftermath: "unknown" });
  });
  if (kind.isCommitted(desired, observed)) return observed;
  throw new RealServerError("failed", lost.message, { aftermath: "rolled-back" });
}

function firstWords(error: unknown): string {
  if (error instanceof RealServerError) return error.what;
  return error instanceof Error ? error.message : "unknown";
}

/** What was lost on the way, once something was written: the host undoes it, or has committed. */
export function asUnknown(error: unknown): unknown {
  if (error instanceof Interrupted || error instanceof UnreadableAnswer)
    return new RealServerError("failed", error.message, { aftermath: "unknown", cause: error });
  return error;
}
