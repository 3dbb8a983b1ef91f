import { ownRecords, recordOf, type Claim, type Desired } from "./claim";
import type { Change } from "./change";
import { leftNotes, planAddresses } from "./addresses";
import { planBoot, type BootPlan } from "./boot";
import { REAL_SERVER_BOOT } from "./real-server-boot";
import type { Observed } from "../observed/observed";
import { refusals } from "./refusals";
import {
  idOf,
  NOTHING_SAVED,
  renderMachine,
  renderOwner,
  renderSaved,
  type OwnerRecord,
  type SavedRecord,
} from "../observed/registry";
import { planSysctls, type SysctlPlan } from "./sysctls";
import type { Refusal } from "../domain/errors";
import type { SavedSysctl } from "../domain/sysctl";

/** The ordered way from observed to desired. */
export interface Plan {
  /** Why it must not be done. Where there is one, nothing may be touched. */
  readonly refusals: readonly Refusal[];
  /** Empty when the host is as desired. */
  readonly changes: readonly Change[];
  /** What people should know of the outcome: takeovers, values that stay. */
  readonly notes: readonly string[];
  /** The addresses that leave `lo` for good, canonical: what a drain waits for. */
  readonly leaving: readonly string[];
  /** The addresses that nobody claims any more, whether or not they are on `lo` still. */
  readonly unclaimed: readonly string[];
  /** Those of `leaving` that nobody declared, with prefix, as the host spells them. */
  readonly stale: readonly string[];
  /** VIPs that leaked before: while one is bound, an undo must not loosen a sysctl. */
  readonly guard: readonly string[];
  /** The sysctl values to restore one day, as they will be on the host. */
  readonly saved: readonly SavedSysctl[];
}

/**
 * The one decision of this package, used for drift (is it empty?), convergence, verification (is
 * it empty now?) and removal. Pure.
 *
 * Order: records and the boot's unit ahead, sysctls tightened and checked, VIPs added, VIPs removed,
 * sysctls loosened, the unit and records dropped. So no VIP is ever bound while an interface in scope would answer for it.
 */
export function plan(desired: Desired, observed: Observed): Plan {
  const { claim } = desired;
  const mine = ownRecords(claim, observed);
  const others = otherOwners(mine, observed);
  const record = desired.kind === "serve" ? recordOf(claim, desired.now, mine) : undefined;
  const addresses = planAddresses(desired, mine, others, observed);
  const sysctls = planSysctls({ desired, record, others, observed, ...addresses });
  const boot = bootPlan(record, others, observed);
  const files = planFiles(record, mine, sysctls, observed);
  const changes: Change[] = [
    ...sysctls.tighten,
    ...quietCheck(record, addresses.bind, sysctls.tighten),
    ...addresses.bind,
    ...addresses.unbind,
    ...sysctls.loosen,
  ];
  const anything = changes.length > 0 || files.differ || boot.differs;
  return {
    refusals: [
      ...declaredTwice(desired, mine),
      ...refusals(desired, observed, addresses.removed, sysctls),
      ...boot.refusals,
    ],
    changes: anything
      ? [...files.before, ...boot.before, ...changes, ...boot.after, ...files.after]
      : [],
    notes: [
      ...ownNotes(claim, mine),
      ...(desired.kind === "withdraw" ? leftNotes(addresses, observed) : []),
      ...sysctls.notes,
      ...boot.notes,
      ...(desired.kind === "withdraw" && others.length === 0 ? savedNotes(observed) : []),
    ],
    leaving: addresses.removed.map((one) => one.address),
    unclaimed: [...addresses.gone],
    stale: addresses.stale.map((one) => one.prefix),
    guard: sysctls.leakingVips,
    saved: sysctls.saved,
  };
}

function otherOwners(mine: ReadonlyMap<string, OwnerRecord>, observed: Observed): OwnerRecord[] {
  return [...(observed.registry?.owners ?? [])]
    .filter(([id]) => !mine.has(id))
    .map(([, record]) => record);
}

function bootPlan(
  record: OwnerRecord | undefined,
  others: readonly OwnerRecord[],
  { boot }: Observed,
): BootPlan {
  const wishes = { own: record?.persist === true, others: others.some((one) => one.persist) };
  return planBoot(REAL_SERVER_BOOT, wishes, boot);
}

