import { blockOwner } from "../../domain/keepalived";
import {
  endpoint,
  portOf,
  selectorOf,
  type Destination,
  type ServiceTarget,
} from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import type { ServiceRecord, VirtualServiceShape } from "../../observed/service-records";
import type { TableService } from "../../observed/service-table";
import { blockLines } from "./block";
import { ownServiceRecords, servedBy, serviceOptions } from "./claim";
import type { DesiredService, ServiceClaim } from "./claim";
import { endpointIn, tableSteps, type Membership, type TableStep } from "./steps";

/** Files of keepalived's configuration, which reads them together. */
export interface BlockChange {
  readonly kind: "block";
  /** Each whole; without lines there is none. */
  readonly files: readonly { readonly file: string; readonly lines: readonly string[] }[];
  /** keepalived reads them: it runs. */
  readonly isRead: boolean;
  /** It first reads its configuration without them: what is as before, it does not look at. */
  readonly isRenewed: boolean;
}

/**
 * The way to a service that keepalived has. Where its file differs, keepalived does the rest by reading it;
 * where the file says what is wanted, a line of the table that does not is put right there: keepalived
 * looks only at what changes in its files. What its checks have taken out stays out.
 */
export function keptChanges(
  desired: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  membership: Membership,
  observed: ObservedDirector,
): (BlockChange | TableStep)[] {
  const { claim, kind } = desired;
  if (claim.block === undefined) return tableSteps(desired, membership, observed);
  const isRead = observed.keepalived?.daemons.length === 1;
  const { file } = claim.block;
  const lines = wantedLines(desired, membership);
  const files = changedFiles(desired, mine, lines, observed);
  const found = servedBy(claim, observed);
  const byHand = () => {
    const out = new Set(failingOf(claim, observed).map((one) => endpointOf(claim, one)));
    const steps = isOurs(claim, mine, observed) ? tableSteps(desired, membership, observed) : [];
    return steps.filter((step) => !out.has(endpointIn(optionsOf(step))));
  };
  const isGone = kind === "serve" && found === undefined;
  if (files.length === 0 && !isGone) return byHand();
  const isRenewed = isGone && isOurs(claim, mine, observed);
  const whole = files.length === 0 ? [{ file, lines }] : files;
  const block = { kind: "block", files: whole, isRead, isRenewed } as const;
  return isRead ? [block] : [block, ...byHand()];
}

/**
 * Declared destinations that the checks have taken out: absent from the table, or at weight 0 there, and
 * where keepalived was asked, failing by its own word.
 */
export function failingOf(claim: ServiceClaim, observed: ObservedDirector): Destination[] {
  const alive = aliveOf(claim, observed);
  const out = outOf(claim, observed);
  return alive === undefined ? out : out.filter(({ address }) => alive[address] === false);
}

/**
 * Those of which it is not known whether a check has taken them out, though keepalived was to be asked: it is
 * where the block's file is there.
 */
export function unexplained(claim: ServiceClaim, observed: ObservedDirector): Destination[] {
  const isToldOf = claim.block?.asks === true && observed.keepalived?.block !== undefined;
  return isToldOf && aliveOf(claim, observed) === undefined ? outOf(claim, observed) : [];
}

function outOf(claim: ServiceClaim, observed: ObservedDirector): Destination[] {
  const { service, block } = claim;
  const found = servedBy(claim, observed);
  if (block === undefined || block.check.kind === "none" || found === undefined) return [];
  return takenOut(service, found, block.inhibitOnFailure);
}

function aliveOf(
  { service }: ServiceClaim,
  { keepalived }: ObservedDirector,
): Readonly<Record<string, boolean>> | undefined {
  const selector = selectorOf(service.target);
  return keepalived?.checked?.find((one) => one.selector === selector)?.alive;
}

/** Destinations that the table does not have, or has at weight 0 where they are not declared so, if that counts. */
export function takenOut<One extends Pick<Destination, "address" | "weight">>(
  {
    target,
    destinations,
  }: { readonly target: ServiceTarget; readonly destinations: readonly One[] },
  found: TableService,
  isQuietOut: boolean,
): One[] {
  return destinations.filter(({ address, weight }) => {
    const had = found.destinations.find(
      (one) => one.address === address && one.port === portOf(target),
    );
    return had === undefined || (isQuietOut && had.weight === 0 && weight > 0);
  });
}

/** Whether keepalived has the service by a block of the claim, as a record or the file itself says. */
export function isOurs(
  { owner }: ServiceClaim,
  mine: ReadonlyMap<string, ServiceRecord>,
  { keepalived }: ObservedDirector,
): boolean {
  const records = [...mine.values()];
  const written = blockOwner(keepalived?.block ?? []);
  return (
    records.some(({ block }) => block !== undefined) ||
    (written !== undefined && [owner, ...records.map((one) => one.owner)].includes(written))
  );
}

