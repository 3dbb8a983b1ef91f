import type { Inspection, InspectedNameAddress } from "./types";
import { directorText } from "./director-text";
import { faultsOf } from "./faults";
import { section, type Cells } from "./section";
import { fingerprint } from "../transport/public-key";
import { asciiJson, visible } from "../domain/terminal";

/**
 * An inspection for people: sections of lines, none of which a terminal obeys.
 *
 * @param name of the host. Default: as the connection names it
 */
export function inspectionText(inspection: Inspection, name = inspection.host): string {
  const { machineId, hostKey, warnings } = inspection;
  const key = hostKey === undefined ? "" : `, host key ${keyText(hostKey)}`;
  const head = `${name}: machine ${machineId}${key}`;
  const { leaks, stale, others } = faultsOf(inspection);
  const wrong = [...leaks, ...stale, ...others];
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

function keyText(key: string): string {
  const [type = "", blob = ""] = key.split(" ");
  return `${type} ${fingerprint(Buffer.from(blob, "base64"))}`;
}
