import type { Refusal } from "../../domain/errors";
import { nameOfTarget } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import { idOf } from "../../observed/registry";
import type { ServiceRecord } from "../../observed/service-records";
import { otherServiceRecords, servedBy, type DesiredService, type ServiceClaim } from "./claim";
import { destinationDifferences, schedulingDifferences } from "./differences";
import type { Membership } from "./steps";

/**
 * Why a director must not be changed: what is wrong there, and what to do about it. Empty where it
 * may be. Pure.
 */
export function serviceRefusals(
  { kind, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  membership: Membership,
  observed: ObservedDirector,
): Refusal[] {
  const isKept = claim.block !== undefined;
  const keepers = observed.keepers.filter((keeper) => !isKept || keeper !== "keepalived");
  const always = keeperRefusals({ keepers });
  const serving = () => [
    ...declaredTwice(claim, mine),
    ...otherOwners(claim, observed),
    ...ownAddresses(claim, observed),
    ...(mine.size === 0 && claim.former === undefined && !isKept ? adoption(claim, observed) : []),
    ...emptied(claim, membership, observed),
  ];
  return [...always, ...(kind === "serve" ? serving() : [])].map((what) => ({
    what,
    remedies: [],
  }));
}

/**
 * Programs that keep the director's table, a sentence each. One owner per table: each of them believes
 * that it is theirs, and undoes what others do.
 */
export function keeperRefusals({ keepers }: Pick<ObservedDirector, "keepers">): string[] {
  return keepers.map((keeper) => {
    const way = keeper === "keepalived" ? ", or here with manager: { keepalived: {} }" : "";
    return `${keeper} runs on this director and keeps its IPVS table: declare the service there${way}`;
  });
}

function declaredTwice(
  { owner, incarnation, beside }: ServiceClaim,
  mine: ReadonlyMap<string, ServiceRecord>,
): string[] {
  const known = mine.get(idOf(owner))?.incarnation;
  if (known === undefined || known === incarnation || !beside?.has(known)) return [];
  return [
    `another resource of this program has the owner ${JSON.stringify(owner)} on this director: give each a name of its own, or leave the input owner out`,
  ];
}

function otherOwners(claim: ServiceClaim, observed: ObservedDirector): string[] {
  return otherServiceRecords(claim, observed).map(
    ({ owner }) =>
      `${nameOfTarget(claim.service.target)} is declared on this director by ${JSON.stringify(owner)}: one resource declares a service; if that one was renamed, say so with aliases`,
  );
}

/** Direct routing to itself is a loop, or a local service that only this director has. */
function ownAddresses({ service }: ServiceClaim, { addresses }: ObservedDirector): string[] {
  return service.destinations
    .filter((one) => addresses.has(one.address))
    .map(
      (one) =>
        `the destination ${one.address} is an address of the director itself: a real server is another host`,
    );
}

/** What somebody made by hand is taken over if it is as declared; else it is theirs. */
function adoption(claim: ServiceClaim, observed: ObservedDirector): string[] {
  const found = servedBy(claim, observed);
  if (found === undefined) return [];
  const name = nameOfTarget(claim.service.target);
  const unsaid = found.others.map((one) => `${one}, which no input says`);
  const differences = [
    ...unsaid,
    ...(unsaid.length > 0 ? [] : schedulingDifferences(claim.service, found)),
    ...destinationDifferences(claim.service, found)
      .filter(({ isMissing }) => !isMissing)
      .map(({ text }) => text),
  ];
  if (differences.length === 0) return [];
  return [
    `${name} is in the table, declared by nobody, and not as declared (${differences.join("; ")}): make it so with ipvsadm, or remove it`,
  ];
}

/** Connections come in, and after the update there would be nobody to take them. */
function emptied(
  claim: ServiceClaim,
  { foreign, leaving }: Membership,
  observed: ObservedDirector,
): string[] {
  if (claim.allowEmpty === true) return [];
  const found = servedBy(claim, observed)?.destinations ?? [];
  const after = [...claim.service.destinations, ...foreign];
  if (!found.some((one) => one.weight > 0) || after.some((one) => one.weight > 0)) return [];
  const last = leaving.length > 0 ? "no destination would be left" : "all weights would be 0";
  return [
    `${nameOfTarget(claim.service.target)} takes connections now, and ${last} to take them: keep one, or set allowEmpty to true`,
  ];
}
