import { damageKit } from "./kit";
import { KIT_STATES, type HandRoute, type KitState, type Meddling, type Serving } from "./scenario";
import type { Random } from "./random";

/** IPv4 VIPs that runs draw from; the wire is asked for each of them. */
export const VIPS4 = Array.from({ length: 10 }, (_, number) => `203.0.113.${number + 1}`);

/** Never declared. */
export const FOREIGN = ["203.0.113.40/32", "203.0.113.41/32", "2001:db8::40/128", "192.0.2.9/24"];

/** What others change, too. */
export const KEYS = ["all arp_ignore", "all arp_announce", "eth0 arp_ignore", "eth0 arp_announce"];

/** iproute2's, whatever the host's own is. */
export const IP = "/usr/local/lib/ip";

/** A VIP as `ip` names it. */
export function prefixOf(vip: string): string {
  return `${vip}/${vip.includes(":") ? 128 : 32}`;
}

/** Where a sysctl is, `all arp_ignore`. */
export function pathOf(sysctl: string): string {
  return `/proc/sys/net/ipv4/conf/${sysctl.replace(" ", "/")}`;
}

/** What somebody else does to a host, and what it changes there; each name is as in a snapshot. */
export const MEDDLING = {
  deletesVip: (vip: string) =>
    meddling("deletes a VIP", `ip addr del ${prefixOf(vip)} dev lo 2>/dev/null`, [
      `lo ${prefixOf(vip)}`,
      // The kernel drops them with it, or takes their source.
      ...FROM_A_VIP.map((kind) => nameOfRoute({ kind, vip })),
    ]),
  resetsSysctl: (name: string, value: number) =>
    meddling("resets a sysctl", `echo ${value} >${pathOf(name)}`, [`sysctl ${name}`], true),
  addsAddress: (prefix: string) =>
    meddling(
      "adds an address",
      `ip addr add ${prefix} dev lo 2>/dev/null`,
      [`lo ${prefix}`],
      prefix.includes("."),
    ),
  addsRoute: (route: HandRoute) =>
    meddling(`adds a route ${route.kind}`, addRoute(route), [nameOfRoute(route)], mayLeak(route)),
  /** NICs are added by the lab, on the wire. */
  addsNic: () => meddling("adds a NIC", ":"),
  leavesKit: (kit: KitState) => meddling("leaves a boot kit", damageKit(kit)),
  /** A kernel or firmware update does: the machine is the same. */
  spellsProductUuid: (how: keyof typeof SPELLINGS) =>
    meddling(`changes the ${how} of the product UUID`, `echo "${SPELLINGS[how]}" >${PRODUCT_UUID}`),
} as const;

/** Whether it is the lab that has to bring a NIC. */
export function addsNic({ what }: Meddling): boolean {
  return what === MEDDLING.addsNic().what;
}

function meddling(
  what: string,
  lines: string,
  changes: readonly string[] = [],
  mayLeak = false,
): Meddling {
  return { what, lines, changes, mayLeak };
}

/** What firmware says of the machine; the agent has it in $product as it was at first. */
export const PRODUCT_UUID = "/run/product_uuid";

const SPELLINGS = {
  case: "${product^^}",
  "byte order":
    "${product:6:2}${product:4:2}${product:2:2}${product:0:2}-${product:11:2}${product:9:2}-${product:16:2}${product:14:2}-${product:19}",
};

/** What somebody else does to a host that serves something. */
export function drawMeddling(
  random: Random,
  served: Serving,
  when: "before" | "meanwhile",
): Meddling {
  const isBefore = when === "before";
  const what = random.weighted({
    ...{ deletesVip: 3, resetsSysctl: 3, addsAddress: 2, addsRoute: 3 },
    leavesKit: isBefore && served.persist ? 4 : 0,
    spellsProductUuid: isBefore ? 2 : 0,
    addsNic: !isBefore && served.interfaces === "all" ? 1 : 0,
  } satisfies Record<keyof typeof MEDDLING, number>);
  switch (what) {
    case "deletesVip":
      return MEDDLING[what](random.pick(served.vips));
    case "resetsSysctl":
      return MEDDLING[what](random.pick(KEYS), random.between(0, 2));
    case "addsAddress":
      return MEDDLING[what](random.pick([...FOREIGN, `${random.pick(VIPS4)}/32`]));
    case "addsRoute":
      // One from a VIP that is just being withdrawn would go with it, whoever is to blame.
      return MEDDLING[what](drawRoute(random, random.pick(served.vips), isBefore));
    case "leavesKit":
      return MEDDLING[what](random.weighted(KIT_STATES));
    case "spellsProductUuid":
      return MEDDLING[what](random.pick(["case", "byte order"]));
    case "addsNic":
      return MEDDLING[what]();
  }
}

