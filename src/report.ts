import type { BoundAddress, Nic, Observed } from "./observed";
import { isFullLength, ownRecords, plan, type Change, type Claim, type Plan } from "./plan";
import { idOf } from "./registry";
import { effectiveOn, nicsInScope, valueOf } from "./sysctl-plan";
import { ARP_KEYS, isSilent, satisfies, type SavedSysctl, type SysctlClaim } from "./sysctl";

/** A VIP as it is on `lo`. */
export interface Binding {
  /** Canonical, without prefix. */
  readonly address: string;
  readonly scope: string;
  /** Empty for IPv6, which has no labels. */
  readonly label: string;
}

/** What a host says of one claim. */
export interface ClaimReport {
  /** The declared VIPs as read back from `lo`. */
  readonly bindings: readonly Binding[];
  /** As the kernel applies them: the session's and the default routes' NICs, and any that leaks. */
  readonly effectiveArp: Readonly<
    Record<string, { readonly ignore: number; readonly announce: number }>
  >;
  /** What is bound on `lo` and declared by nobody; with its prefix where that is wider. */
  readonly foreignVips: readonly string[];
  /** One line a difference from what was asked for. */
  readonly drift: readonly string[];
  /** Declared VIPs that are bound, canonical. */
  readonly observedVips: readonly string[];
  /** The declared values where they hold, else what is in force. */
  readonly observedArp: { readonly ignore: number; readonly announce: number };
  /** Whose record the registry has under this owner. */
  readonly record: "ours" | "older" | "newer" | "missing";
  readonly machineId: string;
  readonly saved: readonly SavedSysctl[];
}

/** Puts a host beside a claim. Pure: drift is the plan that would be needed. */
export function report(claim: Claim, observed: Observed): ClaimReport {
  const needed = plan({ kind: "serve", claim, now: "-" }, observed);
  const declared = new Set(claim.vips.map((vip) => vip.address));
  const onLo = observed.addresses.filter((one) => one.interface === "lo");
  const bound = onLo.filter((one) => isFullLength(one) && declared.has(one.address));
  return {
    bindings: bound.map(({ address, scope, label }) => ({ address, scope, label })),
    effectiveArp: effectiveArp(claim, observed),
    foreignVips: foreignVips(onLo, declared, observed),
    drift: driftLines(claim, observed, needed),
    observedVips: claim.vips
      .map((vip) => vip.address)
      .filter((address) => bound.some((one) => one.address === address)),
    observedArp: observedArp(claim, observed),
    record: recordState(claim, observed),
    machineId: observed.machine.machineId,
    saved: needed.saved,
  };
}

/** `newer`: a later create on this very host has taken over what the claim's state speaks of. */
export function recordState(claim: Claim, observed: Observed): ClaimReport["record"] {
  const mine = [...ownRecords(claim, observed).values()];
  if (mine.some((record) => record.incarnation === claim.incarnation)) return "ours";
  const [other] = mine;
  if (other === undefined) return "missing";
  return other.incarnation > claim.incarnation ? "newer" : "older";
}

function driftLines(claim: Claim, observed: Observed, needed: Plan): string[] {
  const { changes } = needed;
  return [
    ...changes.flatMap((change, at) => addressLine(change, changes[at + 1])),
    ...arpLines(claim, observed, changes),
    ...recordLines(claim, observed, changes),
    ...needed.refusals,
  ];
}

function addressLine(change: Change, next: Change | undefined): string[] {
  if (change.kind === "bind") return [`lo: ${change.prefix} not bound as wanted`];
  if (change.kind !== "unbind") return [];
  if (next?.kind !== "bind" || next.prefix !== change.prefix)
    return [`lo: ${change.prefix} bound, and declared no more`];
  const differences = (["scope", "label", "validLft", "preferredLft"] as const)
    .filter((field) => change[field] !== next[field])
    .map(
      (field) =>
        `${FIELD_NAMES[field]} ${change[field] || "none"}, wanted ${next[field] || "none"}`,
    );
  return [`lo: ${change.prefix} has ${differences.join("; ")}`];
}

const FIELD_NAMES = {
  scope: "scope",
  label: "label",
  validLft: "valid_lft",
  preferredLft: "preferred_lft",
} as const;

