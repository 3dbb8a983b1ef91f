import type { Arp } from "../domain/arp";
import type { Family, Vip } from "../domain/address";
import { leftNotes, planAddresses } from "./addresses";
import { planBoot } from "./boot";
import type { Observed } from "../observed/observed";
import { refusals } from "./refusals";
import {
  idOf,
  renderMachine,
  renderOwner,
  renderSaved,
  type OwnerRecord,
} from "../observed/registry";
import { planSysctls, type SysctlPlan } from "./sysctls";
import {
  ARP_KEYS,
  nameOf,
  type ArpKey,
  type SavedSysctl,
  type SysctlClaim,
} from "../domain/sysctl";

export { isFullLength } from "./addresses";

/** What one declared resource wants of a host, and what its state remembers. */
export interface Claim {
  /** The name of this declaration in the host's registry. */
  readonly owner: string;
  /** Drawn by the create that made the resource; sorts by time. */
  readonly incarnation: string;
  readonly vips: readonly Vip[];
  readonly arp: Arp;
  /** Sysctl values saved in the state: the fallback where the registry was lost. */
  readonly saved: readonly SavedSysctl[];
  /** Whether the VIPs are bound again at boot. Default: false; that of the input is true. */
  readonly persist?: boolean;
  /** What becomes of addresses on `lo` that no owner claims. Default: "report", which is nothing. */
  readonly staleVips?: "report" | "withdraw";
}

/** What the host is to be like: with this claim, or without it. */
export type Desired =
  | { readonly kind: "serve"; readonly claim: Claim; readonly now: string }
  | {
      readonly kind: "withdraw";
      readonly claim: Claim;
      readonly now: string;
      readonly sysctls: "restore" | "leave";
    };

/** One delta. `put` and `drop` are files of the registry, or of the boot (`boot/...`), by name. */
export type Change =
  | { readonly kind: "put"; readonly file: string; readonly lines: readonly string[] }
  | { readonly kind: "drop"; readonly file: string }
  | {
      readonly kind: "write-sysctl";
      readonly interface: string;
      readonly key: ArpKey;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "check-quiet"; readonly interfaces: "all" | readonly string[] }
  | {
      readonly kind: "bind" | "unbind";
      readonly family: Family;
      readonly prefix: string;
      readonly scope: string;
      readonly validLft: string;
      readonly preferredLft: string;
      readonly label: string;
    };

/** The ordered way from observed to desired. */
export interface Plan {
  /** Why it must not be done. Where there is one, nothing may be touched. */
  readonly refusals: readonly string[];
  /** Empty when the host is as desired. */
  readonly changes: readonly Change[];
  /** What people should know of the outcome: takeovers, values that stay. */
  readonly notes: readonly string[];
  /** The addresses that leave `lo` for good, canonical: what a drain waits for. */
  readonly leaving: readonly string[];
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
  const record = desired.kind === "serve" ? recordOf(claim, desired.now) : undefined;
  const addresses = planAddresses(desired, mine, others, observed);
  const sysctls = planSysctls({ desired, record, others, observed, removed: addresses.removed });
  const boot = planBoot(record, others, observed);
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
    refusals: [...refusals(desired, observed, addresses.removed, sysctls), ...boot.refusals],
    changes: anything
      ? [...files.before, ...boot.before, ...changes, ...boot.after, ...files.after]
      : [],
    notes: [
      ...ownNotes(claim, mine),
      ...(desired.kind === "withdraw" ? leftNotes(addresses, observed) : []),
      ...sysctls.notes,
    ],
    leaving: addresses.removed.map((one) => one.address),
    stale: addresses.stale.map((one) => one.prefix),
    guard: sysctls.leakingVips,
    saved: sysctls.saved,
  };
}

/** The record that a served claim has in the registry. An IPv6 VIP needs no ARP key. */
export function recordOf(claim: Claim, now: string): OwnerRecord {
  const ipv4 = claim.vips.some((vip) => vip.family === 4);
  return {
    owner: claim.owner,
    incarnation: claim.incarnation,
    seen: now,
    vips: claim.vips.map((vip) => vip.address),
    claims: ipv4 ? claimsOf(claim.arp) : [],
    except: ipv4 ? claim.arp.except : [],
    persist: claim.persist ?? false,
  };
}

