import { isFullLength } from "../observed/ip-addr";
import { isLoopback, type Vip } from "../domain/address";
import type { BoundAddress } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import type { Change } from "./change";
import { goesBy, type Claim, type Desired } from "./claim";
import { routesFrom } from "./routes";
import type { OwnerRecord } from "../observed/registry";

/** The part of a plan that is about addresses. */
export interface AddressPlan {
  readonly bind: readonly Change[];
  readonly unbind: readonly Change[];
  /** What is on `lo` in another way than a VIP should be, and is bound anew as one. */
  readonly rebound: readonly BoundAddress[];
  /** What leaves `lo` for good. */
  readonly removed: readonly BoundAddress[];
  /** Of these, what nobody declared: removed because the claim asks for it. */
  readonly stale: readonly BoundAddress[];
  /** Addresses that nobody claims any more. */
  readonly gone: ReadonlySet<string>;
}

/**
 * VIPs are bound as they should be, and what we bound and nobody claims any more is removed. Beside
 * that an address is removed only where the claim asks for it; see {@link isStale}.
 */
export function planAddresses(
  desired: Desired,
  mine: ReadonlyMap<string, OwnerRecord>,
  others: readonly OwnerRecord[],
  observed: Observed,
): AddressPlan {
  const wanted = desired.kind === "serve" ? desired.claim.vips : [];
  const kept = new Set([...wanted.map((vip) => vip.address), ...others.flatMap((one) => one.vips)]);
  // The record says what we bound; where there is none (host rebuilt, registry lost), the state.
  const known = [...mine.values()].flatMap((record) => record.vips);
  const { vips, dropped = [] } = desired.claim;
  const former = mine.size > 0 ? known : [...vips.map((vip) => vip.address), ...dropped];
  const gone = new Set(former.filter((address) => !kept.has(address)));
  const onLo = observed.addresses.filter((one) => one.interface === "lo" && isFullLength(one));
  const isToGo = ({ address }: BoundAddress) =>
    desired.kind === "serve" && goesBy(desired.claim.staleVips, address);
  const stale = onLo.filter(
    (one) => !gone.has(one.address) && isStale(one, kept, observed) && isToGo(one),
  );
  const removed = onLo.filter((one) => gone.has(one.address) || stale.includes(one));
  return {
    bind: wanted.flatMap((vip) => bind(vip, onLo, observed)),
    unbind: removed.map((one) => asChange("unbind", one)),
    rebound: wanted.flatMap((vip) => {
      const bound = onLoAs(vip, onLo);
      return bound !== undefined && isToRebind(bound, vip, observed) ? [bound] : [];
    }),
    removed,
    stale,
    gone,
  };
}

/**
 * Bound as a VIP is, and claimed by no owner. Loopback is the host's own; what a service in its own IPVS
 * table answers to, it has as a director; and neither end of our own SSH session may go, whatever asks
 * for it.
 */
function isStale(one: BoundAddress, kept: ReadonlySet<string>, observed: Observed): boolean {
  const { session, services } = observed;
  const spared = [session.server, session.client, ...services];
  return !kept.has(one.address) && !isLoopback(one.address) && !spared.includes(one.address);
}

/**
 * VIPs that are on `lo` in another way than they should be and stay so: see {@link staysAsItIs}.
 */
export function adoptedAsIs(claim: Pick<Claim, "vips">, observed: Observed): BoundAddress[] {
  const vips = claim.vips.map((vip) => ({ vip, bound: onLoAs(vip, observed.addresses) }));
  return vips.flatMap(({ vip, bound }) =>
    bound !== undefined &&
    isFullLength(bound) &&
    !isAsWanted(bound, bindingOf(vip)) &&
    staysAsItIs(bound, observed)
      ? [bound]
      : [],
  );
}

function onLoAs(vip: Vip, addresses: readonly BoundAddress[]): BoundAddress | undefined {
  return addresses.find((one) => one.interface === "lo" && one.address === vip.address);
}

/**
 * The kernel drops an IPv4 route when the address that is its source goes, and with busybox's `ip` an
 * IPv4 address cannot change in place: its `del` of the VIP takes whichever entry comes first.
 */
function staysAsItIs(bound: BoundAddress, observed: Observed): boolean {
  return bound.family === 4 && observed.ip === "busybox" && routesFrom(bound, observed).length > 0;
}

// Adds before removals, but for the same prefix with another scope or label.
function bind(vip: Vip, onLo: readonly BoundAddress[], observed: Observed): Change[] {
  const bound = onLoAs(vip, onLo);
  const wanted = bindingOf(vip);
  if (bound === undefined) return [asChange("bind", wanted)];
  if (!isToRebind(bound, vip, observed)) return [];
  const inPlace = bound.family === 6 || observed.ip === "iproute2";
  const { prefix, extras } = bound;
  // In place, an IPv6 address loses each flag that it is not given again.
  const kept = bound.family === 6 && extras !== undefined ? { extras } : {};
  return [asChange("unbind", bound), asChange("bind", { ...wanted, prefix, ...kept })].map(
    (change) => (inPlace ? { ...change, inPlace } : change),
  );
}

function isToRebind(bound: BoundAddress, vip: Vip, observed: Observed): boolean {
  return !isAsWanted(bound, bindingOf(vip)) && !staysAsItIs(bound, observed);
}

type AddressAttributes = Omit<BoundAddress, "interface" | "address" | "prefixLength" | "peer">;
type AddressChange = Extract<Change, { kind: "bind" | "unbind" }>;

/** How a VIP is bound. IPv6 has no labels, and `preferred_lft 0` keeps it from being a source. */
function bindingOf(vip: Vip): AddressAttributes {
  return vip.family === 4
    ? {
        family: 4,
        prefix: `${vip.address}/32`,
        scope: "host",
        label: "lo:dr",
        validLft: "forever",
        preferredLft: "forever",
      }
    : {
        family: 6,
        prefix: `${vip.address}/128`,
        scope: "global",
        label: "",
        validLft: "forever",
        preferredLft: "0",
      };
}

function isAsWanted(bound: AddressAttributes, wanted: AddressAttributes): boolean {
  return (
    bound.label === wanted.label &&
    bound.validLft === wanted.validLft &&
    bound.preferredLft === wanted.preferredLft &&
    // The kernel derives an IPv6 address's scope from the address itself.
    (wanted.family === 6 || bound.scope === wanted.scope)
  );
}

function asChange(kind: "bind" | "unbind", binding: AddressAttributes): AddressChange {
  const { family, prefix, scope, validLft, preferredLft, label, extras } = binding;
  const words = { family, prefix, scope, validLft, preferredLft, label };
  return { kind, ...words, ...(extras !== undefined && { extras }) };
}

/** Withdrawn, and on the host all the same, in a way that we did not bind it. */
export function leftNotes({ gone, removed }: AddressPlan, observed: Observed): string[] {
  return observed.addresses
    .filter((one) => gone.has(one.address) && !removed.includes(one))
    .map((one) => `${one.prefix} stays on ${one.interface}: this package did not bind it so`);
}
