import { isLoopback, parseVip, type Vip } from "../domain/address";
import type { Look } from "../operation/converge";
import type { LookAnswer } from "./answer";
import { inspectedBoot, isHere, strangersRegistry, VIPS_AT_BOOT } from "./boot";
import { NO_DIRECTOR, type DirectorAnswer } from "./director-answer";
import { inspectedDirector } from "./director-report";
import { underWayWarning, warningsOfDirector } from "./director-warnings";
import { leaksOf, nicReport } from "./leaks";
import { nameReport } from "./names";
import { pendingOperation } from "./pending";
import type { InspectedOwner, InspectedSelfRoute, InspectedVip, Inspection } from "./types";
import { type BoundAddress, isFullLength } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import type { OwnerRecord } from "../observed/registry";
import { removalOf } from "../observed/routes";
import { singleToLo } from "../plan/routes";
import { hostWarnings } from "../plan/warnings";

/** What an inspection is made of. */
export interface Sight {
  /** As the connection names it. */
  readonly host: string;
  readonly keys: Look["keys"];
  readonly observed: Observed;
  readonly answer: LookAnswer;
  /** Default: the host is none. */
  readonly director?: DirectorAnswer;
}

/** Says of a host what people should know. Pure. */
export function inspectionOf(sight: Sight): Inspection {
  const found = findings(sight);
  return { ok: !isWrong(found), ...found };
}

function isWrong(found: Omit<Inspection, "ok">): boolean {
  const operations = [found.pending, ...(found.director?.pending ?? [])];
  return (
    found.leaks.length > 0 ||
    found.staleVips.length > 0 ||
    found.selfRoutes.length > 0 ||
    operations.some((one) => one?.underWay === false) ||
    [found, found.director].some((one) => (one?.boot.problems.length ?? 0) > 0) ||
    found.names.some((name) => name.endsOnLo)
  );
}

function findings({ host, keys, observed, ...sight }: Sight): Omit<Inspection, "ok"> {
  const records = ownersHere(observed);
  const onLo = observed.addresses.filter(
    (one) => one.interface === "lo" && !isLoopback(one.address),
  );
  const vips = onLo.map((one) => vipReport(one, records, observed));
  const owners = [...records].map(([id, record]) => ownerReport(id, record, vips));
  const isDirected = (one: { address: string }) => isOfDirector(one.address, records, observed);
  const { answer, director: directing = NO_DIRECTOR } = sight;
  const pending = pendingOperation(answer, observed.bootId);
  const director = inspectedDirector(directing, observed.bootId);
  return {
    ...{ host, machineId: observed.machine.machineId, ...keys, vips },
    staleVips: vips.filter((vip) => vip.stale).map((vip) => vip.address),
    owners,
    boot: inspectedBoot(VIPS_AT_BOOT, observed),
    nics: observed.nics.filter((nic) => nic.hearsArp).map((nic) => nicReport(nic, observed)),
    leaks: leaksOf(onLo, [...records.values()], observed).filter((one) => !isDirected(one)),
    selfRoutes: selfRoutesOf(observed).filter((one) => !isDirected(one)),
    savedSysctls: [...((isHere(observed) && observed.registry?.saved.sysctls) || [])],
    ...(pending && { pending }),
    director,
    names: answer.names.map((name) => nameReport(name, answer.listeners, observed)),
    warnings: [
      ...(pending?.underWay ? [underWayWarning(pending)] : []),
      ...warningsOf(vips, owners, observed),
      ...warningsOfDirector(directing, director, observed.hasServiceRecords),
    ],
  };
}

/** The records that count: a registry that came with a clone's image says nothing about this machine. */
export function ownersHere(observed: Observed): ReadonlyMap<string, OwnerRecord> {
  return isHere(observed) ? (observed.registry?.owners ?? new Map()) : new Map();
}

/** A VIP of the host's own IPVS table is to be answered for, wherever it is, unless a real server claims it. */
function isOfDirector(
  address: string,
  owners: ReadonlyMap<string, OwnerRecord>,
  { services }: Observed,
): boolean {
  const isClaimed = [...owners.values()].some((record) => record.vips.includes(address));
  return services.includes(address) && !isClaimed;
}

function vipReport(
  one: BoundAddress,
  owners: ReadonlyMap<string, OwnerRecord>,
  observed: Observed,
): InspectedVip {
  const { address, prefixLength, scope, label } = one;
  const claiming = isFullLength(one)
    ? [...owners].filter(([, record]) => record.vips.includes(address)).map(([id]) => id)
    : [];
  const directed = isOfDirector(address, owners, observed);
  const stale = isFullLength(one) && claiming.length === 0 && !directed;
  return { address, prefixLength, scope, label, owners: claiming, directed, stale };
}

function selfRoutesOf(observed: Observed): InspectedSelfRoute[] {
  return singleToLo(observed)
    .filter(({ address }) => !observed.addresses.some((one) => one.address === address))
    .map(({ address, route }) => ({ address, route: route.text, remove: removalOf(route) }));
}

function ownerReport(
  id: string,
  { owner, incarnation, seen, vips, claims, persist }: OwnerRecord,
  bound: readonly InspectedVip[],
): InspectedOwner {
  const missing = vips.filter(
    (vip) => !bound.some((one) => one.owners.includes(id) && one.address === vip),
  );
  return {
    ...{ id, owner, incarnation, lastSeen: seen, vips: [...vips], missingVips: missing },
    sysctls: claims.map((claim) => ({ ...claim })),
    persist,
  };
}

function warningsOf(
  bound: readonly InspectedVip[],
  owners: readonly InspectedOwner[],
  observed: Observed,
): string[] {
  const addresses = [...bound.map((vip) => vip.address), ...owners.flatMap((one) => one.vips)];
  const vips = [...new Set(addresses)].flatMap(vipIn);
  const claims = [...ownersHere(observed).values()].flatMap((record) => record.claims);
  return [
    ...owners.flatMap(missingWarning),
    ...hostWarnings({ vips }, claims, observed),
    ...(observed.forwards && bound.length > 0 ? [FORWARDS] : []),
    ...(isHere(observed) ? [] : [strangersRegistry(VIPS_AT_BOOT)]),
  ];
}

function vipIn(address: string): Vip[] {
  const parsed = parseVip(address);
  return "vip" in parsed ? [parsed.vip] : [];
}

function missingWarning({ owner, missingVips }: InspectedOwner): string[] {
  if (missingVips.length === 0) return [];
  return [`${missingVips.join(", ")} is claimed by ${owner} and is not on lo`];
}

const FORWARDS =
  "ip_forward is 1: withdrawn while the director still sends, a VIP's packets go round between " +
  "the two until their TTL ends; set the weight to 0 first";
