import type { dynamic } from "@pulumi/pulumi";
import { isRespelled, replacedBy } from "./changes";
import type { Properties, ResourceKind } from "./kind";
import type { Run } from "./run";
import { refuseNewer } from "./state";

// What Pulumi asks of a resource without a host. It is all that a preview needs, and an up with
// nothing to do, so nothing here loads SSH.

/**
 * Canonical inputs, or why they are none. Pure and offline. With `ignoreChanges` the inputs are those
 * that a read left, marks and all.
 */
export function check(kind: ResourceKind, olds: Properties, news: Properties): dynamic.CheckResult {
  const { inputs, failures } = kind.check(kind.unmarked(news));
  // A failure that names a property makes Pulumi print the property's value, secrets included.
  const reasons = failures.map(({ reason }) => ({ property: "", reason }));
  return { inputs: kind.answered(inputs, olds), failures: reasons };
}

/**
 * Whether the resource is replaced, or still has to converge, or is as declared though the inputs are
 * spelled in another way; what else differs Pulumi sees itself.
 */
export function diff(
  kind: ResourceKind,
  run: Run,
  id: string,
  olds: Properties,
  news: Properties,
): dynamic.DiffResult {
  refuseNewer(olds);
  const replaces = replacedBy(kind, kind.unmarked(olds), news);
  if (replaces.length > 0) {
    run.replaced.add(id);
    run.predecessors.set(String(olds["owner"]), olds);
  }
  if (olds["converged"] !== true)
    return { changes: true, ...(replaces.length > 0 && { replaces }) };
  if (replaces.length > 0) return { replaces };
  return isRespelled(kind, olds, news) ? { changes: false } : {};
}
