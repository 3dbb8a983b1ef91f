import {
  interfacesOffWire,
  type ConfiguredLine,
  type Nic,
  type Observed,
} from "../observed/observed";
import type { BoundAddress } from "../observed/ip-addr";
import { removalOf } from "../observed/routes";
import { adoptedAsIs } from "./addresses";
import type { Claim } from "./claim";
import { freeing, routesFrom, singleToLo } from "./routes";
import { bindingLines } from "./configuration";
import { listed } from "./words";
import { effectiveOn, nicsInScope } from "./sysctl-values";
import { ARP_KEYS, isSilent, satisfies, type SysctlClaim } from "../domain/sysctl";

/** What does not keep a real server from converging, and would bite later. Pure; a sentence each. */
export function warnings(
  claim: Claim,
  claims: readonly SysctlClaim[],
  observed: Observed,
): string[] {
  return [
    ...hostWarnings(claim, claims, observed),
    ...adoptedAsIs(claim, observed).flatMap((one) => adoptedWarning(one, observed)),
    ...leakedUntilNow(claim, claims, observed),
    ...unheardServer(claims, observed),
  ];
}

/** Those that hold whether or not something is about to change. */
export function hostWarnings(
  claim: Pick<Claim, "vips" | "rips">,
  claims: readonly SysctlClaim[],
  observed: Observed,
): string[] {
  return [
    ...ripWarnings(claim, observed),
    ...observed.nics.filter((nic) => dropsRequests(nic, observed)).map(rpFilterWarning),
    ...unansweredWarning(claims, observed),
    ...contradictions(claims, observed),
    ...proxyNdpWarning(claim, observed),
    ...observed.loProfiles.map(loProfileWarning),
    ...outliving(claim, observed),
    ...boundElsewhere(
      claim.vips.map((vip) => vip.address),
      observed,
    ),
    ...observed.boot.findings.map(
      (finding) => `since the last boot: ${finding}; look for who sets it late in the boot`,
    ),
  ];
}

/** On `lo` a RIP would not be answered for, as little as a VIP, nor on a NIC that is on no wire. */
function ripWarnings({ rips = [] }: Pick<Claim, "rips">, observed: Observed): string[] {
  const off = interfacesOffWire(observed);
  const onWire = observed.addresses.filter((one) => !off.has(one.interface));
  const own = onWire.map((one) => one.address);
  return rips
    .filter((rip) => !own.includes(rip))
    .map((rip) => {
      const alike = own.filter((one) => one.includes(":") === rip.includes(":"));
      const has = listed(alike.filter((one) => !one.startsWith("fe80:"))) || "none";
      return `the RIP ${rip} is no address of this host's NICs (${has}): what directors send there does not come here; correct rip or rip6 of the pool's member (rips of a real server), or its host`;
    });
}

/**
 * The director's packets come in with the client's address. A NIC with strict reverse-path filtering
 * (effective rp_filter, the larger of `all` and the NIC, is 1) that is not the way back to clients
 * drops them: bound, silent and dead.
 */
function dropsRequests(nic: Nic, observed: Observed): boolean {
  const addressed = observed.addresses.some(
    (one) => one.interface === nic.name && one.family === 4,
  );
  return (
    nic.hearsArp &&
    !nic.offWire &&
    addressed &&
    observed.defaultNics.length > 0 &&
    !observed.defaultNics.includes(nic.name) &&
    Math.max(observed.allRpFilter, nic.rpFilter) === 1
  );
}

function rpFilterWarning(nic: Nic): string {
  return `${nic.name} has rp_filter 1 and is not the way back to clients: requests that the director sends there are dropped; set net.ipv4.conf.${nic.name.replaceAll(".", "/")}.rp_filter to 2`;
}

/**
 * With arp_ignore 1 or 2 a NIC answers for its own addresses only. A container's end of a veth pair that
 * asks for an address that the host has on another NIC gets no answer from one that has none.
 */
function unansweredWarning(claims: readonly SysctlClaim[], observed: Observed): string[] {
  const silent = nicsInScope(claims, observed).filter((nic) => nic.unnumberedPair);
  if (silent.length === 0) return [];
  const [first, rest] = [silent.slice(0, 3), silent.length - 3];
  const names = first.map((nic) => nic.name).join(", ") + (rest > 0 ? ` and ${rest} more` : "");
  return [
    `no IPv4 address on ${names}: silent by arp.interfaces, the host answers no ARP there, and a container at the other end that asks for one of the host's addresses cannot reach it; list only the NICs on the wire in arp.interfaces, and such NICs in arp.except`,
  ];
}

/**
 * With arp_ignore 1 a NIC answers for its own addresses only. Where SSH came in for one that is on `lo`, or on
 * a NIC that is on no wire, a neighbour may have found it by ARP until now: it still has the answer, and
 * the connection lasts until that is forgotten, long after the commit.
 */
function unheardServer(claims: readonly SysctlClaim[], observed: Observed): string[] {
  const { session, sessionRoute, addresses } = observed;
  const own = addresses.find((one) => one.address === session.server);
  const asked = nicsInScope(claims, observed).find((nic) => nic.name === sessionRoute?.nic);
  if (own?.family !== 4 || !interfacesOffWire(observed).has(own.interface)) return [];
  if (asked?.hearsArp !== true) return [];
  if (isSilent("arp_ignore", effectiveOn(asked, observed).arp_ignore)) return [];
  // A gateway knows a way by an address of the NIC, if that has one.
  const numbered = addresses.some((one) => one.interface === asked.name && one.family === 4);
  const neighbour = sessionRoute?.via;
  if (neighbour !== undefined && (neighbour.includes(":") || numbered)) return [];
  return [
    `${session.server}, by which SSH came in, is on ${own.interface}: ${asked.name} answers no ARP for it any more, and where ${neighbour ?? session.client} finds it by ARP this host is cut off as soon as that answer is forgotten; have it routed by an address of ${asked.name}, or put it on ${asked.name}`,
  ];
}

