import { isLoopback } from "../domain/address";
import { kitDrift } from "./boot";
import { REAL_SERVER_BOOT } from "./real-server-boot";
import { type BoundAddress, isFullLength } from "../observed/ip-addr";
import type { Nic, Observed } from "../observed/observed";
import { ownRecords, recordOf, stateOf, type Claim, type RecordState } from "./claim";
import { plan, type Plan } from "./plan";
import type { Change } from "./change";
import { idOf } from "../observed/registry";
import { effectiveOn, nicsInScope, valueOf } from "./sysctl-values";
import { ARP_KEYS, isSilent, satisfies, type ArpKey, type SavedSysctl } from "../domain/sysctl";

/** A VIP as it is on `lo`. */
export interface BoundVip {
  /** Canonical, without prefix. */
  readonly address: string;
  readonly scope: string;
  /** Empty for IPv6, which has no labels. */
  readonly label: string;
}

/** What a host says of one claim. */
export interface ClaimReport {
  /** The declared VIPs as read back from `lo`. */
  readonly bindings: readonly BoundVip[];
  /** As the kernel applies them: the session's and the default routes' NICs, and any that leaks. */
  readonly effectiveArp: Readonly<
    Record<string, { readonly ignore: number; readonly announce: number }>
  >;
  /** What is bound on `lo` and declared by nobody; with its prefix where that is wider. */
  readonly foreignVips: readonly string[];
  /** What `staleVips: "withdraw"` would take from `lo`, with prefix, whatever the claim says of it. */
  readonly withdrawable: readonly string[];
  /** One line a difference from what was asked for. */
  readonly drift: readonly string[];
  /** Declared VIPs that are bound, canonical. */
  readonly observedVips: readonly string[];
  /** The declared values where they hold, else what is in force. */
  readonly observedArp: { readonly ignore: number; readonly announce: number };
  /** Whose record the registry has under this owner. */
  readonly record: RecordState;
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
    withdrawable: withdrawable(claim, observed),
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

function withdrawable(claim: Claim, observed: Observed): readonly string[] {
  const everything: Claim = { ...claim, staleVips: "withdraw" };
  return plan({ kind: "serve", claim: everything, now: "-" }, observed).stale;
}

/** `newer`: a later create on this very host has taken over what the claim's state speaks of. */
export function recordState(claim: Claim, observed: Observed): ClaimReport["record"] {
  return stateOf(claim, ownRecords(claim, observed));
}

function driftLines(claim: Claim, observed: Observed, needed: Plan): string[] {
  const { changes } = needed;
  return [
    ...addressLines(needed),
    ...arpLines(claim, observed, changes),
    ...recordLines(claim, observed, changes),
    ...kitDrift(REAL_SERVER_BOOT, observed.boot, changes),
    ...needed.refusals.map((refusal) => refusal.what),
  ];
}

/** A VIP a line: the same prefix unbound and bound again is one that differs. */
function addressLines({ changes, stale }: Plan): string[] {
  const steps = changes.flatMap((one) =>
    one.kind === "bind" || one.kind === "unbind" ? [one] : [],
  );
  return [...new Set(steps.map((step) => step.prefix))].map((prefix) => {
    const had = steps.find((step) => step.kind === "unbind" && step.prefix === prefix);
    const wanted = steps.find((step) => step.kind === "bind" && step.prefix === prefix);
    if (had === undefined) return `lo: ${prefix} not bound`;
    if (stale.includes(prefix)) return `lo: ${prefix} bound and declared by nobody`;
    if (wanted === undefined) return `lo: ${prefix} bound, and declared no more`;
    const differences = (["scope", "label", "validLft", "preferredLft"] as const)
      .filter((field) => had[field] !== wanted[field])
      .map(
        (field) =>
          `${FIELD_NAMES[field]} ${had[field] || "none"}, wanted ${wanted[field] || "none"}`,
      );
    return `lo: ${prefix} has ${differences.join("; ")}`;
  });
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
  const claims = recordOf(claim, "").claims;
  const loud = nicsInScope(claims, observed).flatMap((nic) =>
    claims
      .filter((one) => one.interface === "all" || one.interface === nic.name)
      .map((one) => ({
        interface: nic.name,
        key: one.key,
        from: effectiveOn(nic, observed)[one.key],
        to: one.value,
      }))
      .filter((one) => !satisfies(one.key, one.from, one.to)),
  );
  const isShown = (write: { interface: string; key: ArpKey }) =>
    loud.some(
      (one) =>
        one.key === write.key && (write.interface === "all" || write.interface === one.interface),
    );
  return [...loud, ...writes.filter((one) => !isShown(one))].map(
    (one) => `${one.interface}: ${one.key} ${one.from}, wanted ${one.to}`,
  );
}

function recordLines(claim: Claim, observed: Observed, changes: readonly Change[]): string[] {
  const file = `owners/${idOf(claim.owner)}`;
  const others =
    changes.some((one) => one.kind !== "put" && one.kind !== "drop") ||
    kitDrift(REAL_SERVER_BOOT, observed.boot, changes).length > 0;
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

function observedArp(claim: Claim, observed: Observed): ClaimReport["observedArp"] {
  const inForce = (key: "arp_ignore" | "arp_announce", declared: number): number => {
    const claims = recordOf(claim, "").claims.filter((one) => one.key === key);
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
  const inScope = nicsInScope(recordOf(claim, "").claims, observed);
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
    .filter((one) => !isLoopback(one.address))
    .filter(
      (one) => !isFullLength(one) || (!declared.has(one.address) && !claimed.has(one.address)),
    )
    .map((one) => (isFullLength(one) ? one.address : one.prefix));
}
