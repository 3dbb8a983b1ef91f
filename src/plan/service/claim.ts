import type { KeepalivedBlock } from "../../domain/keepalived";
import { familyOf, schedulingOptions, selectorOf } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import { recordsOf } from "../../observed/registry";
import type { ServiceRecord, VirtualServiceShape } from "../../observed/service-records";
import type { TableService } from "../../observed/service-table";

/** What one declared service wants of a director, and what its state remembers. */
export interface ServiceClaim {
  /** The name of this declaration in the director's registry. */
  readonly owner: string;
  /** Drawn by the create that made the resource; sorts by time. */
  readonly incarnation: string;
  readonly service: VirtualServiceShape;
  /**
   * RIPs that the state knows as declared until now: what is ours where the registry was lost.
   * Undefined for a create, which may find a service that somebody else made.
   */
  readonly former?: readonly string[];
  /** What becomes of destinations that nobody declares. Default: "report", which is nothing. */
  readonly foreignDestinations?: "report" | "remove";
  /** What leaves is drained first. Default: false. */
  readonly drains?: boolean;
  /** The service is put back at boot. Default: false; that of the input is true. */
  readonly persist?: boolean;
  /** keepalived keeps the table, and has the service by this. Default: the table is ours to write. */
  readonly block?: KeepalivedBlock;
  /** An update may leave the service without a destination that takes connections. Default: false. */
  readonly allowEmpty?: boolean;
  /** Incarnations that this one is to take the place of: their record needs no explanation. */
  readonly replaces?: ReadonlySet<string>;
  /** Incarnations that live beside this one, it among them: their record must not be taken over. */
  readonly beside?: ReadonlySet<string>;
}

/** What the director is to be like: with this claim, or without it. */
export interface DesiredService {
  readonly kind: "serve" | "withdraw";
  readonly claim: ServiceClaim;
  /** When the operation began, ISO 8601 in UTC. */
  readonly now: string;
  /** What leaves is still there, at weight 0: as long as it is drained. Records are as before. */
  readonly held: boolean;
}

/** The record that a served claim has in the registry; lines of a later version in `mine` stay. */
export function serviceRecordOf(
  { owner, incarnation, service, persist = false, block }: ServiceClaim,
  now: string,
  mine: ReadonlyMap<string, ServiceRecord> = new Map(),
): ServiceRecord {
  const unknown = [...new Set([...mine.values()].flatMap((record) => record.unknown))];
  return { owner, incarnation, seen: now, service, persist, block: block?.file, unknown };
}

/** The claim's own record: under its owner's name, or under a former name with its incarnation. */
export function ownServiceRecords(
  claim: ServiceClaim,
  { registry }: ObservedDirector,
): Map<string, ServiceRecord> {
  return recordsOf(claim, registry);
}

/** Records of others who declare the claim's service. */
export function otherServiceRecords(
  claim: ServiceClaim,
  observed: ObservedDirector,
): ServiceRecord[] {
  const mine = ownServiceRecords(claim, observed);
  const selector = selectorOf(claim.service.target);
  return [...(observed.registry?.owners ?? [])].flatMap(([id, record]) =>
    !mine.has(id) && selectorOf(record.service.target) === selector ? [record] : [],
  );
}

/** A claim as the registry has it, where it does: a withdrawal is of what was committed. */
export function asServiceRecorded(claim: ServiceClaim, observed: ObservedDirector): ServiceClaim {
  const [record] = ownServiceRecords(claim, observed).values();
  return record === undefined ? claim : { ...claim, service: record.service };
}

/** The claim's service as the director has it; undefined where it is not in the table. */
export function servedBy(
  { service }: ServiceClaim,
  { table }: ObservedDirector,
): TableService | undefined {
  const selector = selectorOf(service.target);
  return table.find((one) => one.selector === selector);
}

/** All that a service's line of ipvsadm says: selector first. */
export function serviceOptions({ target, ...scheduling }: VirtualServiceShape): string {
  return `${selectorOf(target)} ${schedulingOptions(scheduling, familyOf(target))}`;
}

/**
 * What an observation is asked about for a claim: the service, where keepalived's block of it is, and
 * whether keepalived is to be asked about its checks.
 */
export function subjectsOf({ service, block }: Pick<ServiceClaim, "service" | "block">): string[] {
  const ofBlock = block === undefined ? [] : [block.file, ...(block.asks ? ["ask"] : [])];
  return [selectorOf(service.target), ...ofBlock];
}
