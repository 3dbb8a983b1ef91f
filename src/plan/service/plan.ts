import { endpoint, nameOfTarget, type ServiceTarget } from "../../domain/virtual-service";
import type { Refusal } from "../../domain/errors";
import type { ObservedDirector } from "../../observed/director";
import { idOf, renderMachine } from "../../observed/registry";
import { renderServiceRecord, type ServiceRecord } from "../../observed/service-records";
import { planBoot, type BootPlan } from "../boot";
import type { FileChange } from "../change";
import { DIRECTOR_BOOT } from "./boot";
import {
  otherServiceRecords,
  ownServiceRecords,
  serviceRecordOf,
  type DesiredService,
} from "./claim";
import { keptChanges, type BlockChange } from "./kept";
import { keptRefusals } from "./kept-words";
import { serviceRefusals } from "./refusals";
import { membershipOf, type Membership, type TableStep } from "./steps";

/** One delta of a director: a line of its table, a file of keepalived's, or one of its registry. */
export type ServiceChange = FileChange | TableStep | BlockChange;

/** The ordered way from a director as observed to what is desired. */
export interface ServicePlan {
  readonly target: ServiceTarget;
  /** Why it must not be done. Where there is one, nothing may be touched. */
  readonly refusals: readonly Refusal[];
  /** Empty when the director is as desired. */
  readonly changes: readonly ServiceChange[];
  /** What people should know of the outcome: takeovers, a service that stays. */
  readonly notes: readonly string[];
  /** What a drain waits for, and what stays though nobody declares it. */
  readonly membership: Membership;
}

/**
 * The one decision about a director, used for drift (is it empty?), convergence, verification (is it
 * empty now?) and removal. Pure. A drain is two plans: one with all that leaves held at weight 0, and
 * when nobody uses it any more, the final one.
 */
export function planService(desired: DesiredService, observed: ObservedDirector): ServicePlan {
  const mine = ownServiceRecords(desired.claim, observed);
  const membership = membershipOf(desired, mine, observed);
  const steps = keptChanges(desired, mine, membership, observed);
  const boot = bootPlan(desired, mine, observed);
  const files = desired.held ? NO_FILES : planFiles(desired, mine, boot, observed);
  const anything = steps.length > 0 || files.differ;
  return {
    target: desired.claim.service.target,
    refusals: [
      ...serviceRefusals(desired, mine, membership, observed),
      ...keptRefusals(desired, mine, steps, observed).map((what) => ({ what, remedies: [] })),
      ...boot.refusals,
    ],
    changes: anything && !desired.held ? [...files.before, ...steps, ...files.after] : steps,
    notes: [
      ...takeoverNotes(desired, mine),
      ...stayNotes(desired, membership, observed),
      ...boot.notes,
    ],
    membership,
  };
}

interface FilePlan {
  readonly before: readonly FileChange[];
  readonly after: readonly FileChange[];
  readonly differ: boolean;
}

const NO_FILES: FilePlan = { before: [], after: [], differ: false };

function bootPlan(
  { kind, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  { registry, boot }: ObservedDirector,
): BootPlan {
  const own = kind === "serve" && claim.persist === true;
  const others = [...(registry?.owners ?? [])].some(([id, one]) => !mine.has(id) && one.persist);
  return planBoot(DIRECTOR_BOOT, { own, others }, boot);
}

/**
 * The record is there before the first destination is, and goes after the last; what would put a
 * service back at boot goes before its record does.
 */
function planFiles(
  { kind, claim, now }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  boot: BootPlan,
  { registry, machine }: ObservedDirector,
): FilePlan {
  const id = idOf(claim.owner);
  const record = kind === "serve" ? serviceRecordOf(claim, now, mine) : undefined;
  const stale = [...mine.keys()].filter((one) => record === undefined || one !== id);
  const before: FileChange[] = [];
  if (record !== undefined && registry?.machine === undefined)
    before.push({
      kind: "put",
      file: "machine",
      lines: renderMachine({ ...machine, unknown: [] }),
    });
  if (record !== undefined)
    before.push({ kind: "put", file: `owners/${id}`, lines: renderServiceRecord(record) });
  const dropped = stale.map((one): FileChange => ({ kind: "drop", file: `owners/${one}` }));
  const differs = record !== undefined && !isSameRecord(record, mine.get(id));
  return {
    before: [...before, ...boot.before],
    after: [...boot.after, ...dropped],
    differ: differs || stale.length > 0 || boot.differs,
  };
}

/** When it was last seen is no difference. */
function isSameRecord(record: ServiceRecord, known: ServiceRecord | undefined): boolean {
  const text = (one: ServiceRecord) => renderServiceRecord({ ...one, seen: "-" }).join("\n");
  return known !== undefined && text(record) === text(known);
}

function takeoverNotes(
  { kind, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
): string[] {
  const known = mine.get(idOf(claim.owner));
  if (kind === "withdraw" || known === undefined || known.incarnation === claim.incarnation)
    return [];
  if (claim.replaces?.has(known.incarnation)) return [];
  return ["takes over the record that an earlier create of this resource left on the director"];
}

function stayNotes(
  { kind, claim }: DesiredService,
  { foreign }: Membership,
  observed: ObservedDirector,
): string[] {
  if (kind === "serve") return [];
  const service = `the service ${nameOfTarget(claim.service.target)}`;
  const [other] = otherServiceRecords(claim, observed);
  if (other !== undefined)
    return [`${service} stays: it is declared by ${JSON.stringify(other.owner)}`];
  if (foreign.length === 0) return [];
  const names = foreign.map(({ address, port }) => endpoint(address, port)).join(", ");
  const verb = foreign.length === 1 ? "is" : "are";
  if (claim.block !== undefined)
    return [`${service} goes with ${names}, which ${verb} in it, declared by nobody`];
  return [`${service} stays: ${names} ${verb} in it, declared by nobody`];
}
