import { selectorOf, type ServiceTarget } from "../../domain/virtual-service";
import { idOf } from "../../observed/registry";
import { call } from "../../protocol/program";
import { isFileChange } from "../change";
import { type ServiceChange } from "./plan";
import type { TableStep } from "./steps";

/**
 * A plan's changes as one request line, which ends in an observation: the service's own lock, journal,
 * files, and one `ipvsadm -R`.
 */
export function serviceRequest(target: ServiceTarget, changes: readonly ServiceChange[]): string {
  return [
    call("own", serviceId(target)),
    call("begin", "", ...filesOf(changes)),
    ...changeCalls(changes),
    call("observe", selectorOf(target)),
  ].join(" && ");
}

/**
 * The same after {@link unlockRequest}: the lock is taken again, and what was done before the wait goes
 * into the journal with the rest.
 *
 * @param seconds after which the director undoes what is not committed
 */
export function resumeRequest(
  target: ServiceTarget,
  changes: readonly ServiceChange[],
  seconds: number,
): string {
  return [
    call("resume", String(seconds), "", ...filesOf(changes)),
    ...changeCalls(changes),
    call("observe", selectorOf(target)),
  ].join(" && ");
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
    if (!isFileChange(change)) {
      steps.push(stepText(change));
      continue;
    }
    flush();
    calls.push(
      change.kind === "put" ? call("put", change.file, ...change.lines) : call("drop", change.file),
    );
  }
  flush();
  return calls;
}

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
