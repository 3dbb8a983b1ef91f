import type { HostKeys } from "../domain/errors";
import type { ObservedDirector } from "../observed/director";
import {
  asServiceRecorded,
  subjectsOf,
  type DesiredService,
  type ServiceClaim,
} from "../plan/service/claim";
import { planService, type ServicePlan } from "../plan/service/plan";
import { serviceRecordState, serviceReport, type ServiceClaimReport } from "../plan/service/report";
import { serviceWarnings } from "../plan/service/warnings";
import type { Opening } from "../protocol/program";
import { carryOut, refuse } from "./carry-out";
import { DIRECTOR } from "./director";
import { keptDirector, observedWith } from "./kept-director";
import { drainAndCarryOut } from "./service-drain";
import type { ServiceDrainPolicy } from "./service-drain-tally";
import { onHost, type Operation, type Purpose, type Session } from "./session";
import { NO_TURN, type Turn } from "./turns";

/** What a director says of a claim, and what it is known by: the keys that it and its bastion have, and a number. */
export interface DirectorReport extends ServiceClaimReport, HostKeys {
  /** `-` where the director has none. */
  readonly productUuid: string;
}

/** How an operation on a director goes about it. */
export interface ServeOptions {
  /** What leaves is drained first. Default: it is removed at once. */
  readonly drain?: ServiceDrainPolicy | undefined;
  /** Where other operations of this process are on the director. It is given back for a drain. */
  readonly turn?: Turn;
}

/**
 * Makes a director serve the claim: observe, plan, apply, verify, commit.
 *
 * Raises {@link RealServerError}; `aftermath` says whether the director is untouched, rolled back, or
 * not known to be either.
 */
export async function serve(
  operation: Operation,
  claim: ServiceClaim,
  options: ServeOptions = {},
): Promise<DirectorReport> {
  const desired = desiredFor("serve", claim);
  return inTurn(operation, options.turn, claim, "hold", async (session, observed) => {
    const needed = planService(desired, observed);
    refuse(needed);
    for (const text of [...needed.notes, ...serviceWarnings(claim, observed)]) operation.warn(text);
    const after = await bring(session, desired, needed, observed, options);
    return reportOf(session, claim, after);
  });
}

/** What a director is like beside the claim. Changes nothing, but settles an operation that was cut off. */
export async function inspectService(
  operation: Operation,
  claim: ServiceClaim,
  { turn }: Pick<ServeOptions, "turn"> = {},
): Promise<DirectorReport> {
  return inTurn(operation, turn, claim, "share", async (session, observed) => {
    for (const text of serviceWarnings(claim, observed)) operation.warn(text);
    return Promise.resolve(reportOf(session, claim, observed));
  });
}

/**
 * Takes the claim off a director: its destinations, the service unless somebody else's are in it, and
 * its record.
 *
 * `superseded`: a later create on this very director has taken over; nothing was removed. `notes`:
 * what stays, and why.
 */
export async function withdrawService(
  operation: Operation,
  claim: ServiceClaim,
  options: ServeOptions = {},
): Promise<{ superseded: boolean; notes: readonly string[] }> {
  return inTurn(operation, options.turn, claim, "hold", async (session, observed) => {
    if (serviceRecordState(claim, observed) === "newer") return { superseded: true, notes: [] };
    const desired = desiredFor("withdraw", asServiceRecorded(claim, observed));
    const needed = planService(desired, observed);
    refuse(needed);
    await bring(session, desired, needed, observed, options);
    return { superseded: false, notes: needed.notes };
  });
}

async function bring(
  session: Session,
  desired: DesiredService,
  needed: ServicePlan,
  observed: ObservedDirector,
  { drain, turn = NO_TURN }: ServeOptions,
): Promise<ObservedDirector> {
  const { leaving } = needed.membership;
  const { block } = desired.claim;
  const kind = block === undefined ? DIRECTOR : keptDirector(block, observed);
  return drain === undefined || leaving.length === 0
    ? carryOut(kind, session, desired, needed, observed)
    : drainAndCarryOut(kind, session, desired, leaving, observed, { ...drain, turn });
}

/** Dials when it is its turn. */
async function inTurn<Result>(
  operation: Operation,
  turn: Turn = NO_TURN,
  claim: ServiceClaim,
  mode: Opening["mode"],
  work: (session: Session, observed: ObservedDirector) => Promise<Result>,
): Promise<Result> {
  await turn.take(operation.signal);
  try {
    const observer = claim.block === undefined ? DIRECTOR : observedWith(claim.block);
    return await onHost(observer, operation, purposeOf(claim, mode), work);
  } finally {
    turn.release();
  }
}

function reportOf(
  { keys }: Session,
  claim: ServiceClaim,
  observed: ObservedDirector,
): DirectorReport {
  const { productUuid } = observed.machine;
  return { ...serviceReport(claim, observed), ...keys, productUuid };
}

function desiredFor(kind: DesiredService["kind"], claim: ServiceClaim): DesiredService {
  return { kind, claim, now: new Date().toISOString(), held: false };
}

function purposeOf(claim: ServiceClaim, mode: Opening["mode"]): Purpose {
  return { mode, holder: claim.owner, subjects: subjectsOf(claim) };
}
