import type { dynamic } from "@pulumi/pulumi";
import { isMoved, isRespelled } from "./changes";
import { answered, unmarked } from "./drift-marks";
import type { Run } from "./run";
import { refuseNewer, type Properties } from "./state";
import { checkInputs } from "../inputs/real-server";

// What Pulumi asks of a real server without a host. It is all that a preview needs, and an up with
// nothing to do, so nothing here loads SSH.

/**
 * Canonical inputs, or why they are none. Pure and offline. With `ignoreChanges` the inputs are those
 * that a read left, marks and all.
 */
export function check(olds: Properties, news: Properties): dynamic.CheckResult {
  const { inputs, failures } = checkInputs(unmarked(news));
  // A failure that names a property makes Pulumi print the property's value, secrets included.
  const reasons = failures.map(({ reason }) => ({ property: "", reason }));
  return { inputs: answered(inputs, olds), failures: reasons };
}

/**
 * Whether the host is replaced, or still has to converge, or is as declared though the inputs are
 * spelled in another way; what else differs Pulumi sees itself.
 */
export function diff(run: Run, id: string, olds: Properties, news: Properties): dynamic.DiffResult {
  refuseNewer(olds);
  const replaces = isMoved(olds, news);
  if (replaces) run.replaced.add(id);
  if (olds["converged"] !== true) return { changes: true, ...(replaces && REPLACES) };
  if (replaces) return REPLACES;
  return isRespelled(olds, news) ? { changes: false } : {};
}

const REPLACES = { replaces: ["connection"] };