function quietCheck(
  record: OwnerRecord | undefined,
  bind: readonly Change[],
  tighten: readonly Change[],
): Change[] {
  if (record === undefined || record.claims.length === 0) return [];
  if (bind.length === 0 && tighten.length === 0) return [];
  const interfaces = [...new Set(record.claims.map((claim) => claim.interface))];
  return [{ kind: "check-quiet", interfaces: interfaces.includes("all") ? "all" : interfaces }];
}

interface FilePlan {
  readonly before: readonly Change[];
  readonly after: readonly Change[];
  readonly differ: boolean;
}

/** Records are written ahead: there before the first VIP, gone after the last. */
function planFiles(
  record: OwnerRecord | undefined,
  mine: ReadonlyMap<string, OwnerRecord>,
  sysctls: SysctlPlan,
  observed: Observed,
): FilePlan {
  const registry = observed.registry;
  const saved = registry?.saved ?? NOTHING_SAVED;
  const savedAhead = { ...saved, sysctls: sysctls.savedAhead };
  const savedAfter = { ...saved, sysctls: sysctls.saved };
  const id = record && idOf(record.owner);
  const known = id === undefined ? undefined : mine.get(id);
  const stale = [...mine.keys()].filter((one) => one !== id);
  const before: Change[] = [];
  const after: Change[] = [];
  if (record && registry?.machine === undefined)
    before.push({
      kind: "put",
      file: "machine",
      lines: renderMachine({ ...observed.machine, unknown: [] }),
    });
  if (record && id !== undefined)
    before.push({ kind: "put", file: `owners/${id}`, lines: renderOwner(record) });
  const differ =
    (record !== undefined && !sameRecord(record, known)) ||
    stale.length > 0 ||
    !sameSaved(saved, savedAfter);
  if (!sameSaved(saved, savedAhead))
    before.push({ kind: "put", file: "saved", lines: renderSaved(savedAhead) });
  after.push(...stale.map((one): Change => ({ kind: "drop", file: `owners/${one}` })));
  if (!sameSaved(savedAhead, savedAfter)) after.push(savedFile(savedAfter));
  return { before, after, differ };
}

function savedFile(saved: SavedRecord): Change {
  return saved.sysctls.length + saved.unknown.length === 0
    ? { kind: "drop", file: "saved" }
    : { kind: "put", file: "saved", lines: renderSaved(saved) };
}

/** When it was last seen is no difference. */
function sameRecord(record: OwnerRecord, known: OwnerRecord | undefined): boolean {
  return (
    known !== undefined &&
    sameLines(renderOwner({ ...record, seen: "" }), renderOwner({ ...known, seen: "" }))
  );
}

function sameSaved(a: SavedRecord, b: SavedRecord): boolean {
  return sameLines(renderSaved(a), renderSaved(b));
}

function sameLines(a: readonly string[], b: readonly string[]): boolean {
  return a.join("\n") === b.join("\n");
}

/** Two resources of one owner would take the record from each other, and one's VIPs would go. */
function declaredTwice(desired: Desired, mine: ReadonlyMap<string, OwnerRecord>): Refusal[] {
  const { owner, incarnation, beside } = desired.claim;
  const known = mine.get(idOf(owner))?.incarnation;
  if (desired.kind === "withdraw" || known === undefined || known === incarnation) return [];
  if (!beside?.has(known)) return [];
  const what = `another resource of this program has the owner ${JSON.stringify(owner)} on this host: give each a name of its own, or leave the input owner out`;
  return [{ what, remedies: [] }];
}

function ownNotes(claim: Claim, mine: ReadonlyMap<string, OwnerRecord>): string[] {
  const known = mine.get(idOf(claim.owner));
  if (known === undefined || known.incarnation === claim.incarnation) return [];
  if (claim.replaces?.has(known.incarnation)) return [];
  return [`takes over the record that an earlier create of this resource left on the host`];
}

/** What the last owner leaves behind, because only a later version knows how to put it back. */
function savedNotes({ registry }: Observed): string[] {
  const lines = registry?.saved.unknown ?? [];
  if (lines.length === 0) return [];
  return [
    `saved stays in /var/lib/lvs-dr: a newer version of pulumi-lvs-dr wrote ${lines.join(", ")} there`,
  ];
}
