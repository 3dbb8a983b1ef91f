import type { Nic, Observed } from "../observed/observed";
import type { SysctlWrite } from "./change";
import { effective, type ArpKey, type ArpValues, type SysctlClaim } from "../domain/sysctl";

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
