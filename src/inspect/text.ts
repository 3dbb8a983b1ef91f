import type { Inspection, InspectedName, InspectedNameAddress, InspectedSelfRoute } from "./types";
import { directorText } from "./director-text";
import type { PendingOperation } from "./common-types";
import { section, type Cells } from "./section";
import { fingerprint } from "../transport/public-key";
import { asciiJson, visible } from "../domain/terminal";

/** An inspection for people: sections of lines, none of which a terminal obeys. */
export function inspectionText(inspection: Inspection): string {
  const { host, machineId, hostKey, leaks, staleVips, warnings } = inspection;
  const key = hostKey === undefined ? "" : `, host key ${keyText(hostKey)}`;
  const head = `${host}: machine ${machineId}${key}`;
  const wrong = [
    ...leaks.map((leak) => leak.why),
    ...staleVips.map((vip) => `${vip} is stale: on lo, and claimed by no owner`),
    ...inspection.selfRoutes.map(selfRouteLine),
    ...(inspection.pending ? pendingLines(inspection.pending) : []),
    ...(inspection.director?.pending ?? []).flatMap(pendingLines),
    ...inspection.boot.problems,
    ...(inspection.director?.boot.problems ?? []),
    ...inspection.names.flatMap(trapLine),
  ];
  return [
    [visible(head)],
    section("VIPs on lo", vipRows(inspection), "none"),
    section("Owners", ownerRows(inspection), "none"),
    section("NICs that hear ARP", nicRows(inspection), "none"),
    section("Sysctls that go back when no owner needs them", sysctlRows(inspection)),
    ...directorText(inspection.director),
    section("Names, resolved on the host", nameRows(inspection)),
    section("Wrong", rows(wrong), "nothing"),
    section("Warnings", rows(warnings)),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

/** An inspection for programs. ASCII alone, so that no terminal finds anything to obey in it. */
export function inspectionJson(inspection: Inspection): string {
  return asciiJson(inspection, 2);
}

function rows(lines: readonly string[]): Cells[] {
  return lines.map((line) => [line]);
}

function vipRows({ vips, owners }: Inspection): Cells[] {
  if (vips.length === 0) return [];
  const claims = (ids: readonly string[]) =>
    owners.filter((owner) => ids.includes(owner.id)).map((owner) => owner.owner);
  return [
    ["address", "scope", "label", "claimed by"],
    ...vips.map((vip) => {
      const nobody = vip.directed
        ? "an IPVS service of this host"
        : vip.stale
          ? "nobody: stale"
          : "nobody: no VIP, its prefix is wider";
      const claimed = claims(vip.owners).join(", ") || nobody;
      return [`${vip.address}/${vip.prefixLength}`, vip.scope, vip.label || "-", claimed];
    }),
  ];
}

function ownerRows({ owners }: Inspection): Cells[] {
  if (owners.length === 0) return [];
  return [
    ["id", "last seen", "at boot", "VIPs", "owner"],
    ...owners.map(({ id, lastSeen, persist, vips, owner }) => {
      return [id, lastSeen, persist ? "bound" : "not bound", vips.join(" ") || "-", owner];
    }),
  ];
}

function nicRows({ nics }: Inspection): Cells[] {
  if (nics.length === 0) return [];
  return [
    ["NIC", "arp_ignore", "arp_announce", "about a VIP on lo"],
    ...nics.map((nic) => [
      nic.name,
      String(nic.ignore),
      String(nic.announce),
      nic.leaks ? nic.why : "silent",
    ]),
  ];
}

function sysctlRows({ savedSysctls }: Inspection): Cells[] {
  return savedSysctls.map(({ interface: nic, key, value, written }) => [
    `${nic} ${key}`,
    `${written} back to ${value}`,
  ]);
}

function nameRows({ names }: Inspection): Cells[] {
  return names.flatMap(({ name, addresses, problem }) =>
    addresses.length === 0
      ? [[name, "-", problem ?? ""]]
      : addresses.map((end) => [name, end.address, endText(end)]),
  );
}

function endText({ endsOn, interface: nic, ports }: InspectedNameAddress): string {
  const listening = ports.length === 0 ? "nothing listens there" : `TCP ${ports.join(" ")} listens`;
  switch (endsOn) {
    case "lo":
      return `on the host's own lo; ${listening}`;
    case "loopback":
      return `loopback, the host itself; ${listening}`;
    case "nic":
      return `the host's own, on ${nic ?? "a NIC"}; ${listening}`;
    case "elsewhere":
      return "not the host's";
  }
}

function trapLine({ name, endsOnLo, addresses }: InspectedName): string[] {
  if (!endsOnLo) return [];
  const own = addresses.filter((end) => end.endsOn === "lo").map((end) => end.address);
  return [`${name} ends on the host's own lo (${own.join(", ")}): the host talks to itself`];
}

function selfRouteLine({ address, route, remove }: InspectedSelfRoute): string {
  return `${address} is not on lo, and the route "${route}" leads it there: the host does not reach the service at it; run "${remove}"`;
}

function pendingLines(pending: PendingOperation): string[] {
  if (pending.underWay) return [];
  const { by, earlierBoot, strange, drains } = pending;
  const what = `an operation of ${by} was cut off${earlierBoot ? ", before the last reboot" : ""}`;
  const held = drains && drains.held.length > 0 ? drains.held.join(", ") : undefined;
  const left = held ? `, and left ${held} of ${drains?.service} at weight 0` : "";
  if (strange === undefined) return [`${what}${left}; the next one undoes it first`];
  return [
    `${what}${left}; its journal has ${strange}, which this version does not know: the next one stops at it` +
      `${drains === undefined ? ", and so does the boot" : ""}; npm install pulumi-lvs-dr@latest`,
  ];
}

function keyText(key: string): string {
  const [type = "", blob = ""] = key.split(" ");
  return `${type} ${fingerprint(Buffer.from(blob, "base64"))}`;
}