/** A route that has to do with a VIP; with that as its source only where it is bound. */
export function drawRoute(random: Random, vip: string, isBound: boolean): HandRoute {
  const bound = isBound ? 1 : 0;
  const kind = random.weighted({
    ...{ "to a VIP": 2, "that is local": 2, "to a local network": 1, "for marked packets": 1 },
    ...{ "from a VIP": 2 * bound, "by default from a VIP": 2 * bound, "of ifconfig": bound },
  } satisfies Record<keyof typeof ROUTES, number>);
  return { kind, vip };
}

/** Shell lines that add a route, for the agent, which knows the $gateway. */
export function addRoute(route: HandRoute): string {
  return `${IP} -${familyOf(route)} route replace ${textOf(route)} proto static`;
}

/** Whether the host would answer ARP by it, on a NIC that is not silent. */
export function mayLeak({ kind, vip }: HandRoute): boolean {
  return kind === "that is local" && vip.includes(".");
}

/** As a snapshot names it. */
export function nameOfRoute(route: HandRoute): string {
  return routeName(familyOf(route), textOf(route));
}

/** A route by its family, type, destination and table. */
export function routeName(family: 4 | 6, text: string): string {
  const [, type = "", to = ""] = /^(local |unreachable )?(\S+)/.exec(text) ?? [];
  const table = / table (?!local)(\S+)/.exec(text)?.[0] ?? "";
  return `route${family} ${type}${to.replace(/\/(32|128)$/, "")}${table}`;
}

/** What somebody makes, by its kind: what goes before the VIP's own words differs with the family. */
const ROUTES: Record<HandRoute["kind"], (vip: string, is6: boolean) => string> = {
  "to a VIP": (vip) => `${vip} dev lo`,
  "that is local": (vip) => `local ${prefixOf(vip)} dev lo metric 5`,
  "to a local network": (_, is6) => `local ${is6 ? "2001:db8:51::/64" : "198.51.100.0/24"} dev lo`,
  "for marked packets": () => "local default dev lo table 101",
  "from a VIP": (vip, is6) =>
    is6 ? `2001:db8:7::/64 ${VIA6} src ${vip}` : `10.77.0.0/16 ${VIA4} src ${vip}`,
  "by default from a VIP": (vip, is6) => `default ${is6 ? VIA6 : VIA4} src ${vip}`,
  "of ifconfig": (vip) => `${vip} dev lo src ${vip}`,
};

const FROM_A_VIP = ["from a VIP", "by default from a VIP", "of ifconfig"] as const;

const VIA4 = "via $gateway dev eth0";
const VIA6 = "via fe80::1 dev eth0";

function familyOf({ vip }: HandRoute): 4 | 6 {
  return vip.includes(":") ? 6 : 4;
}

function textOf({ kind, vip }: HandRoute): string {
  return ROUTES[kind](vip, vip.includes(":"));
}

/** Files by which a network manager or a boot script binds a VIP, and the number of the line that does. */
export const BINDING_FILES: Record<
  string,
  (vip: string) => readonly [lines: string[], at: number]
> = {
  "/etc/network/interfaces.d/vip": (vip) => [
    ["auto lo:0", "iface lo:0 inet static", `    address ${vip}`, "    netmask 255.255.255.255"],
    3,
  ],
  "/etc/sysconfig/network-scripts/ifcfg-lo:0": (vip) => [
    ["DEVICE=lo:0", `IPADDR=${vip}`, "NETMASK=255.255.255.255", "ONBOOT=yes"],
    2,
  ],
  "/etc/netplan/60-vip.yaml": (vip) => [
    ["network:", "  ethernets:", "    lo:", "      addresses:", `        - ${prefixOf(vip)}`],
    5,
  ],
  "/run/NetworkManager/system-connections/netplan-lo.nmconnection": (vip) => [
    [
      "[connection]",
      "type = loopback",
      "interface-name=lo",
      "[ipv4]",
      `address1 = ${prefixOf(vip)}`,
    ],
    5,
  ],
  "/etc/systemd/network/10-lo.network": (vip) => [
    ["[Match]", "Name=lo", "[Network]", `Address=${prefixOf(vip)}`],
    4,
  ],
  "/etc/rc.local": (vip) => [["#!/bin/sh", `ip addr add ${prefixOf(vip)} dev lo`], 2],
};
