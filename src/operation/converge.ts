import { drainFirst, type DrainPolicy } from "./drain";
import { Interrupted, type Conversation } from "../protocol/conversation";
import { changeRequest } from "../plan/request";
import { COMMIT_REQUEST, giveUpRequest, type Opening } from "../protocol/program";
import { RealServerError } from "../domain/errors";
import { parseObservation, type Observed } from "../observed/observed";
import { UnreadableAnswer } from "../protocol/answer";
import { asRecorded, recordOf, type Claim, type Desired } from "../plan/claim";
import { plan, type Plan } from "../plan/plan";
import { idOf } from "../observed/registry";
import { recordState, report, type ClaimReport } from "../plan/report";
import {
  firstWords,
  onHost,
  type HostKeys,
  type Operation,
  type Purpose,
  type Session,
} from "./session";
import { describe, summary } from "../plan/words";
import { warnings } from "../plan/warnings";

/** What the host says of a claim, and the keys that it and its bastion have. */
export interface HostReport extends ClaimReport, HostKeys {}

/**
 * Makes the host serve the claim: observe, plan, apply, verify, commit.
 *
 * Raises {@link RealServerError}; `aftermath` says whether the host is untouched, rolled back, or
 * not known to be either.
 */
export async function converge(
  operation: Operation,
  claim: Claim,
  options: { readonly drain?: DrainPolicy | undefined } = {},
): Promise<HostReport> {
  const desired: Desired = { kind: "serve", claim, now: new Date().toISOString() };
  const leaving = (observed: Observed) => plan(desired, observed).leaving;
  return drainFirst(operation, options.drain, leaving, (gate) =>
    onHost(operation, purposeOf(claim, "hold"), async (session, observed) => {
      const needed = plan(desired, observed);
      refuse(needed.refusals);
      await gate(session, observed, needed.leaving);
      const said = [
        ...needed.stale.map((prefix) => `${prefix} leaves lo: declared by nobody (staleVips)`),
        ...warnings(claim, recordOf(claim, "").claims, observed),
      ];
      for (const text of needed.notes) operation.warn(text);
      for (const text of said) operation.warn(text);
      const after = await carryOut(session, desired, needed, observed);
      return { ...report(claim, after), ...session.keys };
    }),
  );
}

/** What the host is like beside the claim. Changes nothing, but settles an operation that was cut off. */
export async function inspectClaim(operation: Operation, claim: Claim): Promise<HostReport> {
  return onHost(operation, purposeOf(claim, "share"), async (session, observed) => {
    for (const text of warnings(claim, recordOf(claim, "").claims, observed)) operation.warn(text);
    return Promise.resolve({ ...report(claim, observed), ...session.keys });
  });
}

/**
 * Takes the claim off the host: its VIPs, its record, and the sysctls that nobody needs any more.
 *
 * `superseded`: a later create on this very host has taken over; nothing was withdrawn. `notes`: what
 * stays on the host, and why.
 */
export async function withdraw(
  operation: Operation,
  claim: Claim,
  options: { readonly sysctls: "restore" | "leave"; readonly drain?: DrainPolicy | undefined },
): Promise<{ superseded: boolean; notes: readonly string[] }> {
  const { sysctls, drain } = options;
  const desiredOn = (observed: Observed): Desired => {
    return { kind: "withdraw", claim: asRecorded(claim, observed), now: "-", sysctls };
  };
  const leaving = (observed: Observed) => plan(desiredOn(observed), observed).leaving;
  return drainFirst(operation, drain, leaving, (gate) =>
    onHost(operation, purposeOf(claim, "hold"), async (session, observed) => {
      if (recordState(claim, observed) === "newer") return { superseded: true, notes: [] };
      const desired = desiredOn(observed);
      const needed = plan(desired, observed);
      refuse(needed.refusals);
      await gate(session, observed, needed.leaving);
      const after = await carryOut(session, desired, needed, observed);
      return { superseded: false, notes: [...needed.notes, ...stillLocal(needed, after)] };
    }),
  );
}

/** What a look sees, and the way to ask more. */
export interface Look {
  readonly observed: Observed;
  readonly keys: HostKeys;
  /** Sends a request that only reads. @returns its answer's body */
  ask(request: string): Promise<string>;
}

/** Sees the host without its lock, and changes nothing: not even a cut-off operation is settled. */
export async function look<Result>(
  operation: Operation,
  work: (seen: Look) => Promise<Result>,
): Promise<Result> {
  return onHost(operation, INSPECTION, ({ conversation, keys }, observed) =>
    work({ observed, keys, ask: (request) => conversation.request(request) }),
  );
}

