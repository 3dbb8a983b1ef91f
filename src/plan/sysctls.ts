import { isLoopback } from "../domain/address";
import { isExcepted } from "../domain/arp";
import { routesFrom } from "./routes";
import type { BoundAddress } from "../observed/ip-addr";
import type { Nic, Observed } from "../observed/observed";
import type { SysctlWrite } from "./change";
import type { Desired } from "./claim";
import { localRoutes } from "./routes";
import type { OwnerRecord } from "../observed/registry";
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
} from "../domain/sysctl";

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

/** A key's value on the host now; undefined for a NIC that is not there. */
export function valueOf(key: { interface: string; key: ArpKey }, observed: Observed) {
  return valuesOf(key.interface, observed)?.[key.key];
}

/** The values that the kernel applies on a NIC. */
export function effectiveOn(nic: Nic, observed: Observed): ArpValues {
  return effective(observed.all, nic.own);
}

/** The host as it is after a write. */
export function withWrite(observed: Observed, write: SysctlWrite): Observed {
  const written = (name: string, own: ArpValues) =>
    name === write.interface ? { ...own, [write.key]: write.to } : own;
  return {
    ...observed,
    all: written("all", observed.all),
    nics: observed.nics.map((nic) => ({ ...nic, own: written(nic.name, nic.own) })),
  };
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

interface Release {
  readonly writes: SysctlWrite[];
  readonly kept: SavedSysctl[];
  readonly notes: string[];
}

/** Each goes back on the host as those before it left it: two that are harmless alone may not be. */
function releaseUnclaimed(
  situation: Situation,
  owners: readonly OwnerRecord[],
  tightened: Observed,
  claims: readonly SysctlClaim[],
  saved: readonly SavedSysctl[],
): Release {
  const release: Release = { writes: [], kept: [], notes: [] };
  let host = tightened;
  for (const one of saved) {
    if (claims.some((claim) => nameOf(claim) === nameOf(one))) {
      release.kept.push(one);
      continue;
    }
    const fate = fateOf(one, situation, owners, host);
    if (fate.note !== undefined) release.notes.push(`${nameOf(one)} stays ${fate.note}`);
    if (fate.kind === "kept") release.kept.push(one);
    if (fate.kind !== "restored") continue;
    release.writes.push(fate.write);
    host = withWrite(host, fate.write);
  }
  return release;
}

type Fate =
  | { readonly kind: "forgotten" | "kept"; readonly note?: string }
  | { readonly kind: "restored"; readonly write: SysctlWrite; readonly note?: undefined };

/** What becomes of a saved key that nobody claims any more. */
function fateOf(
  saved: SavedSysctl,
  { desired, observed, removed }: Situation,
  owners: readonly OwnerRecord[],
  host: Observed,
): Fate {
  const { interface: nic, key, value: to, written } = saved;
  const from = valueOf(saved, observed);
  if (desired.kind === "withdraw" && desired.sysctls === "leave")
    return { kind: "forgotten", note: `${from ?? "as it is"}, as sysctlsOnDestroy says` };
  if (from === undefined || from === to) return { kind: "forgotten" };
  if (from !== written)
    return { kind: "forgotten", note: `${from}: somebody else changed it from ${written}` };
  const write: SysctlWrite = { kind: "write-sysctl", interface: nic, key, from, to };
  const needing = [
    ...owners.flatMap((owner) => vipsMadeLoud(owner, write, host)),
    ...(isSilent(key, to) ? [] : unclaimedAddresses(owners, removed, observed)),
    ...(key === "arp_ignore" && to === 3 ? adoptedAddresses(removed, observed) : []),
  ];
  if (needing.length === 0) return { kind: "restored", write };
  const names = [...new Set(needing)].join(", ");
  return { kind: "kept", note: `${from} (it was ${to}): ${names} would leak without it` };
}

/**
 * An owner's claims keep its VIPs silent; but a list of NICs relies on every other one being silent
 * by itself (but for those left out on purpose), and a claim may not be in force now.
 */
function vipsMadeLoud(owner: OwnerRecord, write: SysctlWrite, host: Observed): string[] {
  const claimed = new Set(owner.claims.map((claim) => claim.interface));
  const after = withWrite(host, write);
  const madeLoud = host.nics.some(
    (nic, at) =>
      nic.hearsArp &&
      (claimed.has("all") || claimed.has(nic.name) || !isExcepted(nic.name, owner.except)) &&
      isSilent(write.key, effectiveOn(nic, host)[write.key]) &&
      !isSilent(write.key, effectiveOn(after.nics[at] ?? nic, after)[write.key]),
  );
  if (!madeLoud) return [];
  return owner.vips.filter((vip) => !vip.includes(":")).map((vip) => `${vip}/32 on lo`);
}

/** Kept on `lo` with another scope than host, because a route hangs on them: 3 does not silence those. */
function adoptedAddresses(removed: readonly BoundAddress[], observed: Observed): string[] {
  return observed.addresses
    .filter((one) => one.interface === "lo" && one.family === 4 && one.scope !== "host")
    .filter((one) => !removed.includes(one) && routesFrom(one, observed).length > 0)
    .map((one) => `${one.prefix} on lo`);
}

/**
 * IPv4 addresses of nobody's claim that would leak with a laxer key: any but 127/8 that stays on
 * `lo` or on a device off the wire (dummy, kube-ipvs0, a bridge without ports); and local routes.
 */
function unclaimedAddresses(
  owners: readonly OwnerRecord[],
  removed: readonly BoundAddress[],
  observed: Observed,
): string[] {
  const offWire = new Set(observed.nics.filter((nic) => nic.offWire).map((nic) => nic.name));
  const claimed = new Set(owners.flatMap((owner) => owner.vips));
  const addresses = observed.addresses
    .filter((one) => one.family === 4 && !isLoopback(one.address))
    .filter((one) => one.interface === "lo" || offWire.has(one.interface))
    .filter((one) => !removed.includes(one))
    .filter((one) => one.interface !== "lo" || !claimed.has(one.address));
  return [
    ...addresses.map((one) => `${one.prefix} on ${one.interface}`),
    ...localRoutes(observed, claimed).map((route) => `the route "${route.text}"`),
  ];
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