/** The claim's own record: under its owner's name, or under a former name with its incarnation. */
export function ownRecords(claim: Claim, observed: Observed): Map<string, OwnerRecord> {
  const mine = new Map<string, OwnerRecord>();
  for (const [id, record] of observed.registry?.owners ?? []) {
    if (id === idOf(claim.owner) || record.incarnation === claim.incarnation) mine.set(id, record);
  }
  return mine;
}

/**
 * A claim as the registry has it, where it does. A withdrawal is planned and verified with this: once
 * the record is gone, the state must not speak for what the registry had decided.
 */
export function asRecorded(claim: Claim, observed: Observed): Claim {
  const mine = [...ownRecords(claim, observed).values()];
  const known = new Set(observed.registry?.saved.map(nameOf));
  if (mine.length === 0)
    return { ...claim, saved: claim.saved.filter((one) => !known.has(nameOf(one))) };
  return { ...claim, vips: mine.flatMap((record) => record.vips.map(vipOf)), saved: [] };
}

function otherOwners(mine: ReadonlyMap<string, OwnerRecord>, observed: Observed): OwnerRecord[] {
  return [...(observed.registry?.owners ?? [])]
    .filter(([id]) => !mine.has(id))
    .map(([, record]) => record);
}

function claimsOf(arp: Arp): SysctlClaim[] {
  const interfaces = arp.interfaces === "all" ? ["all"] : arp.interfaces;
  const values = { arp_ignore: arp.ignore, arp_announce: arp.announce };
  return interfaces.flatMap((nic) =>
    ARP_KEYS.map((key) => ({ interface: nic, key, value: values[key] })),
  );
}

function vipOf(address: string): Vip {
  return { family: address.includes(":") ? 6 : 4, address };
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
  const id = record && idOf(record.owner);
  const known = id === undefined ? undefined : mine.get(id);
  const stale = [...mine.keys()].filter((one) => one !== id);
  const before: Change[] = [];
  const after: Change[] = [];
  if (record && registry?.machine === undefined)
    before.push({ kind: "put", file: "machine", lines: renderMachine(observed.machine) });
  if (record && id !== undefined)
    before.push({ kind: "put", file: `owners/${id}`, lines: renderOwner(record) });
  const differ =
    (record !== undefined && !sameRecord(record, known)) ||
    stale.length > 0 ||
    !sameSaved(registry?.saved ?? [], sysctls.saved);
  if (!sameSaved(registry?.saved ?? [], sysctls.savedAhead))
    before.push({ kind: "put", file: "saved", lines: renderSaved(sysctls.savedAhead) });
  after.push(...stale.map((one): Change => ({ kind: "drop", file: `owners/${one}` })));
  if (!sameSaved(sysctls.savedAhead, sysctls.saved)) after.push(savedFile(sysctls.saved));
  return { before, after, differ };
}

function savedFile(saved: readonly SavedSysctl[]): Change {
  return saved.length === 0
    ? { kind: "drop", file: "saved" }
    : { kind: "put", file: "saved", lines: renderSaved(saved) };
}

/** When it was last seen is no difference. */
function sameRecord(record: OwnerRecord, known: OwnerRecord | undefined): boolean {
  return (
    known !== undefined &&
    JSON.stringify({ ...record, seen: "" }) === JSON.stringify({ ...known, seen: "" })
  );
}

function sameSaved(a: readonly SavedSysctl[], b: readonly SavedSysctl[]): boolean {
  return renderSaved(a).join("\n") === renderSaved(b).join("\n");
}

function ownNotes(claim: Claim, mine: ReadonlyMap<string, OwnerRecord>): string[] {
  const known = mine.get(idOf(claim.owner));
  if (known === undefined || known.incarnation === claim.incarnation) return [];
  return [`takes over the record that an earlier create of this resource left on the host`];
}
