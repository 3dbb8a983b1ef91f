import { RealServerError } from "../domain/errors";
import { endpoint } from "../domain/virtual-service";
import type { ObservedDirector } from "../observed/director";
import type { TableDestination } from "../observed/service-table";
import { parseServiceUsage, usageRequest } from "../observed/service-usage";
import type { DesiredService } from "../plan/service/claim";
import { planService, type ServicePlan } from "../plan/service/plan";
import {
  changesRequest,
  filesAfterWait,
  holdRequest,
  resumeRequest,
  unlockRequest,
} from "../plan/service/request";
import { endpointIn, type TableStep } from "../plan/service/steps";
import { serviceSummary } from "../plan/service/words";
import { applyAndCommit, applyAndVerify, asUnknown, undone } from "./carry-out";
import type { HostKind } from "./kind";
import {
  pauseBeforeNextCount,
  serviceVerdict,
  type ServiceDrainPolicy,
} from "./service-drain-tally";
import { pauseIn, secondsOnHost, type Session } from "./session";
import type { Turn } from "./turns";

/**
 * Brings a director to what is desired in two parts: all that leaves is held at weight 0 until nobody
 * uses it, without the director's lock, and then removed. All in one conversation: if that is lost, or
 * stopped, the director puts the weights back.
 *
 * @param leaving what leaves, at least one
 * @throws RealServerError as `carryOut`; `timed-out` where the policy says so
 */
export async function drainAndCarryOut(
  kind: DirectorKind,
  session: Session,
  desired: DesiredService,
  leaving: readonly TableDestination[],
  observed: ObservedDirector,
  { turn, ...policy }: ServiceDrainPolicy & { readonly turn: Turn },
): Promise<ObservedDirector> {
  const { service, block } = desired.claim;
  const { target } = service;
  let drained: ObservedDirector;
  try {
    const held = await hold(kind, session, desired, observed);
    const seen = await waitUntilUnused(session, desired, leaving, held, { ...policy, turn });
    await turn.take(session.operation.signal);
    const seconds = secondsOnHost(session.operation.timeouts);
    const request = resumeRequest(target, filesAfterWait(desired, seen), seconds, block?.file);
    drained = kind.parse(await session.conversation.request(request));
  } catch (error) {
    throw asUnknown(error);
  }
  const { changes } = planService(desired, drained);
  session.operation.progress(serviceSummary(changes));
  return applyAndCommit(kind, session, desired, changesRequest(target, changes, block?.file));
}

/** Directors, whoever keeps their table. */
type DirectorKind = HostKind<DesiredService, ObservedDirector, ServicePlan>;

/** All but what leaves is as desired then, and what leaves gets no new connections. */
async function hold(
  kind: DirectorKind,
  session: Session,
  desired: DesiredService,
  observed: ObservedDirector,
): Promise<ObservedDirector> {
  const held = { ...desired, held: true };
  const plan = planService(held, observed);
  session.operation.progress(serviceSummary(plan.changes));
  const request = kind.request(plan, session.purpose.subjects);
  return applyAndVerify(kind, session, held, request);
}

async function waitUntilUnused(
  session: Session,
  desired: DesiredService,
  leaving: readonly TableDestination[],
  observed: ObservedDirector,
  { turn, ...policy }: ServiceDrainPolicy & { readonly turn: Turn },
): Promise<ObservedDirector> {
  const { operation, conversation } = session;
  const { target } = desired.claim.service;
  const addresses = leaving.map((one) => one.address);
  const margin = operation.timeouts.operationSeconds;
  const begun = performance.now();
  const end = begun + policy.timeoutSeconds * 1000;
  session.extend(policy.timeoutSeconds + margin);
  let first = unlockRequest(policy.timeoutSeconds + margin);
  for (;;) {
    const usage = usageRequest(target, addresses);
    const request = first === "" ? usage : `${first} && ${usage}`;
    const asked = performance.now();
    const now = parseServiceUsage(await conversation.request(request), target, addresses);
    turn.release();
    const answered = performance.now();
    const seen = { ...observed, table: now.service ? [now.service] : [] };
    const verdict = serviceVerdict(now.inUse, policy, (end - answered) / 1000);
    if (verdict.kind === "give-up") return giveUp(session, verdict.message);
    if (verdict.kind === "unused") operation.progress("drained");
    if (verdict.kind === "cut") operation.warn(verdict.warning);
    if (verdict.kind !== "wait") return seen;
    operation.progress(verdict.progress);
    const steps = setBack(desired, leaving, seen);
    for (const step of steps) operation.warn(overruled(step));
    first = steps.length === 0 ? "" : holdRequest(steps);
    const pause = pauseBeforeNextCount(answered - asked, answered - begun, end - answered);
    await pauseIn(operation, pause);
  }
}

type Edit = Extract<TableStep, { readonly kind: "edit" }>;

/** What holds weights again that somebody has set back. */
function setBack(
  desired: DesiredService,
  leaving: readonly TableDestination[],
  seen: ObservedDirector,
): Edit[] {
  const held = new Set(leaving.map(({ address, port }) => endpoint(address, port)));
  const { changes } = planService({ ...desired, held: true }, seen);
  return changes.flatMap((one) =>
    one.kind === "edit" && held.has(endpointIn(one.options)) ? [one] : [],
  );
}

function overruled({ was, options }: Edit): string {
  const weight = / -w (\d+)/.exec(was)?.[1] ?? "another weight";
  return `somebody has set the weight of ${endpointIn(options)} to ${weight} while it is drained: it is 0 again`;
}

/** The director puts the weights back. */
async function giveUp({ conversation }: Session, message: string): Promise<never> {
  const aftermath = (await undone(conversation, "not drained")) ?? "unknown";
  throw new RealServerError("timed-out", message, { aftermath });
}