/** A NIC a line, as the kernel applies it; a key that no NIC shows yet is named by itself. */
function arpLines(claim: Claim, observed: Observed, changes: readonly Change[]): string[] {
  const writes = changes.flatMap((one) => (one.kind === "write-sysctl" ? [one] : []));
  const claims = claimsOf(claim);
  const lines = nicsInScope(claims, observed).flatMap((nic) =>
    claims
      .filter((one) => one.interface === "all" || one.interface === nic.name)
      .filter((one) => !satisfies(one.key, effectiveOn(nic, observed)[one.key], one.value))
      .map(
        (one) =>
          `${nic.name}: ${one.key} ${effectiveOn(nic, observed)[one.key]}, wanted ${one.value}`,
      ),
  );
  const shown = (key: string) => lines.some((line) => line.includes(`: ${key} `));
  const rest = writes
    .filter((one) => !shown(one.key))
    .map((one) => `${one.interface}: ${one.key} ${one.from}, wanted ${one.to}`);
  return [...lines, ...rest];
}

function recordLines(claim: Claim, observed: Observed, changes: readonly Change[]): string[] {
  const file = `owners/${idOf(claim.owner)}`;
  const others = changes.some((one) => one.kind !== "put" && one.kind !== "drop");
  switch (recordState(claim, observed)) {
    case "missing":
      return ["registry: no record of this resource on the host"];
    case "older":
      return ["registry: the record on the host is of an earlier create"];
    case "newer":
      return ["registry: the record on the host is of a later create"];
    case "ours":
      return !others && changes.some((one) => one.kind === "put" && one.file === file)
        ? ["registry: the record on the host differs"]
        : [];
  }
}

function claimsOf(claim: Claim): SysctlClaim[] {
  if (!claim.vips.some((vip) => vip.family === 4)) return [];
  const { arp } = claim;
  const values = { arp_ignore: arp.ignore, arp_announce: arp.announce };
  return (arp.interfaces === "all" ? ["all"] : arp.interfaces).flatMap((nic) =>
    ARP_KEYS.map((key) => ({ interface: nic, key, value: values[key] })),
  );
}

function observedArp(claim: Claim, observed: Observed): ClaimReport["observedArp"] {
  const inForce = (key: "arp_ignore" | "arp_announce", declared: number): number => {
    const claims = claimsOf(claim).filter((one) => one.key === key);
    const values = claims.flatMap((one) => valueOf(one, observed) ?? []);
    return values.find((value) => !satisfies(key, value, declared)) ?? declared;
  };
  return {
    ignore: inForce("arp_ignore", claim.arp.ignore),
    announce: inForce("arp_announce", claim.arp.announce),
  };
}

// A container host has hundreds of NICs; what people look at are these.
function effectiveArp(claim: Claim, observed: Observed): ClaimReport["effectiveArp"] {
  const names = new Set([
    ...(observed.sessionRoute ? [observed.sessionRoute.nic] : []),
    ...observed.defaultNics,
  ]);
  const inScope = nicsInScope(claimsOf(claim), observed);
  const shown = observed.nics.filter(
    (nic) =>
      nic.hearsArp && (names.has(nic.name) || (inScope.includes(nic) && leaks(nic, observed))),
  );
  return Object.fromEntries(
    shown.map((nic) => {
      const { arp_ignore: ignore, arp_announce: announce } = effectiveOn(nic, observed);
      return [nic.name, { ignore, announce }];
    }),
  );
}

function leaks(nic: Nic, observed: Observed): boolean {
  return ARP_KEYS.some((key) => !isSilent(key, effectiveOn(nic, observed)[key]));
}

function foreignVips(
  onLo: readonly BoundAddress[],
  declared: ReadonlySet<string>,
  observed: Observed,
): string[] {
  const claimed = new Set(
    [...(observed.registry?.owners.values() ?? [])].flatMap((record) => record.vips),
  );
  return onLo
    .filter((one) => !one.address.startsWith("127.") && one.address !== "::1")
    .filter(
      (one) => !isFullLength(one) || (!declared.has(one.address) && !claimed.has(one.address)),
    )
    .map((one) => (isFullLength(one) ? one.address : one.prefix));
}
