import * as pulumi from "@pulumi/pulumi";
import { engineMonitor } from "../engine-monitor";
import type { RealServer } from "../real-server";
import { valueOf } from "./barrier";

/**
 * Warns, once a batch has failed, which members and services were not reached for it: of those Pulumi says
 * nothing. Never rejects. Where the engine stops at once, the warning may not arrive any more.
 *
 * @param batches The members' names, in their batches.
 * @param serviceCount How many services wait for all members.
 */
export async function warnOfUnreached(
  pool: pulumi.ComponentResource,
  batches: readonly (readonly string[])[],
  realServers: ReadonlyMap<string, RealServer>,
  serviceCount: number,
): Promise<void> {
  // What a member has not said is nothing special in a preview, or with mocks.
  if (pulumi.runtime.isDryRun() || engineMonitor() === undefined) return;
  for (const [at, batch] of batches.entries()) {
    const gotThrough = await Promise.all(batch.map((member) => isThrough(realServers.get(member))));
    const failed = batch.filter((_, index) => gotThrough[index] === false);
    if (failed.length === 0) continue;
    const text = unreachedText(failed, batches.slice(at + 1).flat(), serviceCount);
    if (text !== undefined) await pulumi.log.warn(text, pool).catch(() => undefined);
    return;
  }
}

/** The warning; undefined where nothing waits for what failed. */
export function unreachedText(
  failed: readonly string[],
  members: readonly string[],
  serviceCount: number,
): string | undefined {
  const services = serviceCount === 1 ? "the service" : `the ${serviceCount} services`;
  const rest = [...members, ...(serviceCount > 0 ? [services] : [])];
  if (rest.length === 0) return undefined;
  return `not reached, because ${failed.join(", ")} failed or was left out: ${rest.join(", ")}. The next up goes on from there`;
}

/** A member that failed has no URN, or says nothing of itself. */
async function isThrough(server: RealServer | undefined): Promise<boolean> {
  if (server === undefined) return true;
  const said = valueOf(server.urn).then(() => valueOf(server.converged));
  return said.then(
    (converged: unknown) => typeof converged === "boolean",
    () => false,
  );
}
