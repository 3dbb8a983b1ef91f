import * as pulumi from "@pulumi/pulumi";
import type { DrainArgs } from "../args";
import type { ServiceDrainArgs } from "../service-args";

/** What a director waits for at least: it sees closed connections for 10 seconds more. */
const LEAST_SECONDS = 15;

/**
 * A pool's drain on its directors, which is where connections are waited for: a destination that was removed
 * gets no packet any more, and its connections are cut.
 */
export function serviceDrain(
  drain: pulumi.Input<DrainArgs> | undefined,
): pulumi.Input<ServiceDrainArgs> | undefined {
  if (drain === undefined || drain === null) return undefined;
  return pulumi
    .output(drain)
    .apply(({ timeoutSeconds, onTimeout }): pulumi.Unwrap<ServiceDrainArgs> => ({
      timeoutSeconds: Math.max(LEAST_SECONDS, timeoutSeconds),
      ...(onTimeout !== undefined && { onTimeout: onTimeout === "fail" ? "fail" : "remove" }),
    }));
}
