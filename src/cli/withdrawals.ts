import { parseVip } from "../domain/address";
import { nameOfTarget } from "../domain/virtual-service";
import type { SeenHost } from "../inspect/look";
import { ownersHere } from "../inspect/report";
import type { ObservedDirector } from "../observed/director";
import type { OwnerHead, OwnerRecord } from "../observed/registry";
import type { ServiceRecord } from "../observed/service-records";
import { withdraw } from "../operation/converge";
import { withdrawService } from "../operation/serve";
import type { Change } from "../plan/change";
import type { Claim } from "../plan/claim";
import { plan } from "../plan/plan";
import { servedBy, type ServiceClaim } from "../plan/service/claim";
import { planService, type ServiceChange } from "../plan/service/plan";
import { endpointIn } from "../plan/service/steps";

/** A record of one of a host's registries, and how what it claims is withdrawn. */
export interface Withdrawal {
  /** The record's name on the host. */
  readonly id: string;
  readonly record: OwnerHead;
  /** What goes and what stays, a line each, going by what was seen. */
  consequences(): readonly string[];
  /** Raises {@link RealServerError}. */
  carryOut(): ReturnType<typeof withdraw>;
}

/**
 * All that can be withdrawn from a host, in the order in which it is to be: services, where it is a
 * director, and then VIPs.
 */
export function withdrawalsOf(seen: SeenHost, sysctls: "restore" | "leave"): Withdrawal[] {
  const { director, observed } = seen;
  const ofServices =
    director.kind === "director"
      ? [...(director.observed.registry?.owners ?? [])].map(([id, record]) =>
          serviceWithdrawal(id, record, seen, director.observed),
        )
      : [];
  const ofVips = [...ownersHere(observed)].map(([id, record]) =>
    vipWithdrawal(id, record, seen, sysctls),
  );
  return [...ofServices, ...ofVips];
}

function vipWithdrawal(
  id: string,
  record: OwnerRecord,
  { observed, operation }: SeenHost,
  sysctls: "restore" | "leave",
): Withdrawal {
  const claim = claimFrom(record);
  return {
    ...{ id, record },
    consequences: () => {
      const { changes, notes } = plan({ kind: "withdraw", claim, now: "-", sysctls }, observed);
      return [...changes.flatMap(consequence), ...notes];
    },
    carryOut: () => withdraw(operation, claim, { sysctls }),
  };
}

/** What the resource's own state would say. Its values matter to a host that serves it, not here. */
function claimFrom({ owner, incarnation, vips }: OwnerRecord): Claim {
  return {
    ...{ owner, incarnation, saved: [] },
    vips: vips.flatMap((vip) => {
      const parsed = parseVip(vip);
      return "vip" in parsed ? [parsed.vip] : [];
    }),
    arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
  };
}

function consequence(change: Change): string[] {
  switch (change.kind) {
    case "unbind":
      return [`${change.prefix} leaves lo`];
    case "write-sysctl":
      return [`${change.key} of ${change.interface} goes from ${change.from} to ${change.to}`];
    case "drop":
      if (change.file === "boot/unit") return ["the unit that binds VIPs again at boot goes"];
      return change.file.startsWith("owners/") ? [RECORD_GOES] : [];
    case "put":
    case "bind":
    case "check-quiet":
      return [];
  }
}

const RECORD_GOES = "its record goes";

function serviceWithdrawal(
  id: string,
  record: ServiceRecord,
  { operation }: SeenHost,
  observed: ObservedDirector,
): Withdrawal {
  const claim = serviceClaimFrom(record);
  return {
    ...{ id, record },
    consequences: () => {
      const desired = { kind: "withdraw", claim, now: "-", held: false } as const;
      const { changes, notes } = planService(desired, observed);
      return [
        ...blockConsequence(claim),
        ...changes.flatMap((one) => serviceConsequence(one, claim, observed)),
        ...notes,
      ];
    },
    carryOut: () => withdrawService(operation, claim),
  };
}

/** A withdrawal writes no block: where it is is all that counts. */
function serviceClaimFrom({
  owner,
  incarnation,
  service,
  block: file,
}: ServiceRecord): ServiceClaim {
  const claim = { owner, incarnation, service };
  if (file === undefined) return claim;
  return { ...claim, block: { file, check: { kind: "none" }, inhibitOnFailure: false } };
}

/** A look does not tell what is in keepalived's file: what it has in the table leaves with it. */
function blockConsequence({ block }: ServiceClaim): string[] {
  if (block === undefined) return [];
  return [`${block.file} goes, and keepalived reads its configuration without it`];
}

function serviceConsequence(
  change: ServiceChange,
  claim: ServiceClaim,
  observed: ObservedDirector,
): string[] {
  const name = nameOfTarget(claim.service.target);
  switch (change.kind) {
    case "remove":
      if (change.of === "service") return [`the service ${name} goes`];
      return [`${endpointIn(change.was)} leaves ${name}${cut(change.was, claim, observed)}`];
    case "drop":
      return change.file.startsWith("owners/") ? [RECORD_GOES] : [];
    case "put":
    case "add":
    case "edit":
    case "block":
      return [];
  }
}

/** Nothing is drained here. */
function cut(options: string, claim: ServiceClaim, observed: ObservedDirector): string {
  const found = servedBy(claim, observed)?.destinations.find((one) => one.options === options);
  const active = found?.active ?? 0;
  return active === 0 ? "" : `, and ${active} active connection${active === 1 ? "" : "s"} with it`;
}
