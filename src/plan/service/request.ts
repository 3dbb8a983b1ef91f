import { selectorOf, type ServiceTarget } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import { idOf } from "../../observed/registry";
import { call } from "../../protocol/program";
import { isFileChange } from "../change";
import { ownServiceRecords, subjectsOf, type DesiredService, type ServiceClaim } from "./claim";
import type { BlockChange } from "./kept";
import { planService, type ServiceChange } from "./plan";
import type { TableStep } from "./steps";

/**
 * A plan's changes as one request line, which ends in an observation: the service's own lock, journal,
 * files, and one `ipvsadm -R`.
 *
 * @param block where keepalived's block of the service is, which the observation tells of, too
 */
export function serviceRequest(
  target: ServiceTarget,
  changes: readonly ServiceChange[],
  block?: string,
): string {
  return [
    call("own", serviceId(target)),
    call("begin", "", ...filesOf(changes)),
    changesRequest(target, changes, block),
  ].join(" && ");
}

/**
 * Takes the lock again after {@link unlockRequest}, and looks: what was done before the wait goes into a
 * journal with what {@link changesRequest} is to do, and others were at work meanwhile.
 *
 * @param files that may change, as {@link filesAfterWait} has them
 * @param seconds after which the director undoes what is not committed
 */
export function resumeRequest(
  target: ServiceTarget,
  files: readonly string[],
  seconds: number,
  block?: string,
): string {
  const resume = call("resume", String(seconds), "", ...files);
  return [resume, observeRequest(target, block)].join(" && ");
}

/** Changes under a journal that has been begun. */
export function changesRequest(
  target: ServiceTarget,
  changes: readonly ServiceChange[],
  block?: string,
): string {
  return [...changeCalls(changes), observeRequest(target, block)].join(" && ");
}

/** What the director is like now. */
export function observeRequest(target: ServiceTarget, block?: string): string {
  return call("observe", selectorOf(target), ...(block === undefined ? [] : [block]));
}

/** The same, and what keepalived says of its checks, where the claim has it asked. */
export function askRequest(claim: ServiceClaim): string {
  return call("observe", ...subjectsOf(claim));
}

/**
 * The files that a plan may change once the lock is had again: while an operation waits, other services
 * may go, and the last one that persists takes the boot's files along.
 */
export function filesAfterWait(desired: DesiredService, observed: ObservedDirector): string[] {
  const mine = ownServiceRecords(desired.claim, observed);
  const alone = observed.registry && { ...observed.registry, owners: mine };
  const plans = [observed, { ...observed, registry: alone }].map((one) =>
    planService(desired, one),
  );
  return [...new Set(plans.flatMap(({ changes }) => filesOf(changes)))];
}

/**
 * Goes on without the director's lock, so that other services can be changed meanwhile. What was done
 * so far is undone if nothing follows.
 *
 * @param seconds after which the director undoes it
 */
export function unlockRequest(seconds: number): string {
  return call("unlock", String(seconds));
}

/** Steps that are taken while waiting: somebody has set a held weight back. */
export function holdRequest(steps: readonly TableStep[]): string {
  return changeCalls(steps).join(" && ");
}

/** What a service is called where file names are: its selector holds characters of another use there. */
export function serviceId(target: ServiceTarget): string {
  return idOf(selectorOf(target));
}

function filesOf(changes: readonly ServiceChange[]): string[] {
  const files = changes.flatMap((one) => (isFileChange(one) ? [one.file] : []));
  return [...new Set(files)];
}

/** Neighbouring steps go to the director together: one process, however many destinations. */
function changeCalls(changes: readonly ServiceChange[]): string[] {
  const calls: string[] = [];
  let steps: string[] = [];
  const flush = () => {
    if (steps.length > 0) calls.push(call("table", ...steps));
    steps = [];
  };
  for (const change of changes) {
    if (change.kind !== "block" && !isFileChange(change)) {
      steps.push(stepText(change));
      continue;
    }
    flush();
    if (change.kind === "block") calls.push(...blockCalls(change));
    else if (change.kind === "put") calls.push(call("put", change.file, ...change.lines));
    else calls.push(call("drop", change.file));
  }
  flush();
  return calls;
}

/** A block that is renewed is gone for a second, in which keepalived forgets it. */
function blockCalls({ files, isRead, isRenewed }: BlockChange): string[] {
  const arrange = files.map(({ file, lines }) => call("arrange", file, ...lines));
  if (!isRead) return arrange;
  const forget = isRenewed ? [...files.map(({ file }) => call("arrange", file)), FORGOTTEN] : [];
  return ["consult", ...forget, ...arrange, call("reload")];
}

const FORGOTTEN = call("reload", "1");

/** A step as the request and the journal have it. */
function stepText(step: TableStep): string {
  switch (step.kind) {
    case "add":
      return `added ${step.options}`;
    case "edit":
      return `edited ${step.was} => ${step.options}`;
    case "remove":
      return `removed ${step.was}`;
  }
}
