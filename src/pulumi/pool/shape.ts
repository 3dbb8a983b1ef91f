import { compareVips, type Vip } from "../../domain/address";
import { failureOf, shown, type Failure } from "../../inputs/failure";
import { isRecord } from "../../inputs/values";
import { isLater } from "../registration";
import { addressFailures, readVips, type PoolVip } from "./addresses";
import type { PoolServiceArgs, RealServerPoolArgs } from "./args";
import { batchesOf, batchProblem, DEFAULT_BATCH } from "./batches";
import { serviceNameOf, type ServicePlace } from "./names";
import { structureFailures } from "./structure";

/** What a pool is made of. */
export interface PoolShape {
  /** What members bind, canonical and sorted: those that retire, too. */
  readonly bound: readonly string[];
  /** The members' names in the batches in which they are changed. */
  readonly batches: readonly (readonly string[])[];
  /** One for each director, VIP and service, by the name within the pool. */
  readonly services: ReadonlyMap<string, PoolService>;
}

/** One service on one director. */
export interface PoolService {
  readonly place: ServicePlace;
  readonly args: PoolServiceArgs;
}

/** Reads a pool's arguments, or says what is wrong with them. Pure: what comes later is not waited for. */
export function readPool(
  args: RealServerPoolArgs,
): { readonly shape: PoolShape } | { readonly failures: readonly Failure[] } {
  const structure = structureFailures(args);
  if (structure.length > 0) return { failures: structure };
  const { vips, failures: wrongVips } = readVips(args);
  const failures = [
    ...wrongVips,
    ...addressFailures(args, vips),
    ...batchFailures(args),
    ...serviceFailures(args),
    ...blockFileFailures(args, vips.filter(({ list }) => list === "vips").length),
  ];
  return failures.length > 0 ? { failures } : { shape: shapeOf(args, vips) };
}

function shapeOf(args: RealServerPoolArgs, vips: readonly PoolVip[]): PoolShape {
  const served = vips.filter(({ list }) => list === "vips").map(({ vip }) => vip);
  return {
    bound: vips
      .map(({ vip }) => vip)
      .sort(compareVips)
      .map(({ address }) => address),
    batches: batchesOf(Object.keys(args.realServers), args.rollout?.batch ?? DEFAULT_BATCH),
    services: new Map(
      Object.keys(args.directors ?? {}).flatMap((director) => servicesOn(director, served, args)),
    ),
  };
}

function servicesOn(
  director: string,
  vips: readonly Vip[],
  { services }: RealServerPoolArgs,
): [string, PoolService][] {
  return vips.flatMap((vip) =>
    (services ?? []).map((args): [string, PoolService] => {
      const place = { director, vip, port: args.port, protocol: args.protocol ?? "tcp" };
      return [serviceNameOf(place), { place, args }];
    }),
  );
}

function batchFailures({ realServers, rollout }: RealServerPoolArgs): Failure[] {
  const batch: unknown = rollout?.batch ?? undefined;
  const wrong =
    batch === undefined ? undefined : batchProblem(batch, Object.keys(realServers).length);
  if (wrong === undefined) return [];
  const path = ["rollout", "batch", ...(wrong.at === undefined ? [] : [wrong.at])];
  return [failureOf(path, wrong.problem)];
}

function serviceFailures({ directors, services }: RealServerPoolArgs): Failure[] {
  const given = services ?? [];
  const hasDirectors = Object.keys(directors ?? {}).length > 0;
  const seen = new Map<string, number>();
  const each = given.flatMap(({ port, protocol }, at): Failure[] => {
    const path = ["services", at];
    const wrong = [...portFailures(port, [...path, "port"]), ...protocolFailures(protocol, path)];
    if (wrong.length > 0) return wrong;
    const key = `${port}/${protocol ?? "tcp"}`;
    const earlier = seen.get(key);
    if (earlier !== undefined)
      return [
        failureOf(path, `${key} is that of services[${earlier}], too; name each service once`),
      ];
    seen.set(key, at);
    return [];
  });
  if (given.length > 0 && !hasDirectors)
    return [
      ...each,
      failureOf(["services"], "there is no director to have them; name it in directors"),
    ];
  return hasDirectors && given.length === 0
    ? [failureOf(["directors"], "there is no service for them; name it in services")]
    : each;
}

/** A file of keepalived's has one service, and a pool has one for each VIP. */
function blockFileFailures({ services }: RealServerPoolArgs, vips: number): Failure[] {
  const first = new Map<string, number>();
  return (services ?? []).flatMap(({ manager }, at) => {
    const file = knownBlockFile(manager);
    if (file === undefined) return [];
    const path = ["services", at, "manager", "keepalived", "file"];
    const earlier = first.get(file);
    first.set(file, earlier ?? at);
    if (vips > 1) {
      const text = `has one service, and there is one for each of ${vips} VIPs; leave it out`;
      return [failureOf(path, `${shown(file)} ${text}`)];
    }
    if (earlier === undefined) return [];
    const text = `is that of services[${earlier}], too; each service has a file of its own`;
    return [failureOf(path, `${shown(file)} ${text}`)];
  });
}

/** Undefined where there is none, and while a part of it is not known. */
function knownBlockFile(manager: unknown): string | undefined {
  if (!isRecord(manager) || isLater(manager)) return undefined;
  const { keepalived } = manager;
  if (!isRecord(keepalived) || isLater(keepalived)) return undefined;
  const { file } = keepalived;
  return typeof file === "string" ? file : undefined;
}

function portFailures(port: unknown, path: readonly (string | number)[]): Failure[] {
  if (typeof port === "number" && Number.isInteger(port) && port >= 1 && port <= 65_535) return [];
  const problem = `${shown(port)} is not a whole number from 1 to 65535 that a preview knows`;
  return [failureOf(path, problem)];
}

function protocolFailures(protocol: unknown, path: readonly (string | number)[]): Failure[] {
  if (protocol === undefined || protocol === null || protocol === "tcp" || protocol === "udp")
    return [];
  return [failureOf([...path, "protocol"], `${shown(protocol)} is neither "tcp" nor "udp"`)];
}
