import { isExcepted } from "../domain/arp";
import type { InspectedLeak, InspectedNic } from "./types";
import type { BoundAddress } from "../observed/ip-addr";
import { interfacesOffWire, type Nic, type Observed } from "../observed/observed";
import type { OwnerRecord } from "../observed/registry";
import type { Route } from "../observed/routes";
import { localRoutes } from "../plan/routes";
import { effectiveOn } from "../plan/sysctl-values";
import { listed } from "../plan/words";
import { isSilent, type ArpValues } from "../domain/sysctl";

/** What a NIC does about a VIP on `lo`, whether or not there is one. */
export function nicReport(nic: Nic, observed: Observed): InspectedNic {
  const values = effectiveOn(nic, observed);
  const why = loudness(values, "host", "a VIP on lo");
  return {
    name: nic.name,
    ignore: values.arp_ignore,
    announce: values.arp_announce,
    leaks: why !== "",
    why,
  };
}

/**
 * VIPs that are not silent: on `lo`, or by a local route, beside a NIC that answers or announces, on a
 * NIC themselves, or answered for by proxy. A NIC that the VIP's owner leaves out on purpose is not counted.
 */
export function leaksOf(
  onLo: readonly BoundAddress[],
  owners: readonly OwnerRecord[],
  observed: Observed,
): InspectedLeak[] {
  const claimed = new Set(owners.flatMap((owner) => owner.vips));
  return [
    ...onLo.flatMap((one) => arpLeaks(one, owners, observed)),
    ...localRoutes(observed).flatMap((route) => leaksByRoute(route, onLo, observed)),
    ...[...claimed].flatMap((vip) => leaksOnNic(vip, observed)),
    ...[...new Set([...claimed, ...onLo.map((one) => one.address)])].flatMap((vip) =>
      leaksByProxy(vip, observed),
    ),
  ];
}

// One sentence for all NICs that leak for the same reason: a container host has hundreds.
function arpLeaks(
  one: BoundAddress,
  owners: readonly OwnerRecord[],
  observed: Observed,
): InspectedLeak[] {
  if (one.family !== 4) return [];
  const claiming = owners.filter((owner) => owner.vips.includes(one.address));
  const byReason = new Map<string, string[]>();
  for (const nic of observed.nics) {
    const why = nic.hearsArp ? loudness(effectiveOn(nic, observed), one.scope, "it") : "";
    if (why === "" || isLeftOut(nic, claiming)) continue;
    byReason.set(why, [...(byReason.get(why) ?? []), nic.name]);
  }
  return [...byReason].map(([reason, interfaces]) => ({
    address: one.address,
    interfaces,
    why: `${one.address} is on lo, and ${listed(interfaces)} ${reason}`,
  }));
}

function isLeftOut(nic: Nic, claiming: readonly OwnerRecord[]): boolean {
  const claims = claiming.flatMap((owner) => owner.claims.map((claim) => claim.interface));
  if (claims.includes("all") || claims.includes(nic.name)) return false;
  return claiming.some((owner) => isExcepted(nic.name, owner.except));
}

/** As for an address, but for one that is on `lo` itself, which is told of as that. */
function leaksByRoute(
  route: Route,
  onLo: readonly BoundAddress[],
  observed: Observed,
): InspectedLeak[] {
  const address = route.destination.replace(/\/32$/, "");
  if (onLo.some((one) => one.address === address)) return [];
  const byReason = new Map<string, string[]>();
  for (const nic of observed.nics) {
    const why = nic.hearsArp ? loudness(effectiveOn(nic, observed), "host", "it") : "";
    if (why !== "") byReason.set(why, [...(byReason.get(why) ?? []), nic.name]);
  }
  return [...byReason].map(([reason, interfaces]) => ({
    address,
    interfaces,
    why: `${address} is the host's own by the route "${route.text}", and ${listed(interfaces)} ${reason}`,
  }));
}

/** The host answers for an address of the NIC asked, whatever the sysctls say. */
function leaksOnNic(vip: string, observed: Observed): InspectedLeak[] {
  const off = interfacesOffWire(observed);
  return observed.addresses
    .filter((one) => one.address === vip && !off.has(one.interface))
    .map((one) => ({
      address: vip,
      interfaces: [one.interface],
      why: `${vip} is an owner's VIP and on ${one.interface} as ${one.prefix}, which answers for it whatever the sysctls say`,
    }));
}

function leaksByProxy(vip: string, observed: Observed): InspectedLeak[] {
  if (!observed.proxied.includes(vip)) return [];
  const why = `${vip} is in "ip -6 neigh show proxy", so the host may answer for it on the wire`;
  return [{ address: vip, interfaces: [...observed.proxyNdp], why }];
}

/**
 * What a NIC with these effective values does about an address of that scope on `lo`; empty where it
 * is silent. `arp_ignore` 3 spares scope host alone, and 8 answers for nothing at all, the host's
 * own addresses included (arp_ignore in net/ipv4/arp.c).
 */
function loudness(values: ArpValues, scope: string, what: string): string {
  const { arp_ignore: ignore, arp_announce: announce } = values;
  const answers =
    ignore !== 8 && (!isSilent("arp_ignore", ignore) || (ignore === 3 && scope !== "host"));
  const announces = !isSilent("arp_announce", announce);
  return [
    ...(answers ? [`answers ARP for ${what} (effective arp_ignore ${ignore})`] : []),
    ...(announces
      ? [`may name ${what} in requests of its own (effective arp_announce ${announce})`]
      : []),
  ].join(" and ");
}
