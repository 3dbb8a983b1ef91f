import type { PendingOperation } from "./common-types";
import type { Inspection, InspectedName, InspectedSelfRoute } from "./types";

/** What is wrong with a host, a sentence each: why an inspection is not `ok`. */
export interface Faults {
  readonly leaks: readonly string[];
  /** Addresses on `lo` that nobody declares. */
  readonly stale: readonly string[];
  readonly others: readonly string[];
}

/** Words for all that is wrong by an inspection. Nothing where it is `ok`. */
export function faultsOf(inspection: Inspection): Faults {
  const { leaks, staleVips, selfRoutes, pending, director, boot, names } = inspection;
  return {
    leaks: leaks.map((leak) => leak.why),
    stale: staleVips.map((vip) => `${vip} is stale: on lo, and claimed by no owner`),
    others: [
      ...selfRoutes.map(selfRouteLine),
      ...(pending ? pendingLines(pending) : []),
      ...(director?.pending ?? []).flatMap(pendingLines),
      ...boot.problems,
      ...(director?.boot.problems ?? []),
      ...names.flatMap(trapLine),
    ],
  };
}

function trapLine({ name, endsOnLo, addresses }: InspectedName): string[] {
  if (!endsOnLo) return [];
  const own = addresses.filter((end) => end.endsOn === "lo").map((end) => end.address);
  return [`${name} ends on the host's own lo (${own.join(", ")}): the host talks to itself`];
}

function selfRouteLine({ address, route, remove }: InspectedSelfRoute): string {
  return `${address} is not on lo, and the route "${route}" leads it there: the host does not reach the service at it; run "${remove}"`;
}

function pendingLines(pending: PendingOperation): string[] {
  if (pending.underWay) return [];
  const { by, earlierBoot, strange, drains } = pending;
  const what = `an operation of ${by} was cut off${earlierBoot ? ", before the last reboot" : ""}`;
  const held = drains && drains.held.length > 0 ? drains.held.join(", ") : undefined;
  const left = held ? `, and left ${held} of ${drains?.service} at weight 0` : "";
  if (strange === undefined) return [`${what}${left}; the next one undoes it first`];
  return [
    `${what}${left}; its journal has ${strange}, which this version does not know: the next one stops at it` +
      `${drains === undefined ? ", and so does the boot" : ""}; npm install pulumi-lvs-dr@latest`,
  ];
}
