import type { Refusal } from "../domain/errors";
import { isExcepted } from "../domain/arp";
import { isWithin, type Vip } from "../domain/address";
import type { BoundAddress } from "../observed/ip-addr";
import type { Nic, Observed } from "../observed/observed";
import type { Claim, Desired } from "./claim";
import { adoptedAsIs } from "./addresses";
import { sourceRefusals } from "./routes";
import { effectiveOn, withWrite } from "./sysctl-values";
import type { SysctlPlan } from "./sysctls";
import type { SysctlWrite } from "./change";
import { ARP_KEYS, isSilent, type ArpKey } from "../domain/sysctl";

/**
 * Why a plan must not be carried out: what is wrong on the host, and what to do about it. Empty
 * where it may. Pure.
 */
export function refusals(
  desired: Desired,
  observed: Observed,
  removed: readonly BoundAddress[],
  sysctls: Pick<SysctlPlan, "tighten" | "loosen">,
): Refusal[] {
  const always = [
    ...plainly([
      ...withdrawRefusals(observed, removed),
      ...sourceRefusals(removed, observed),
      ...stillSentTo(desired.claim, observed, removed),
    ]),
    ...readOnly(desired, observed, [...sysctls.tighten, ...sysctls.loosen]),
  ];
  if (desired.kind === "withdraw") return always;
  const { claim } = desired;
  const ipv4 = claim.vips.some((vip) => vip.family === 4);
  return [
    ...plainly(claim.vips.flatMap((vip) => vipRefusals(vip, observed))),
    ...always,
    ...plainly(ipv4 ? arpRefusals(claim, observed, sysctls.tighten) : []),
  ];
}

/** Refusals that name what to do on the host, or an input: whatever the shell is. */
function plainly(reasons: readonly string[]): Refusal[] {
  return reasons.map((what) => ({ what, remedies: [] }));
}

function withdrawRefusals(observed: Observed, removed: readonly BoundAddress[]): string[] {
  return removed
    .filter((one) => one.address === observed.session.server)
    .map((one) => `this session runs over ${one.address}: connect to the host by its own address`);
}

/** Withdrawn now, the host would forward what still comes, or drop it: an outage that nobody declared. */
function stillSentTo(
  { maySend = [] }: Claim,
  observed: Observed,
  removed: readonly BoundAddress[],
): string[] {
  const own = observed.addresses.filter((one) => one.interface !== "lo").map((one) => one.address);
  return maySend.flatMap(({ director, service, vip, destinations }) => {
    const rip = destinations.find((one) => own.includes(one));
    const leaving = removed.find((one) => vip === undefined || one.address === vip);
    if (rip === undefined || leaving === undefined) return [];
    return [
      `${director} may still send requests for ${leaving.address} here, to ${rip}: its service ${service} failed in this run; see to that first`,
    ];
  });
}

function vipRefusals(vip: Vip, observed: Observed): string[] {
  const here = observed.addresses.filter((one) => one.address === vip.address);
  return [...here.flatMap((one) => placeRefusal(vip, one)), ...roleRefusals(vip, observed)];
}

/** Where the address is bound already. */
function placeRefusal({ family, address }: Vip, one: BoundAddress): string[] {
  const full = family === 4 ? 32 : 128;
  if (one.interface !== "lo")
    return [
      `${address} is on ${one.interface} as ${one.prefix}: a real server has its VIPs on lo only; remove it there, or drop it from vips`,
    ];
  if (one.peer !== "")
    return [
      `${address} is on lo with the peer ${one.peer}: a VIP has none; run "ip addr del ${address} peer ${one.peer} dev lo" yourself`,
    ];
  if (one.prefixLength !== full)
    return [
      `${address} is on lo as ${one.prefix}, wider than /${full}: removing it could take its neighbours along; run "ip addr del ${one.prefix} dev lo" yourself`,
    ];
  return [];
}

/** What the address is to the host already. */
function roleRefusals({ family, address }: Vip, observed: Observed): string[] {
  const reasons: string[] = [];
  if (address === observed.session.server)
    reasons.push(`${address} is the address of this SSH session, the host's own and no VIP`);
  if (address === observed.session.client)
    reasons.push(
      `${address} is the address that this SSH session comes from: bound on lo it would cut the session off`,
    );
  if (observed.gateways.includes(address) || observed.sessionRoute?.via === address)
    reasons.push(`${address} is a gateway of the host: bound on lo it would cut the host off`);
  if (observed.services.includes(address))
    reasons.push(
      `${address} is a service in the host's own IPVS table: director and real server for one VIP forward in a loop`,
    );
  if (observed.proxied.includes(address))
    reasons.push(
      `${address} is in "ip -6 neigh show proxy": the host answers for it on the wire; remove it there first`,
    );
  if (family === 6 && !observed.ipv6OnLo)
    reasons.push(
      `${address} cannot be bound: IPv6 is disabled on lo (net.ipv6.conf.lo.disable_ipv6)`,
    );
  return reasons;
}

