import { endpoint, nameOfTarget, portOf } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import { kitDrift } from "../boot";
import { stateOf, type RecordState } from "../claim";
import { DIRECTOR_BOOT } from "./boot";
import { ownServiceRecords, servedBy, type ServiceClaim } from "./claim";
import { FORWARDING, serviceDifferences } from "./differences";
import { isFileChange } from "../change";
import { failingOf, type BlockChange } from "./kept";
import { planService, type ServicePlan } from "./plan";

/** A service as the kernel has it. */
export interface ServedTable {
  readonly scheduler: string;
  readonly flags: readonly string[];
  readonly persistence?: { readonly timeoutSeconds: number; readonly prefixLength: number };
  readonly destinations: readonly {
    /** With its port: `10.0.0.11:80`. */
    readonly destination: string;
    readonly weight: number;
    readonly upperThreshold: number;
    readonly lowerThreshold: number;
    /** `direct routing`, `masquerading`, `tunnelling`. */
    readonly forwarding: string;
  }[];
}

/** What a director says of one claim. */
export interface ServiceClaimReport {
  /** Undefined where it is not in the table. */
  readonly table: ServedTable | undefined;
  /** Destinations in the service that nobody declares, with their ports. */
  readonly foreign: readonly string[];
  /** Declared destinations that keepalived's checks have taken out, with their ports; undefined without it. */
  readonly failing?: readonly string[];
  /** One line a difference from what was asked for. */
  readonly drift: readonly string[];
  /** Whose record the registry has under this owner. */
  readonly record: RecordState;
  readonly machineId: string;
}

/** Puts a director beside a claim. Pure: drift is the plan that would be needed. */
export function serviceReport(claim: ServiceClaim, observed: ObservedDirector): ServiceClaimReport {
  const needed = planService({ kind: "serve", claim, now: "-", held: false }, observed);
  const { foreign, unwanted } = needed.membership;
  return {
    table: servedTable(claim, observed),
    foreign: [...foreign, ...unwanted].map(({ address, port }) => endpoint(address, port)),
    ...(claim.block && { failing: failingEndpoints(claim, observed) }),
    drift: driftLines(claim, observed, needed),
    record: serviceRecordState(claim, observed),
    machineId: observed.machine.machineId,
  };
}

function failingEndpoints(claim: ServiceClaim, observed: ObservedDirector): string[] {
  const port = portOf(claim.service.target);
  return failingOf(claim, observed).map(({ address }) => endpoint(address, port));
}

/** `newer`: a later create on this very director has taken over what the claim's state speaks of. */
export function serviceRecordState(
  claim: ServiceClaim,
  observed: ObservedDirector,
): ServiceClaimReport["record"] {
  return stateOf(claim, ownServiceRecords(claim, observed));
}

function servedTable(claim: ServiceClaim, observed: ObservedDirector): ServedTable | undefined {
  const found = servedBy(claim, observed);
  if (found === undefined) return undefined;
  const { scheduler, flags, persistence } = found;
  return {
    scheduler,
    flags,
    ...(persistence && { persistence }),
    destinations: found.destinations.map((one) => ({
      destination: endpoint(one.address, one.port),
      weight: one.weight,
      upperThreshold: one.upperThreshold,
      lowerThreshold: one.lowerThreshold,
      forwarding: FORWARDING[one.forwarding],
    })),
  };
}

function driftLines(
  claim: ServiceClaim,
  observed: ObservedDirector,
  { membership, changes, refusals }: ServicePlan,
): string[] {
  const { leaving, unwanted } = membership;
  const members = leaving.map((one) => {
    const why = unwanted.includes(one) ? "declared by nobody" : "declared no more";
    const name = nameOfTarget(claim.service.target);
    return `${name}: ${endpoint(one.address, one.port)} in the table, and ${why}`;
  });
  const failing = failingOf(claim, observed);
  const destinations = claim.service.destinations.filter((one) => !failing.includes(one));
  return [
    ...serviceDifferences({ ...claim.service, destinations }, servedBy(claim, observed)),
    ...members,
    ...changes.flatMap((one) => (one.kind === "block" ? fileLines(one, observed) : [])),
    ...recordLines(claim, observed, changes),
    ...kitDrift(DIRECTOR_BOOT, observed.boot, changes),
    ...refusals.map((refusal) => refusal.what),
  ];
}

/** A service that is gone though its file is as it was is told of by the table. */
function fileLines({ files, isRenewed }: BlockChange, { keepalived }: ObservedDirector): string[] {
  if (isRenewed) return [];
  const isThere = keepalived?.block !== undefined;
  return files.map(({ file, lines }) => {
    if (lines.length === 0) return `keepalived: ${file} is there`;
    return `keepalived: ${file} ${isThere ? "differs from what is declared" : "is not there"}`;
  });
}

function recordLines(
  claim: ServiceClaim,
  observed: ObservedDirector,
  changes: ServicePlan["changes"],
): string[] {
  const kit = kitDrift(DIRECTOR_BOOT, observed.boot, changes);
  switch (serviceRecordState(claim, observed)) {
    case "missing":
      return ["registry: no record of this resource on the director"];
    case "older":
      return ["registry: the record on the director is of an earlier create"];
    case "newer":
      return ["registry: the record on the director is of a later create"];
    case "ours":
      return changes.length > 0 && changes.every(isFileChange) && kit.length === 0
        ? ["registry: the record on the director differs"]
        : [];
  }
}
