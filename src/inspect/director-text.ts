import { ownersNamed } from "./director-owners";
import type {
  InspectedCheck,
  InspectedDestination,
  InspectedDirector,
  InspectedKeepalivedFile,
  InspectedService,
  InspectedServiceOwner,
} from "./director-types";
import { section, type Cells } from "./section";

/** A director for people: sections of lines. None where the host is none. */
export function directorText(director: InspectedDirector | null): string[][] {
  if (director === null) return [];
  const { services, owners } = director;
  return [
    section("IPVS services", serviceRows(services, owners), "none"),
    section("Destinations of IPVS services", destinationRows(services)),
    section("Owners of IPVS services", ownerRows(owners), "none"),
    section("Files of keepalived", fileRows(director.keepalivedFiles ?? [], owners)),
  ];
}

function serviceRows(
  services: readonly InspectedService[],
  owners: readonly InspectedServiceOwner[],
): Cells[] {
  if (services.length === 0) return [];
  return [
    ["service", "scheduler", "persistent", "declared by"],
    ...services.map((one) => {
      const { service, scheduler, flags, otherOptions, persistence } = one;
      const names = ownersNamed(one.owners, owners);
      const kept = persistence
        ? `${persistence.timeoutSeconds} s by /${persistence.prefixLength}`
        : "no";
      const how = [scheduler, ...flags, ...otherOptions].join(" ");
      return [service, how, kept, names.join(", ") || "nobody"];
    }),
  ];
}

function destinationRows(services: readonly InspectedService[]): Cells[] {
  const rows = services.flatMap(({ service, destinations }) =>
    destinations.map((one) => destinationRow(service, one)),
  );
  return rows.length === 0 ? [] : [HEADINGS, ...rows];
}

const HEADINGS: Cells = [
  ...["service", "destination", "weight", "thresholds", "forwarding"],
  ...["active", "inactive", "declared"],
];

function destinationRow(service: string, one: InspectedDestination): Cells {
  const { upperThreshold, lowerThreshold, activeConnections, inactiveConnections } = one;
  const thresholds = upperThreshold > 0 ? `${lowerThreshold} to ${upperThreshold}` : "none";
  return [
    ...[service, one.destination, `${one.weight}${one.held ? ", held" : ""}`, thresholds],
    ...[one.forwarding, String(activeConnections), String(inactiveConnections)],
    one.foreign ? "by nobody" : "yes",
  ];
}

function ownerRows(owners: readonly InspectedServiceOwner[]): Cells[] {
  if (owners.length === 0) return [];
  return [
    ["id", "last seen", "at boot", "service", "destinations", "owner"],
    ...owners.map(({ id, lastSeen, persist, service, destinations, owner }) => {
      const boot = persist ? "put back" : "not put back";
      return [id, lastSeen, boot, service, destinations.join(" ") || "-", owner];
    }),
  ];
}

function fileRows(
  files: readonly InspectedKeepalivedFile[],
  owners: readonly InspectedServiceOwner[],
): Cells[] {
  if (files.length === 0) return [];
  return [
    ["service", "check", "failing, or removed", "file", "is", "written by"],
    ...files.map((one) => {
      const { service = "-", check, inhibitOnFailure, failing, file, state, writtenBy } = one;
      const names = ownersNamed(one.owners, owners);
      const asked = check === undefined ? "-" : checkText(check);
      const quiet = inhibitOnFailure ? ", then weight 0" : "";
      return [
        ...[service, `${asked}${quiet}`, failing.join(" ") || "none", file, state],
        writtenBy ?? (names.join(", ") || "-"),
      ];
    }),
  ];
}

function checkText(check: InspectedCheck): string {
  if (check === "none") return "none";
  const [terms, what] =
    "tcp" in check
      ? [check.tcp, "TCP"]
      : [check.http, `HTTP ${check.http.path} ${check.http.status}`];
  const port = terms.port === undefined ? "" : ` on port ${terms.port}`;
  return `${what}${port} every ${terms.intervalSeconds} s`;
}
