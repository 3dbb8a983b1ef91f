import type { BoundAddress, Nic, Observed } from "./observed";
import type { Change, Desired } from "./plan";
import type { OwnerRecord } from "./registry";
import {
  ARP_KEYS,
  effective,
  isSilent,
  nameOf,
  satisfies,
  strictest,
  type ArpKey,
  type ArpValues,
  type SavedSysctl,
  type SysctlClaim,
} from "./sysctl";

/** The part of a plan that is about sysctls. */
export interface SysctlPlan {
  readonly tighten: readonly SysctlWrite[];
  readonly loosen: readonly SysctlWrite[];
  /** `saved` as it must be before the first write, and as it is in the end. */
  readonly savedAhead: readonly SavedSysctl[];
  readonly saved: readonly SavedSysctl[];
  /** Claimed IPv4 VIPs that are bound and not silent now. */
  readonly leakingVips: readonly string[];
  readonly notes: readonly string[];
}

/** One write under /proc/sys/net/ipv4/conf. */
export type SysctlWrite = Extract<Change, { kind: "write-sysctl" }>;

interface Situation {
  readonly desired: Desired;
  /** Our record as it will be; undefined when withdrawing. */
  readonly record: OwnerRecord | undefined;
  readonly others: readonly OwnerRecord[];
  readonly observed: Observed;
  readonly removed: readonly BoundAddress[];
}

/**
 * Claimed keys are made as strict as the strictest claim, and saved first. A saved key that nobody
 * claims any more goes back, unless somebody else changed it or an address on the host needs it.
 */
export function planSysctls(situation: Situation): SysctlPlan {
  const { desired, record, others, observed } = situation;
  const owners = [...(record ? [record] : []), ...others];
  const claims = strictest(owners.flatMap((owner) => owner.claims));
  const tighten = record ? claims.flatMap((claim) => write(claim, observed)) : [];
  const savedAhead = saveAhead(knownSaved(desired, observed), tighten);
  const release = releaseUnclaimed(situation, owners, claims, savedAhead);
  return {
    tighten,
    loosen: [...lowerToClaims(situation, claims, savedAhead), ...release.writes],
    savedAhead,
    saved: release.kept,
    leakingVips: leakingVips(owners, observed),
    notes: release.notes,
  };
}

/** A key's value on the host now; undefined for a NIC that is not there. */
export function valueOf(key: { interface: string; key: ArpKey }, observed: Observed) {
  return valuesOf(key.interface, observed)?.[key.key];
}

/** The values that the kernel applies on a NIC. */
export function effectiveOn(nic: Nic, observed: Observed): ArpValues {
  return effective(observed.all, nic.own);
}

/** The NICs that a set of claims speaks of: every ARP-capable one for `all`. */
export function nicsInScope(claims: readonly SysctlClaim[], observed: Observed): Nic[] {
  const named = new Set(claims.map((claim) => claim.interface));
  return observed.nics.filter((nic) => nic.hearsArp && (named.has("all") || named.has(nic.name)));
}

function valuesOf(name: string, observed: Observed): ArpValues | undefined {
  return name === "all" ? observed.all : observed.nics.find((nic) => nic.name === name)?.own;
}

function write(claim: SysctlClaim, observed: Observed): SysctlWrite[] {
  const from = valueOf(claim, observed);
  if (from === undefined || satisfies(claim.key, from, claim.value)) return [];
  const { interface: nic, key, value: to } = claim;
  return [{ kind: "write-sysctl", interface: nic, key, from, to }];
}

// Where the registry was lost while our values are still set, the state knows the original ones.
function knownSaved(desired: Desired, observed: Observed): readonly SavedSysctl[] {
  const saved = observed.registry?.saved ?? [];
  const lost = desired.claim.saved.filter(
    (one) =>
      !saved.some((other) => nameOf(other) === nameOf(one)) &&
      valueOf(one, observed) === one.written &&
      !hasRecord(desired, observed),
  );
  return [...saved, ...lost];
}

function hasRecord(desired: Desired, observed: Observed): boolean {
  return [...(observed.registry?.owners.values() ?? [])].some(
    (record) => record.incarnation === desired.claim.incarnation,
  );
}

