import {
  endpoint,
  nameOfTarget,
  portOf,
  selectorOf,
  type Destination,
} from "../domain/virtual-service";
import { idOf } from "../observed/registry";
import type { ServiceRecord } from "../observed/service-records";
import { nameOfService, type TableDestination, type TableService } from "../observed/service-table";
import { FORWARDING, serviceDifferences } from "../plan/service/differences";
import { takenOut } from "../plan/service/kept";
import { readBlock } from "../plan/service/read-block";
import { endpointIn } from "../plan/service/steps";
import { inspectedBoot, SERVICES_AT_BOOT } from "./boot";
import type { DirectorAnswer, DirectorSight, WaitingAnswer } from "./director-answer";
import type {
  InspectedDestination,
  InspectedDirector,
  InspectedService,
  InspectedServiceOwner,
} from "./director-types";
import type { DrainedService, PendingOperation } from "./common-types";
import { keptFilesOf } from "./kept-files";
import { pendingOperation } from "./pending";

/**
 * Says of a director what people should know; null of a host that is none. Pure.
 *
 * @param bootId of the boot that it is in
 */
export function inspectedDirector(sight: DirectorAnswer, bootId: string): InspectedDirector | null {
  if (sight.kind !== "director") return null;
  const { table, keepers, expiresWithDestination, expiresTemplates } = sight.observed;
  const records = recordsIn(sight);
  const pending = pendingIn(sight, bootId);
  const drained = pending.flatMap((one) => one.drains ?? []);
  const keepalivedFiles = keptFilesOf(sight.observed, records);
  return {
    services: table.map((service) => serviceOf(service, records, drained)),
    owners: records.map(([id, record]) => ownerOf(id, record, sight)),
    ...(keepalivedFiles.length > 0 && { keepalivedFiles }),
    boot: inspectedBoot(SERVICES_AT_BOOT, { ...sight.observed, registry: sight.onDisk }),
    keepers: [...keepers],
    pending,
    ...{ expiresWithDestination, expiresTemplates },
  };
}

type Records = readonly (readonly [id: string, record: ServiceRecord])[];

function recordsIn({ observed }: DirectorSight): Records {
  return [...(observed.registry?.owners ?? [])];
}

function serviceOf(
  found: TableService,
  records: Records,
  drained: readonly DrainedService[],
): InspectedService {
  const service = nameOfService(found);
  const declaring = records.filter(
    ([, record]) => selectorOf(record.service.target) === found.selector,
  );
  const held = drained.flatMap((one) => (one.service === service ? one.held : []));
  const { scheduler, flags, persistence, others, destinations } = found;
  return {
    ...{ service, scheduler, flags: [...flags] },
    ...(persistence && { persistence: { ...persistence } }),
    otherOptions: [...others],
    owners: declaring.map(([id]) => id),
    foreign: declaring.length === 0,
    destinations: destinations.map((one) => destinationOf(one, declaring, held)),
  };
}

function destinationOf(
  found: TableDestination,
  declaring: Records,
  held: readonly string[],
): InspectedDestination {
  const { address, port, weight, upperThreshold, lowerThreshold, active, inactive } = found;
  const destination = endpoint(address, port);
  const owners = declaring.filter(
    ([, { service }]) =>
      portOf(service.target) === port &&
      service.destinations.some((one) => one.address === address),
  );
  return {
    ...{ destination, weight, upperThreshold, lowerThreshold },
    forwarding: FORWARDING[found.forwarding],
    ...{ activeConnections: active, inactiveConnections: inactive },
    owners: owners.map(([id]) => id),
    foreign: owners.length === 0,
    held: held.includes(destination),
  };
}

function ownerOf(
  id: string,
  record: ServiceRecord,
  { observed }: DirectorSight,
): InspectedServiceOwner {
  const { owner, incarnation, seen, service, persist, block } = record;
  const found = observed.table.find((one) => one.selector === selectorOf(service.target));
  const port = portOf(service.target);
  const failing = found === undefined ? [] : outBy(record, found, observed);
  const rest = service.destinations.filter((one) => !failing.includes(one));
  return {
    ...{ id, owner, incarnation, lastSeen: seen, service: nameOfTarget(service.target) },
    destinations: service.destinations.map(({ address }) => endpoint(address, port)),
    persist,
    drift: serviceDifferences({ ...service, destinations: rest }, found),
    ...(block !== undefined && {
      keepalivedFile: block,
      failing: failing.map(({ address }) => endpoint(address, port)),
    }),
  };
}

/** By the checks that are in keepalived's file; where it cannot be read, whatever checks may have done. */
function outBy(
  { service, block }: ServiceRecord,
  found: TableService,
  { blocks }: DirectorSight["observed"],
): Destination[] {
  if (block === undefined) return [];
  const read = readBlock(blocks?.get(block) ?? []);
  if (read?.check.kind === "none") return [];
  return takenOut(service, found, read?.inhibitOnFailure ?? true);
}

function pendingIn(sight: DirectorSight, bootId: string): PendingOperation[] {
  const waiting = sight.waiting.flatMap((one): PendingOperation[] => {
    const operation = pendingOperation(one, bootId);
    return operation === undefined ? [] : [{ ...operation, drains: drainedBy(one, sight) }];
  });
  const locked = pendingOperation(sight.pending, bootId);
  return locked === undefined ? waiting : [locked, ...waiting];
}

function drainedBy({ id, journal }: WaitingAnswer, sight: DirectorSight): DrainedService {
  const names = new Map([
    ...recordsIn(sight).map(
      ([, { service }]) => [selectorOf(service.target), nameOfTarget(service.target)] as const,
    ),
    ...sight.observed.table.map((one) => [one.selector, nameOfService(one)] as const),
  ]);
  const selector = [...names.keys()].find((one) => idOf(one) === id) ?? "";
  const quieted = journal.flatMap((line) => /^edited .* => (.* -w 0( .*)?)$/.exec(line)?.[1] ?? []);
  const held = [...quieted.map(endpointIn), ...heldByFile(selector, journal, sight)].filter(
    (one) => one !== "",
  );
  return { service: names.get(selector) ?? id, held: [...new Set(held)] };
}

/** A step by keepalived's file does not say which destinations it is about; the file does. */
function heldByFile(
  selector: string,
  journal: readonly string[],
  { observed: { table, blocks } }: DirectorSight,
): string[] {
  const files = journal.flatMap((line) => /^managed (\S+) /.exec(line)?.[1] ?? []);
  if (files.length === 0) return [];
  const read = files.flatMap((file) => readBlock(blocks?.get(file) ?? []) ?? []);
  const isQuiet = (address: string) =>
    read.length === 0 ||
    read.some(({ destinations }) =>
      destinations.some((one) => one.address === address && one.weight === 0),
    );
  const found = table.find((one) => one.selector === selector)?.destinations ?? [];
  return found.flatMap(({ address, port, weight }) =>
    weight === 0 && isQuiet(address) ? [endpoint(address, port)] : [],
  );
}
