import { isLoopback, parseVip, type Vip } from "../domain/address";
import type { Look } from "../operation/converge";
import type { LookAnswer } from "./answer";
import { leaksOf, nicReport } from "./leaks";
import { nameReport } from "./names";
import type {
  InspectedBoot,
  InspectedOwner,
  InspectedSelfRoute,
  InspectedVip,
  Inspection,
  PendingOperation,
} from "./types";
import { type BoundAddress, isFullLength } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import { isSameMachine } from "../observed/machine";
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
}

/** Says of a host what people should know. Pure. */
export function inspectionOf(sight: Sight): Inspection {
  const { host, keys, observed, answer } = sight;
  const records = ownersHere(observed);
  const onLo = observed.addresses.filter(
    (one) => one.interface === "lo" && !isLoopback(one.address),
  );
  const vips = onLo.map((one) => vipReport(one, records));
  const owners = [...records].map(([id, record]) => ownerReport(id, record, vips));
  const staleVips = vips.filter((vip) => vip.stale).map((vip) => vip.address);
  const leaks = leaksOf(onLo, [...records.values()], observed);
  const selfRoutes = selfRoutesOf(observed);
  const pending = pendingIn(sight);
  const boot = bootReport(owners, observed);
  const names = answer.names.map((name) => nameReport(name, answer.listeners, observed));
  return {
    ok: !(
      leaks.length > 0 ||
      staleVips.length > 0 ||
      selfRoutes.length > 0 ||
      pending?.underWay === false ||
      boot.problems.length > 0 ||
      names.some((name) => name.endsOnLo)
    ),
    host,
    machineId: observed.machine.machineId,
    ...keys,
    vips,
    staleVips,
    owners,
    boot,
    nics: observed.nics.filter((nic) => nic.hearsArp).map((nic) => nicReport(nic, observed)),
    leaks,
    selfRoutes,
    savedSysctls: [...((isHere(observed) && observed.registry?.saved.sysctls) || [])],
    ...(pending && { pending }),
    names,
    warnings: warningsOf(vips, owners, sight),
  };
}

/** The records that count: a registry that came with a clone's image says nothing about this machine. */
export function ownersHere(observed: Observed): ReadonlyMap<string, OwnerRecord> {
  return isHere(observed) ? (observed.registry?.owners ?? new Map()) : new Map();
}

function isHere({ registry, machine }: Observed): boolean {
  return registry?.machine === undefined || isSameMachine(registry.machine, machine);
}

function vipReport(one: BoundAddress, owners: ReadonlyMap<string, OwnerRecord>): InspectedVip {
  const { address, prefixLength, scope, label } = one;
  const claiming = isFullLength(one)
    ? [...owners].filter(([, record]) => record.vips.includes(address)).map(([id]) => id)
    : [];
  const stale = isFullLength(one) && claiming.length === 0;
  return { address, prefixLength, scope, label, owners: claiming, stale };
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

function bootReport(owners: readonly InspectedOwner[], observed: Observed): InspectedBoot {
  const { boot } = observed;
  const { init, failure } = boot;
  const enabled = boot.enabled && boot.unit !== undefined && boot.replay !== undefined;
  const wanted = owners.some((one) => one.persist);
  return {
    init,
    enabled,
    problems: [
      ...(wanted && !enabled ? [NOT_ENABLED] : []),
      ...(isLeft(observed) ? [LEFT] : []),
      ...bindsNothing(observed),
      ...(failure === undefined ? [] : [`VIPs were left off at boot: ${failure}`]),
    ],
  };
}

/** A unit of ours that a withdrawal could not remove. */
function isLeft(observed: Observed): boolean {
  const { boot, registry } = observed;
  if (isNeeded(observed) || boot.unit?.version === undefined) return false;
  return registry === undefined || boot.fixed !== undefined;
}

/** As the boot decides it: by the registry that is on disk, whosever that is. */
function bindsNothing(observed: Observed): string[] {
  const { registry, machine } = observed;
  if (!isNeeded(observed)) return [];
  if (!isHere(observed)) return [`the boot binds nothing: ${STRANGER}`];
  const made = registry?.machine?.machineId ?? "-";
  return made !== "-" && machine.machineId === "-" ? [`the boot binds nothing: ${NAMELESS}`] : [];
}

const NAMELESS = "this machine has no machine-id, and the registry in /var/lib/lvs-dr has one";

const LEFT =
  "the unit pulumi-lvs-dr is left, and no owner needs it: remove it, and the link that enables it";

const NOT_ENABLED =
  "the next boot will not bind the VIPs: the unit pulumi-lvs-dr or what it starts is missing or not enabled";

function isNeeded({ registry }: Observed): boolean {
  return [...(registry?.owners.values() ?? [])].some((record) => record.persist);
}

function pendingIn({ answer, observed }: Sight): PendingOperation | undefined {
  const { journal, strange, underWay } = answer;
  if (journal.length === 0 && strange === undefined) return undefined;
  const said = (word: string) =>
    journal.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  return {
    by: said("by") ?? "unknown",
    underWay,
    earlierBoot: said("boot") !== observed.bootId,
    ...(strange !== undefined && { strange: strangeness(strange) }),
  };
}

function strangeness(line: string): string {
  const format = /^lvs-dr-journal (\d+)$/.exec(line)?.[1];
  return format === undefined ? `the line "${line}"` : `format ${format}`;
}

function warningsOf(
  bound: readonly InspectedVip[],
  owners: readonly InspectedOwner[],
  sight: Sight,
): string[] {
  const { observed } = sight;
  const pending = pendingIn(sight);
  const addresses = [...bound.map((vip) => vip.address), ...owners.flatMap((one) => one.vips)];
  const vips = [...new Set(addresses)].flatMap(vipIn);
  const claims = [...ownersHere(observed).values()].flatMap((record) => record.claims);
  return [
    ...(pending?.underWay ? [`an operation of ${pending.by} is under way: look again`] : []),
    ...owners.flatMap(missingWarning),
    ...hostWarnings({ vips }, claims, observed),
    ...(observed.forwards && bound.length > 0 ? [FORWARDS] : []),
    ...(isHere(observed) ? [] : [STRANGER]),
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

const STRANGER =
  "the registry in /var/lib/lvs-dr is another machine's (a clone?): its owners do not count here";
