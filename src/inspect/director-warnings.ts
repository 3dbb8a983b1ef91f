import { keeperRefusals } from "../plan/service/refusals";
import { directorWarnings } from "../plan/service/warnings";
import { listed } from "../plan/words";
import { SERVICES_AT_BOOT, strangersRegistry } from "./boot";
import type { DirectorAnswer, DirectorSight } from "./director-answer";
import { ownersNamed } from "./director-owners";
import type {
  InspectedDirector,
  InspectedKeepalivedFile,
  InspectedService,
  InspectedServiceOwner,
} from "./director-types";
import type { PendingOperation } from "./common-types";

/** What was read may be undone yet. */
export function underWayWarning({ by }: PendingOperation): string {
  return `an operation of ${by} is under way: look again`;
}

/**
 * What does no harm on a director now and will one day, or what its owners would repair, a sentence each.
 *
 * @param director what was made of the answer; null where the host is none
 * @param hasRecords the host has the folder of a director's records
 */
export function warningsOfDirector(
  answer: DirectorAnswer,
  director: InspectedDirector | null,
  hasRecords: boolean,
): string[] {
  if (answer.kind !== "director" || director === null)
    return answer.kind === "mute" && hasRecords ? [mutely(answer.missing)] : [];
  const { services, owners, pending, keepalivedFiles = [] } = director;
  return [
    ...(isStrangers(answer) ? [strangersRegistry(SERVICES_AT_BOOT)] : []),
    ...pending.flatMap(drainWarning),
    ...keeperRefusals({ keepers: unasked(director) }),
    ...owners.flatMap((one) => driftWarning(one, pending)),
    ...keepalivedFiles.flatMap((one) => fileWarning(one, director)),
    ...services.flatMap(foreignWarning),
    ...directorWarnings(answer.observed),
  ];
}

/** keepalived is asked for where a service is its to have. */
function unasked({ keepers, owners, keepalivedFiles = [] }: InspectedDirector): string[] {
  const isAsked =
    keepalivedFiles.length > 0 || owners.some((one) => one.keepalivedFile !== undefined);
  return keepers.filter((keeper) => keeper !== "keepalived" || !isAsked);
}

function isStrangers({ onDisk, observed }: DirectorSight): boolean {
  return onDisk !== undefined && observed.registry === undefined;
}

function mutely(missing: string): string {
  return `the host has a director's records in ${SERVICES_AT_BOOT.folder}, and no ${missing}: nothing is told of its services`;
}

function drainWarning(pending: PendingOperation): string[] {
  const { by, underWay, drains } = pending;
  if (!underWay) return [];
  if (drains === undefined) return [underWayWarning(pending)];
  const { service, held } = drains;
  return [`an operation of ${by} drains ${service}: ${listed(held) || "nothing"} is at weight 0`];
}

/** While an operation is on the service, the table is on its way. */
function driftWarning(
  { owner, service, drift }: InspectedServiceOwner,
  pending: readonly PendingOperation[],
): string[] {
  if (drift.length === 0 || isBusy(pending, service, [owner])) return [];
  return [`the table is not as ${owner} declares it: ${drift.join("; ")}`];
}

/** A file that is not as its owner has written it, or whose owner the director does not know. */
function fileWarning(
  { file, state, owners: ids, writtenBy, service }: InspectedKeepalivedFile,
  { owners, pending }: InspectedDirector,
): string[] {
  const names = ownersNamed(ids, owners);
  const whose = listed(names);
  if (state === "as declared" || isBusy(pending, service, names)) return [];
  switch (state) {
    case "edited":
      return [
        `keepalived's file ${file} is not as ${whose} declares it: its next refresh shows that as drift, and up writes it anew`,
      ];
    case "missing":
      return [
        `keepalived's file ${file}, by which ${whose} declares a service, is not there: its next refresh shows that as drift, and up writes it anew`,
      ];
    case "undeclared":
      return [
        `keepalived's file ${file} was written by ${writtenBy ?? "nobody known"}, of whom this director has no record: up of that stack takes it over; if there is none any more, remove the file and reload keepalived`,
      ];
  }
}

function isBusy(
  pending: readonly PendingOperation[],
  service: string | undefined,
  owners: readonly string[],
): boolean {
  return pending.some(
    ({ by, underWay, drains }) =>
      underWay && ((drains !== undefined && drains.service === service) || owners.includes(by)),
  );
}

function foreignWarning({ service, foreign, destinations }: InspectedService): string[] {
  const strangers = destinations.filter((one) => one.foreign).map((one) => one.destination);
  if (foreign || strangers.length === 0) return [];
  const verb = strangers.length === 1 ? "is" : "are";
  return [`${listed(strangers)} ${verb} in the service ${service}, declared by nobody`];
}