/** Files whose line would undo what is claimed at the next boot or `sysctl --system`. */
function contradictions(claims: readonly SysctlClaim[], observed: Observed): string[] {
  return settingsInForce(observed.sysctlLines).flatMap(({ file, line, nic, key, value }) => {
    const claim = claims.find(
      (one) => one.key === key && isUndone(one, nic.replaceAll("/", "."), value),
    );
    if (claim === undefined) return [];
    return [
      `${file} line ${line} sets ${nic} ${key} to ${value}, wanted ${claim.value}: a reboot or "sysctl --system" would undo it`,
    ];
  });
}

interface Setting extends Omit<ConfiguredLine, "text"> {
  readonly nic: string;
  readonly key: string;
  readonly value: number;
}

/** Files are read in the order of their base names, sysctl.conf last, and the last line for a key counts. */
function settingsInForce(lines: readonly ConfiguredLine[]): Setting[] {
  const settings = lines.flatMap(({ file, line, text }): Setting[] => {
    const match =
      /^\s*-?\s*net[./]ipv4[./]conf[./](.+)[./](arp_ignore|arp_announce)\s*=\s*(-?\d+)\s*$/.exec(
        text,
      );
    const [, nic = "", key = "", value] = match ?? [];
    return match ? [{ file, line, nic, key, value: Number(value) }] : [];
  });
  const byKey = new Map<string, Setting>();
  for (const one of settings.toSorted(inOrder)) byKey.set(`${one.nic} ${one.key}`, one);
  return [...byKey.values()];
}

function inOrder(a: Setting, b: Setting): number {
  const [one = "", two = ""] = [a, b].map(({ file }) =>
    file === "/etc/sysctl.conf" ? "~" : file.replace(/^.*\//, ""),
  );
  if (one !== two) return one < two ? -1 : 1;
  return a.line - b.line;
}

/**
 * By a value for the very key, or for all by a glob. A claim on `all` is not undone by a NIC's own
 * lesser value, for the larger counts; but it is by one that is larger and not silent, also of
 * `default`, which NICs that come later get.
 */
function isUndone({ interface: claimed, key, value }: SysctlClaim, nic: string, set: number) {
  if (nic === claimed || nic === "*") return !satisfies(key, set, value);
  return claimed === "all" && nic !== "lo" && set > value && !isSilent(key, set);
}

function loProfileWarning(file: string): string {
  return `${file} has NetworkManager manage lo: it takes the VIPs off whenever that profile is activated or reapplied, at boot too; delete the profile, or set unmanaged-devices=interface-name:lo in NetworkManager.conf`;
}

/** Harmless while the VIP is on `lo`. */
function outliving({ vips }: Pick<Claim, "vips">, observed: Observed): string[] {
  return singleToLo(observed)
    .filter(({ address }) => vips.some((vip) => vip.address === address))
    .filter(({ address }) => isOnLo(address, observed))
    .map(
      ({ address, route }) =>
        `the route "${route.text}" will keep the host from the service at ${address} once that has left lo; run "${removalOf(route)}"`,
    );
}

function isOnLo(address: string, { addresses }: Observed): boolean {
  return addresses.some((one) => one.interface === "lo" && one.address === address);
}

function adoptedWarning(one: BoundAddress, observed: Observed): string[] {
  return routesFrom(one, observed)
    .slice(0, 1)
    .map(
      (route) =>
        `${one.prefix} stays on lo as it is (scope ${one.scope}, label ${one.label || "none"}): the route "${route.text}" has it as its source and would not outlive it; ${freeing(route, "for it to be bound as a VIP is")}`,
    );
}

/** Files that bind a VIP by themselves: at the next boot, without silence, also after a destroy. */
export function boundElsewhere(vips: readonly string[], observed: Observed): string[] {
  return bindingLines(vips, observed.networkLines).map(
    ({ vip, file, line }) =>
      `${file} line ${line} binds ${vip}: at the next boot it is there whether or not it is declared, and may answer; remove that line`,
  );
}

function proxyNdpWarning(claim: Pick<Claim, "vips">, observed: Observed): string[] {
  if (observed.proxyNdp.length === 0 || !claim.vips.some((vip) => vip.family === 6)) return [];
  return [
    `proxy_ndp is set on ${observed.proxyNdp.join(", ")}: an entry in "ip -6 neigh show proxy" for a VIP would answer for it on the wire`,
  ];
}

function leakedUntilNow(
  claim: Claim,
  claims: readonly SysctlClaim[],
  observed: Observed,
): string[] {
  const bound = claim.vips.filter((vip) => vip.family === 4 && isOnLo(vip.address, observed));
  const loud = nicsInScope(claims, observed).filter((nic) =>
    ARP_KEYS.some((key) => !isSilent(key, effectiveOn(nic, observed)[key])),
  );
  if (bound.length === 0 || loud.length === 0) return [];
  return [
    `until now the host answered for ${bound.map((vip) => vip.address).join(", ")} on ${loud.map((nic) => nic.name).join(", ")}: routers may keep its MAC for minutes; announce the VIP from the director (arping -U)`,
  ];
}
