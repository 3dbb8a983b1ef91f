import {
  ARP_KEYS,
  isSilent,
  nameOf,
  satisfies,
  strictest,
  type SavedSysctl,
  type SysctlClaim,
} from "../domain/sysctl";
import type { Observed } from "../observed/observed";
import type { OwnerRecord } from "../observed/registry";
import type { SysctlWrite } from "./change";
import type { Desired } from "./claim";
import { releaseUnclaimed, type SysctlSituation } from "./sysctl-release";
import { effectiveOn, nicsInScope, valueOf, withWrite } from "./sysctl-values";

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

/**
 * Claimed keys are made as strict as the strictest claim, and saved first. A saved key that nobody
 * claims any more goes back, unless somebody else changed it or an address on the host needs it.
 */
export function planSysctls(situation: SysctlSituation): SysctlPlan {
  const { desired, record, others, observed } = situation;
  const owners = [...(record ? [record] : []), ...others];
  const claims = strictest(owners.flatMap((owner) => owner.claims));
  const tighten = record ? claims.flatMap((claim) => write(claim, observed)) : [];
  const savedAhead = saveAhead(knownSaved(desired, observed), tighten);
  const lowered = lowerToClaims(claims, savedAhead, observed);
  const settled = [...tighten, ...lowered].reduce(withWrite, observed);
  const release = releaseUnclaimed(
    situation,
    owners,
    settled,
    claims,
    written(savedAhead, lowered),
  );
  return {
    tighten,
    loosen: [...lowered, ...release.writes],
    savedAhead,
    saved: release.kept,
    leakingVips: leakingVips(owners, observed),
    notes: release.notes,
  };
}

function write(claim: SysctlClaim, observed: Observed): SysctlWrite[] {
  const from = valueOf(claim, observed);
  if (from === undefined || satisfies(claim.key, from, claim.value)) return [];
  const { interface: nic, key, value: to } = claim;
  return [{ kind: "write-sysctl", interface: nic, key, from, to }];
}

// Where the registry was lost while our values are still set, the state knows the original ones.
function knownSaved(desired: Desired, observed: Observed): readonly SavedSysctl[] {
  const saved = observed.registry?.saved.sysctls ?? [];
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
  const first = writes.filter((one) => !known.some((two) => nameOf(two) === nameOf(one)));
  return [
    ...written(known, writes),
    ...first.map(({ interface: nic, key, from, to }) => {
      return { interface: nic, key, value: from, written: to };
    }),
  ];
}

function written(saved: readonly SavedSysctl[], writes: readonly SysctlWrite[]): SavedSysctl[] {
  return saved.map((one) => {
    const again = writes.find((two) => nameOf(two) === nameOf(one));
    return again ? { ...one, written: again.to } : one;
  });
}

// Stricter than anybody claims any more, and still the value that we wrote: down to the claims.
function lowerToClaims(
  claims: readonly SysctlClaim[],
  saved: readonly SavedSysctl[],
  observed: Observed,
): SysctlWrite[] {
  return claims.flatMap((claim) => {
    const from = valueOf(claim, observed);
    const ours = saved.find((one) => nameOf(one) === nameOf(claim));
    if (from === undefined || from !== ours?.written || from <= claim.value) return [];
    const { interface: nic, key, value: to } = claim;
    return [{ kind: "write-sysctl" as const, interface: nic, key, from, to }];
  });
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