/** Proves that the host can be reached with these credentials, as root where sudo is asked for. */
export async function reach(operation: Operation): Promise<HostKeys> {
  return look(operation, ({ keys }) => Promise.resolve(keys));
}

const INSPECTION: Purpose = { mode: "look", holder: "an inspection", vips: [] };

function purposeOf(claim: Claim, mode: Opening["mode"]): Purpose {
  return { mode, holder: claim.owner, vips: claim.vips.map((vip) => vip.address) };
}

/** Applies a plan, reads the host back, and commits only when nothing is left to do. */
async function carryOut(
  session: Session,
  desired: Desired,
  needed: Plan,
  observed: Observed,
): Promise<Observed> {
  if (needed.changes.length === 0) return observed;
  const { operation, conversation, vips } = session;
  operation.progress(summary(needed.changes));
  try {
    const body = await conversation.request(changeRequest(needed.changes, needed.guard, vips));
    const after = parseObservation(body);
    const left = plan(desired, after);
    if (left.changes.length > 0 || left.refusals.length > 0) await giveUp(conversation, left);
    operation.progress("verified, committing");
    await conversation.request(COMMIT_REQUEST);
    return after;
  } catch (error) {
    if (!(error instanceof Interrupted) || operation.signal.aborted) throw asUnknown(error);
    return lookAgain(session, desired, error);
  }
}

/** Every step succeeded, and the host is not as asked for: it undoes them. */
async function giveUp(conversation: Conversation, left: Plan): Promise<never> {
  const missing = [...left.refusals, ...left.changes.map(describe)].join("; ");
  try {
    await conversation.request(giveUpRequest("not converged"));
  } catch (error) {
    if (!(error instanceof RealServerError)) throw error;
    const { aftermath } = error;
    throw new RealServerError("not-converged", `still to be done after all steps: ${missing}`, {
      aftermath,
    });
  }
  throw new RealServerError("not-converged", missing, { aftermath: "unknown" });
}

const SHORTEST_LOOK = 5;

/**
 * The connection was lost between the first write and the answer to the commit, or that answer was
 * garbled. The host undoes or has committed; ask it which, within the time left.
 */
async function lookAgain(
  { operation, secondsLeft }: Session,
  desired: Desired,
  lost: Interrupted,
): Promise<Observed> {
  operation.progress(`${lost.message}; asking the host what became of it`);
  const operationSeconds = Math.max(SHORTEST_LOOK, secondsLeft());
  const connectSeconds = Math.min(operation.timeouts.connectSeconds, operationSeconds);
  const again = { ...operation, timeouts: { connectSeconds, operationSeconds } };
  const observed = await onHost(again, purposeOf(desired.claim, "share"), (_, found) =>
    Promise.resolve(found),
  ).catch((error: unknown) => {
    const message = `${lost.message}, and could not be asked again: ${firstWords(error)}`;
    throw new RealServerError("failed", message, { aftermath: "unknown" });
  });
  if (isCommitted(desired, observed)) return observed;
  throw new RealServerError("failed", lost.message, { aftermath: "rolled-back" });
}

/**
 * Every commit that serves a claim has written its record anew. What differs beside that record is
 * drift by now: taken for a rollback, it would leave a create's VIPs on the host and no state.
 */
function isCommitted(desired: Desired, observed: Observed): boolean {
  const record = observed.registry?.owners.get(idOf(desired.claim.owner));
  return record?.seen === desired.now || plan(desired, observed).changes.length === 0;
}

function asUnknown(error: unknown): unknown {
  if (error instanceof Interrupted || error instanceof UnreadableAnswer)
    return new RealServerError("failed", error.message, { aftermath: "unknown", cause: error });
  return error;
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new RealServerError("refused", reasons.join("; "));
}

/** Withdrawn from `lo`, and the host still delivers it to itself: somebody else has it, too. */
function stillLocal(needed: Plan, after: Observed): string[] {
  return needed.changes.flatMap((change) => {
    if (change.kind !== "unbind") return [];
    const address = change.prefix.split("/")[0] ?? "";
    if (!after.local.includes(address)) return [];
    const holder = after.addresses.find((one) => one.address === address);
    return [
      `${address} is still delivered to the host itself${holder ? `, by ${holder.prefix} on ${holder.interface}` : " (see: ip route get " + address + ")"}`,
    ];
  });
}
