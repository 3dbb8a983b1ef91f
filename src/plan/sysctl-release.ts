import { isLoopback } from "../domain/address";
import { isExcepted } from "../domain/arp";
import { isSilent, nameOf, type SavedSysctl, type SysctlClaim } from "../domain/sysctl";
import type { BoundAddress } from "../observed/ip-addr";
import { interfacesOffWire, type Observed } from "../observed/observed";
import type { OwnerRecord } from "../observed/registry";
import type { SysctlWrite } from "./change";
import type { Desired } from "./claim";
import { localRoutes, routesFrom } from "./routes";
import { effectiveOn, valueOf, withWrite } from "./sysctl-values";

/** What the part of a plan that is about sysctls is worked out from. */
export interface SysctlSituation {
  readonly desired: Desired;
  /** Our record as it will be; undefined when withdrawing. */
  readonly record: OwnerRecord | undefined;
  readonly others: readonly OwnerRecord[];
  readonly observed: Observed;
  readonly removed: readonly BoundAddress[];
  /** What is bound as a VIP is before any sysctl goes back. */
  readonly rebound: readonly BoundAddress[];
}

/** What becomes of the sysctls that are saved. */
export interface SysctlRelease {
  /** Those that go back. */
  readonly writes: SysctlWrite[];
  /** Those that stay saved, because they stay as we wrote them. */
  readonly kept: SavedSysctl[];
  /** Why one stays, a sentence each. */
  readonly notes: string[];
}

/** Each goes back on the host as those before it left it: two that are harmless alone may not be. */
export function releaseUnclaimed(
  situation: SysctlSituation,
  owners: readonly OwnerRecord[],
  tightened: Observed,
  claims: readonly SysctlClaim[],
  saved: readonly SavedSysctl[],
): SysctlRelease {
  const release: SysctlRelease = { writes: [], kept: [], notes: [] };
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
  { desired, observed, removed, rebound }: SysctlSituation,
  owners: readonly OwnerRecord[],
  host: Observed,
): Fate {
  const { interface: nic, key, value: to, written } = saved;
  const from = valueOf(saved, observed);
  if (desired.kind === "withdraw" && desired.sysctls === "leave")
    return { kind: "forgotten", note: `${from ?? "as it is"}, as was asked for` };
  if (from === undefined || from === to) return { kind: "forgotten" };
  if (from !== written)
    return { kind: "forgotten", note: `${from}: somebody else changed it from ${written}` };
  const write: SysctlWrite = { kind: "write-sysctl", interface: nic, key, from, to };
  const needing = [
    ...owners.flatMap((owner) => vipsMadeLoud(owner, write, host)),
    ...(isSilent(key, to) ? [] : unclaimedAddresses(owners, removed, observed)),
    ...(key === "arp_ignore" && to === 3
      ? adoptedAddresses([...removed, ...rebound], observed)
      : []),
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
function adoptedAddresses(changing: readonly BoundAddress[], observed: Observed): string[] {
  return observed.addresses
    .filter((one) => one.interface === "lo" && one.family === 4 && one.scope !== "host")
    .filter((one) => !changing.includes(one) && routesFrom(one, observed).length > 0)
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
  const offWire = interfacesOffWire(observed);
  const claimed = new Set(owners.flatMap((owner) => owner.vips));
  const addresses = observed.addresses
    .filter((one) => one.family === 4 && !isLoopback(one.address))
    .filter((one) => offWire.has(one.interface))
    .filter((one) => !removed.includes(one))
    .filter((one) => one.interface !== "lo" || !claimed.has(one.address));
  return [
    ...addresses.map((one) => `${one.prefix} on ${one.interface}`),
    ...localRoutes(observed, claimed).map((route) => `the route "${route.text}"`),
  ];
}
