import { destinationOptions, portOf, selectorOf } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import type { ServiceRecord } from "../../observed/service-records";
import type { TableDestination, TableService } from "../../observed/service-table";
import { otherServiceRecords, servedBy, serviceOptions, type DesiredService } from "./claim";

/** One line of `ipvsadm -R`. Options are whole: selector first, for `-e` and `-E` drop what is not said. */
export type TableStep =
  | { readonly kind: "add"; readonly of: StepSubject; readonly options: string }
  | {
      readonly kind: "edit";
      readonly of: StepSubject;
      readonly was: string;
      readonly options: string;
    }
  | { readonly kind: "remove"; readonly of: StepSubject; readonly was: string };

/** What a step is about. */
export type StepSubject = "service" | "destination";

/** What a service's destinations are to a claim. */
export interface Membership {
  /** Those that were ours, or that nobody is to keep, and that are declared no more. */
  readonly leaving: readonly TableDestination[];
  /** Those of `leaving` that nobody declared. */
  readonly unwanted: readonly TableDestination[];
  /** Those that nobody declared, and that stay. */
  readonly foreign: readonly TableDestination[];
}

/**
 * Tells the destinations in the table apart. One on another port than ours is not ours, and one that
 * another owner declares is theirs, also where ours is withdrawn.
 */
export function membershipOf(
  { kind, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  observed: ObservedDirector,
): Membership {
  const { service, former = [] } = claim;
  const port = portOf(service.target);
  const declared = new Set(service.destinations.map((one) => one.address));
  const ours = new Set([
    ...former,
    ...[...mine.values()].flatMap((one) => one.service.destinations).map((one) => one.address),
    ...(kind === "withdraw" ? declared : []),
  ]);
  const theirs = new Set(
    otherServiceRecords(claim, observed).flatMap((one) =>
      one.service.destinations.map(({ address }) => address),
    ),
  );
  const others = (servedBy(claim, observed)?.destinations ?? []).filter(
    (one) => kind === "withdraw" || one.port !== port || !declared.has(one.address),
  );
  const stays = others.filter(
    (one) => one.port !== port || !ours.has(one.address) || theirs.has(one.address),
  );
  const unwanted =
    claim.foreignDestinations === "remove" ? stays.filter((one) => !theirs.has(one.address)) : [];
  return {
    leaving: others.filter((one) => !stays.includes(one) || unwanted.includes(one)),
    unwanted,
    foreign: stays.filter((one) => !unwanted.includes(one)),
  };
}

/**
 * The steps from the table as it is to the one that is desired, in the order in which no connection is
 * without a destination: the service, destinations that come, weights up, weights down, what leaves;
 * on a withdrawal the service last, unless somebody else's destination is in it, or it is theirs too.
 */
export function tableSteps(
  desired: DesiredService,
  { leaving, foreign }: Membership,
  observed: ObservedDirector,
): TableStep[] {
  const found = servedBy(desired.claim, observed);
  const goes = desired.held ? leaving.flatMap(quiesce) : leaving.map(removal);
  if (desired.kind === "serve")
    return [...serviceSteps(desired, found), ...destinationSteps(desired, found), ...goes];
  const isLast = foreign.length === 0 && otherServiceRecords(desired.claim, observed).length === 0;
  if (found === undefined || desired.held || !isLast) return goes;
  return [...goes, { kind: "remove", of: "service", was: found.options }];
}

/** The endpoint that a step on a destination is about; empty where it is about the service. */
export function endpointIn(options: string): string {
  return / -r (\S+)/.exec(options)?.[1] ?? "";
}

function serviceSteps({ claim }: DesiredService, found: TableService | undefined): TableStep[] {
  const options = serviceOptions(claim.service);
  if (found === undefined) return [{ kind: "add", of: "service", options }];
  if (found.options === options) return [];
  return [{ kind: "edit", of: "service", was: found.options, options }];
}

function destinationSteps({ claim }: DesiredService, found: TableService | undefined): TableStep[] {
  const { target, destinations } = claim.service;
  const come: TableStep[] = [];
  const up: TableStep[] = [];
  const down: TableStep[] = [];
  for (const one of destinations) {
    const options = `${selectorOf(target)} ${destinationOptions(one, target)}`;
    const had = found?.destinations.find(
      ({ address, port }) => address === one.address && port === portOf(target),
    );
    if (had === undefined) come.push({ kind: "add", of: "destination", options });
    else if (had.options !== options) {
      const edit = { kind: "edit", of: "destination", was: had.options, options } as const;
      (one.weight < had.weight ? down : up).push(edit);
    }
  }
  return [...come, ...up, ...down];
}

/** Its other options stay, however it is forwarded to. */
function quiesce({ weight, options }: TableDestination): TableStep[] {
  if (weight === 0) return [];
  const quiet = options.replace(/ -w \d+/, " -w 0");
  return [{ kind: "edit", of: "destination", was: options, options: quiet }];
}

function removal({ options }: TableDestination): TableStep {
  return { kind: "remove", of: "destination", was: options };
}
