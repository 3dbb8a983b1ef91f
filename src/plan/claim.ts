import type { Arp } from "../domain/arp";
import type { Vip } from "../domain/address";
import type { Observed } from "../observed/observed";
import { idOf, recordsOf, type OwnerHead, type OwnerRecord } from "../observed/registry";
import { ARP_KEYS, nameOf, type SavedSysctl, type SysctlClaim } from "../domain/sysctl";

/** What one declared resource wants of a host, and what its state remembers. */
export interface Claim {
  /** The name of this declaration in the host's registry. */
  readonly owner: string;
  /** Drawn by the create that made the resource; sorts by time. */
  readonly incarnation: string;
  readonly vips: readonly Vip[];
  /** RIPs, canonical: addresses that the host should have on its NICs. Default: none. */
  readonly rips?: readonly string[] | undefined;
  /**
   * VIPs that it had until now, canonical: withdrawn where no record says what was bound, and what keeps one
   * of them on the host is worth a warning. Default: none.
   */
  readonly dropped?: readonly string[];
  readonly arp: Arp;
  /** Sysctl values saved in the state: the fallback where the registry was lost. */
  readonly saved: readonly SavedSysctl[];
  /** Whether the VIPs are bound again at boot. Default: false; that of the input is true. */
  readonly persist?: boolean;
  /** Incarnations that this one is to take the place of: their record needs no explanation. */
  readonly replaces?: ReadonlySet<string>;
  /** Incarnations that live beside this one, it among them: their record must not be taken over. */
  readonly beside?: ReadonlySet<string>;
  /** What becomes of addresses on `lo` that no owner claims. Default: "report", which is nothing. */
  readonly staleVips?: StalePolicy;
  /** Directors that may still send requests for VIPs, because they could not be told otherwise. Default: none. */
  readonly maySend?: readonly MaySend[];
}

/** A director that may still send requests for a VIP, to hosts that are to leave. */
export interface MaySend {
  /** As the program names it. */
  readonly director: string;
  /** The service, for people: `203.0.113.10:80`. */
  readonly service: string;
  /** Canonical. Undefined where a firewall mark decides: it may be any. */
  readonly vip: string | undefined;
  /** RIPs, canonical. */
  readonly destinations: readonly string[];
}

/** What becomes of addresses on `lo` that no owner claims: those in `except` stay. */
export type StalePolicy =
  "report" | "withdraw" | { readonly withdraw: boolean; readonly except: readonly Vip[] };

/** Whether an address that no owner claims is to leave `lo`. */
export function goesBy(policy: StalePolicy = "report", address: string): boolean {
  if (typeof policy === "string") return policy === "withdraw";
  return policy.withdraw && !policy.except.some((vip) => vip.address === address);
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

/**
 * The record that a served claim has in the registry. An IPv6 VIP needs no ARP key.
 *
 * @param now When the operation began, ISO 8601 in UTC.
 * @param mine The claim's records on the host, which this one replaces. Their lines of a later version
 *   stay, whatever becomes of the owner's name and incarnation: like the VIPs in them, they may say what
 *   is on the host, and nobody would take it away who does not know of it.
 */
export function recordOf(
  claim: Claim,
  now: string,
  mine: ReadonlyMap<string, OwnerRecord> = new Map(),
): OwnerRecord {
  const ipv4 = claim.vips.some((vip) => vip.family === 4);
  return {
    owner: claim.owner,
    incarnation: claim.incarnation,
    seen: now,
    vips: claim.vips.map((vip) => vip.address),
    claims: ipv4 ? claimsOf(claim.arp) : [],
    except: ipv4 ? claim.arp.except : [],
    persist: claim.persist ?? false,
    unknown: unknownLines(claim, mine),
  };
}

// Two records where an earlier create left one under the owner's name, and the owner had another name.
function unknownLines(claim: Claim, mine: ReadonlyMap<string, OwnerRecord>): string[] {
  const named = mine.get(idOf(claim.owner));
  const former = [...mine.values()].filter((record) => record !== named);
  return [...(named ? [named] : []), ...former].reduce<string[]>(
    (lines, { unknown }) => [...lines, ...unknown.filter((line) => !lines.includes(line))],
    [],
  );
}

/** The claim's own record: under its owner's name, or under a former name with its incarnation. */
export function ownRecords(claim: Claim, observed: Observed): Map<string, OwnerRecord> {
  return recordsOf(claim, observed.registry);
}

/** What a claim's own records are beside it. `newer`: a later create on this very host has taken over. */
export type RecordState = "ours" | "older" | "newer" | "missing";

/** Puts a claim's own records beside it. */
export function stateOf(
  { incarnation }: Pick<OwnerHead, "incarnation">,
  records: ReadonlyMap<string, OwnerHead>,
): RecordState {
  const mine = [...records.values()];
  if (mine.some((record) => record.incarnation === incarnation)) return "ours";
  const [other] = mine;
  if (other === undefined) return "missing";
  return other.incarnation > incarnation ? "newer" : "older";
}

/**
 * A claim as the registry has it, where it does. A withdrawal is planned and verified with this: once
 * the record is gone, the state must not speak for what the registry had decided.
 */
export function asRecorded(claim: Claim, observed: Observed): Claim {
  const mine = [...ownRecords(claim, observed).values()];
  const known = new Set(observed.registry?.saved.sysctls.map(nameOf));
  if (mine.length === 0)
    return { ...claim, saved: claim.saved.filter((one) => !known.has(nameOf(one))) };
  return { ...claim, vips: mine.flatMap((record) => record.vips.map(vipOf)), saved: [] };
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