function saveAhead(known: readonly SavedSysctl[], writes: readonly SysctlWrite[]): SavedSysctl[] {
  const updated = known.map((one) => {
    const again = writes.find((two) => nameOf(two) === nameOf(one));
    return again ? { ...one, written: again.to } : one;
  });
  const first = writes.filter((one) => !known.some((two) => nameOf(two) === nameOf(one)));
  return [
    ...updated,
    ...first.map((one) => ({
      interface: one.interface,
      key: one.key,
      value: one.from,
      written: one.to,
    })),
  ];
}

// Stricter than anybody claims any more, and still the value that we wrote: down to the claims.
function lowerToClaims(
  { observed }: Situation,
  claims: readonly SysctlClaim[],
  saved: readonly SavedSysctl[],
): SysctlWrite[] {
  return claims.flatMap((claim) => {
    const from = valueOf(claim, observed);
    const ours = saved.find((one) => nameOf(one) === nameOf(claim));
    if (from === undefined || from !== ours?.written || from <= claim.value) return [];
    const { interface: nic, key, value: to } = claim;
    return [{ kind: "write-sysctl" as const, interface: nic, key, from, to }];
  });
}

interface Release {
  readonly writes: SysctlWrite[];
  readonly kept: SavedSysctl[];
  readonly notes: string[];
}

function releaseUnclaimed(
  situation: Situation,
  owners: readonly OwnerRecord[],
  claims: readonly SysctlClaim[],
  saved: readonly SavedSysctl[],
): Release {
  const { desired, observed } = situation;
  const needing = addressesNeedingSilence(situation, owners);
  const lowered = lowerToClaims(situation, claims, saved);
  const release: Release = { writes: [], kept: [], notes: [] };
  for (const one of saved) {
    const { interface: nic, key, value: to } = one;
    const from = valueOf(one, observed);
    if (claims.some((claim) => nameOf(claim) === nameOf(one))) {
      const low = lowered.find((two) => nameOf(two) === nameOf(one));
      release.kept.push(low ? { ...one, written: low.to } : one);
    } else if (desired.kind === "withdraw" && desired.sysctls === "leave") {
      release.notes.push(`${nameOf(one)} stays ${from ?? "as it is"}, as sysctlsOnDestroy says`);
    } else if (from === undefined || from === to) {
      continue;
    } else if (from !== one.written) {
      release.notes.push(
        `${nameOf(one)} stays ${from}: somebody else changed it from ${one.written}`,
      );
    } else if (needing.length > 0 && !isSilent(key, to)) {
      release.kept.push(one);
      release.notes.push(
        `${nameOf(one)} stays ${from} (it was ${to}): ${needing.join(", ")} would leak without it`,
      );
    } else {
      release.writes.push({ kind: "write-sysctl", interface: nic, key, from, to });
    }
  }
  return release;
}

/**
 * IPv4 addresses that would leak with a laxer key: any other than 127/8 that stays on `lo` or on a
 * device off the wire (dummy, kube-ipvs0, a bridge without ports). An owner's VIPs are excepted:
 * their own claims keep them silent.
 */
function addressesNeedingSilence(
  { observed, removed }: Situation,
  owners: readonly OwnerRecord[],
): string[] {
  const offWire = new Set(observed.nics.filter((nic) => nic.offWire).map((nic) => nic.name));
  const claimed = new Set(owners.flatMap((owner) => owner.vips));
  return observed.addresses
    .filter((one) => one.family === 4 && !one.address.startsWith("127."))
    .filter((one) => one.interface === "lo" || offWire.has(one.interface))
    .filter((one) => !removed.includes(one))
    .filter((one) => one.interface !== "lo" || !claimed.has(one.address))
    .map((one) => `${one.prefix} on ${one.interface}`);
}

function leakingVips(owners: readonly OwnerRecord[], observed: Observed): string[] {
  const bound = new Set(
    observed.addresses.filter((one) => one.interface === "lo").map((one) => one.address),
  );
  return owners.flatMap((owner) => {
    const leaks = nicsInScope(owner.claims, observed).some((nic) =>
      ARP_KEYS.some((key) => !isSilent(key, effectiveOn(nic, observed)[key])),
    );
    return leaks ? owner.vips.filter((vip) => !vip.includes(":") && bound.has(vip)) : [];
  });
}
