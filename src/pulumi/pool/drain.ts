import * as pulumi from "@pulumi/pulumi";
import { isRecord } from "../../inputs/values";
import type { DrainArgs } from "../args";
import type { ServiceDrainArgs } from "../service-args";
import { isGiven } from "./members";

/** What a director waits for at least: it sees closed connections for 10 seconds more. */
const LEAST_SECONDS = 15;

/**
 * A pool's drain on its directors, which is where connections are waited for: a destination that was removed
 * gets no packet any more, and its connections are cut.
 */
export function serviceDrain(
  drain: pulumi.Input<DrainArgs> | undefined,
): pulumi.Input<ServiceDrainArgs> | undefined {
  if (!isGiven(drain)) return undefined;
  return pulumi.output(drain).apply(directorsDrain);
}

/** What is no drain is handed on as it is, so that the service is refused: thrown here, it would be missing. */
function directorsDrain(drain: pulumi.Unwrap<DrainArgs>): pulumi.Unwrap<ServiceDrainArgs> {
  const given: unknown = drain;
  if (!isRecord(given) || typeof given["timeoutSeconds"] !== "number") return given as never;
  const { timeoutSeconds, onTimeout, ...others } = drain;
  return {
    ...others,
    timeoutSeconds: Math.max(LEAST_SECONDS, timeoutSeconds),
    ...(onTimeout !== undefined && { onTimeout: onTimeout === "fail" ? "fail" : "remove" }),
  };
}