/** Something that the table does not show yet. */
export interface Behind {
  /** A phrase. */
  readonly what: string;
  /** It may stay like that: one whose check fails before it was seen. */
  readonly mayBeOut: boolean;
}

/**
 * What keepalived is still to do in the table, once it has been told to read its files. What no change of
 * the files is about counts for nothing, nor the weight of one that was kept at 0 because its check fails:
 * keepalived sets that when it lets it in again.
 *
 * @param before the director before it was told
 */
export function keptBehind(
  { kind, held, claim }: DesiredService,
  before: ObservedDirector,
  after: ObservedDirector,
): Behind[] {
  const found = servedBy(claim, after);
  const former = formerOf(claim, before);
  if (kind === "withdraw" && !held)
    return found === undefined ? [] : [behind("the service is there")];
  if (found === undefined) return [behind("the service is not there")];
  const wanted = kind === "serve" ? claim.service : undefined;
  const options = wanted && serviceOptions(wanted);
  const isOther = options !== undefined && former && options !== serviceOptions(former);
  const port = portOf(claim.service.target);
  const weights = new Map(
    found.destinations.flatMap((one) => (one.port === port ? [[one.address, one.weight]] : [])),
  );
  const had = new Map(former?.destinations.map((one) => [one.address, one.weight]));
  const declared = wanted?.destinations ?? [];
  const come = wanted === undefined ? [] : comingBehind(claim, before, had, weights);
  const left = [...had.keys()].flatMap((address) => {
    const now = weights.get(address);
    if (now === undefined || declared.some((one) => one.address === address)) return [];
    if (held) return now === 0 ? [] : [behind(`${address} has weight ${now}`)];
    return [behind(`${address} is there`)];
  });
  const isLate = isOther && found.options !== options;
  return [...(isLate ? [behind("scheduling")] : []), ...come, ...left];
}

/** Of what is declared: what is not there yet, or has another weight. */
function comingBehind(
  claim: ServiceClaim,
  before: ObservedDirector,
  had: ReadonlyMap<string, number>,
  weights: ReadonlyMap<string, number>,
): Behind[] {
  const { block, service } = claim;
  const isChecked = block !== undefined && block.check.kind !== "none";
  const isQuietOut = isChecked && block.inhibitOnFailure;
  const stood = new Map(
    servedBy(claim, before)?.destinations.map((one) => [one.address, one.weight]),
  );
  return service.destinations.flatMap(({ address, weight }) => {
    const now = weights.get(address);
    const formerly = had.get(address);
    if (now === undefined)
      return formerly === undefined ? [behind(`${address} is not there`, isChecked)] : [];
    // One that was there before its block keepalived passes over; its weight is set in the table then.
    const isPassedOver = formerly === undefined && stood.has(address);
    const wasOut = isQuietOut && stood.get(address) === 0 && (formerly ?? 0) > 0;
    if (now === weight || formerly === weight || isPassedOver || (wasOut && now === 0)) return [];
    return [behind(`${address} has weight ${now}`, isQuietOut && now === 0)];
  });
}

function behind(what: string, mayBeOut = false): Behind {
  return { what, mayBeOut };
}

/** As the files were before. */
function formerOf(claim: ServiceClaim, before: ObservedDirector): VirtualServiceShape | undefined {
  const records = [...ownServiceRecords(claim, before).values()];
  return records.find(({ block }) => block !== undefined)?.service;
}

/** Of the file of the claim's block; none on a withdrawal. */
function wantedLines({ kind, held, claim }: DesiredService, membership: Membership): string[] {
  const { owner, service, block } = claim;
  const { leaving, unwanted } = membership;
  const quiet = held ? leaving.filter((one) => !unwanted.includes(one)) : [];
  const destinations = [
    ...(kind === "serve" ? service.destinations : []),
    ...quiet.map((one) => ({ ...one, weight: 0 })),
  ];
  if (block === undefined || (kind === "withdraw" && destinations.length === 0)) return [];
  return blockLines(owner, { ...service, destinations }, block);
}

/** A file that the block has moved away from goes with the change of the other one. */
function changedFiles(
  { held, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  lines: readonly string[],
  observed: ObservedDirector,
): BlockChange["files"] {
  const { block } = observed.keepalived ?? {};
  const file = claim.block?.file ?? "";
  const isMine = block === undefined || isOurs(claim, mine, observed);
  const differs = lines.join("\n") !== (block ?? []).join("\n");
  const former = [...mine.values()].flatMap((one) => one.block ?? []);
  const left = former.filter((one) => one !== file);
  return [
    ...(held && !differs ? [] : left.map((one) => ({ file: one, lines: [] }))),
    ...(differs && isMine ? [{ file, lines }] : []),
  ];
}

function endpointOf({ service }: ServiceClaim, { address }: Destination): string {
  return endpoint(address, portOf(service.target));
}

function optionsOf(step: TableStep): string {
  return step.kind === "remove" ? step.was : step.options;
}