function arpRefusals(claim: Claim, observed: Observed, writes: readonly SysctlWrite[]): string[] {
  const { arp } = claim;
  const missing =
    arp.interfaces === "all"
      ? []
      : arp.interfaces.filter((name) => !observed.nics.some((nic) => nic.name === name));
  return [
    ...missing.map((name) => `arp.interfaces names ${name}, and the host has no such interface`),
    ...leakRefusals(claim, observed, writes),
    ...leaksAsAdopted(claim, observed, writes),
    ...(arp.ignore === 2 ? cutsSession(observed) : []),
  ];
}

function readOnly(desired: Desired, observed: Observed, writes: readonly SysctlWrite[]): Refusal[] {
  if (writes.length === 0 || observed.sysctlWritable) return [];
  const what = `/proc/sys is read-only on this host, and ${sentence(writes)}: set it from outside`;
  return [{ what, remedies: desired.kind === "withdraw" ? [{ kind: "leave-sysctls" }] : [] }];
}

function sentence(writes: readonly SysctlWrite[]): string {
  return writes
    .map((one) => `${one.key} of ${one.interface} is ${one.from}, wanted ${one.to}`)
    .join(", ");
}

/** What would still leak after the writes. (Values that go back later make nothing leak.) */
function leakRefusals(claim: Claim, observed: Observed, writes: readonly SysctlWrite[]): string[] {
  const { arp } = claim;
  const after = writes.reduce(withWrite, observed);
  return after.nics
    .filter((nic) => nic.hearsArp)
    .flatMap((nic) => {
      const values = effectiveOn(nic, after);
      const loud = ARP_KEYS.filter((key) => !isSilent(key, values[key]));
      if (loud.length === 0) return [];
      const what = loud.map((key) => `${key} ${values[key]}`).join(" and ");
      if (arp.interfaces === "all" || arp.interfaces.includes(nic.name))
        return loud.map((key) => notSilent(nic, key, after));
      if (isExcepted(nic.name, arp.except)) return [];
      return [
        `${nic.name} would answer for the VIPs (effective ${what}) and is not in arp.interfaces: add it there, or name it in arp.except`,
      ];
    });
}

/** `arp_ignore` 3 is silent for scope host alone, and an address that stays as it is may have another. */
function leaksAsAdopted(
  claim: Claim,
  observed: Observed,
  writes: readonly SysctlWrite[],
): string[] {
  const after = writes.reduce(withWrite, observed);
  const { arp } = claim;
  const answers = after.nics.some(
    (nic) =>
      nic.hearsArp &&
      effectiveOn(nic, after).arp_ignore === 3 &&
      (arp.interfaces === "all" || !isExcepted(nic.name, arp.except)),
  );
  if (!answers) return [];
  const bound = adoptedAsIs(claim, observed).filter(
    (one) => one.family === 4 && one.scope !== "host",
  );
  return sourceRefusals(bound, observed);
}

/** The larger of two values counts: names the one that is not claimed and so is not written. */
function notSilent(nic: Nic, key: ArpKey, after: Observed): string {
  const value = effectiveOn(nic, after)[key];
  const holder = nic.own[key] === value ? nic.name.replaceAll(".", "/") : "all";
  const good = key === "arp_announce" ? "2" : "1 or 2";
  return `${nic.name} has effective ${key} ${value}, which is not silent: set net.ipv4.conf.${holder}.${key} to ${good}, or to 0`;
}

/**
 * With arp_ignore 2 the kernel answers only who is in the address's own subnet. Where the session's
 * peer or gateway is not, SSH dies when the neighbour's cache runs out, long after the commit.
 */
function cutsSession(observed: Observed): string[] {
  const { client, server } = observed.session;
  const own = observed.addresses.find((one) => one.address === server && one.interface !== "lo");
  if (own === undefined || own.family !== 4) return [];
  const neighbour = observed.sessionRoute?.via ?? client;
  const isHeard = neighbour.includes(":") || isWithin(neighbour, own);
  if (own.prefixLength < 32 && isHeard) return [];
  return [
    `arp.ignore 2 would cut this host off: ${neighbour} is not in ${own.prefix}, so ARP requests of it for ${server} would go unanswered; use arp.ignore 1`,
  ];
}
