import * as pulumi from "@pulumi/pulumi";
import { realServerInputs } from "../../inputs/real-server";
import type { ConnectionArgs, RealServerArgs } from "../args";
import { isLater } from "../registration";
import type {
  PoolConnectionArgs,
  PoolDirectorArgs,
  PoolMemberArgs,
  RealServerPoolArgs,
} from "./args";

/** What a resource of a pool does with a host that cannot be reached, where the program does not say. */
export const POOL_DEFAULTS = { unreachableOnRefresh: "keep" } as const;

/**
 * What a pool's member is as a real server: the pool's inputs, its own before them, and `connection` merged
 * field by field.
 *
 * @param member A host, or an object.
 * @param vips What it binds.
 */
export function memberArgs(
  pool: RealServerPoolArgs,
  member: pulumi.Input<string> | PoolMemberArgs,
  vips: readonly string[],
): RealServerArgs {
  const own = memberObject(member);
  const { ready, ...fields } = { ...realServerFields(pool), ...realServerFields(own) };
  return {
    ...POOL_DEFAULTS,
    ...fields,
    ...(ready !== undefined && ready !== false && { ready }),
    ...ripsOf(own, vips),
    connection: connectionTo(own.host, pool.connection, own.connection),
    vips: [...vips],
  };
}

/** Those that are given, for families that there are VIPs of: a host that is an address is reached there. */
function ripsOf(
  { rip, rip6 }: PoolMemberArgs,
  vips: readonly string[],
): Pick<RealServerArgs, "rips"> {
  const isOf6 = (vip: string): boolean => vip.includes(":");
  const own = [vips.every(isOf6) ? undefined : rip, vips.some(isOf6) ? rip6 : undefined];
  const given = own.filter(isGiven);
  if (given.length === 0) return {};
  if (!given.some(isLater)) return { rips: given };
  // One that comes later may turn out to be missing.
  const all = pulumi.all(given as pulumi.Input<string | undefined>[]);
  return { rips: all.apply((rips) => rips.filter(isGiven)) };
}

/** How a director is reached: the pool's fields, its own before them. */
export function directorConnection(
  pool: RealServerPoolArgs,
  director: pulumi.Input<string> | PoolDirectorArgs,
): pulumi.Input<ConnectionArgs> {
  if (isHost(director)) return connectionTo(director, pool.connection, undefined);
  const { host, ...own } = director;
  return connectionTo(host, pool.connection, own);
}

/** A member as an object, whichever way the program has it. */
export function memberObject(member: pulumi.Input<string> | PoolMemberArgs): PoolMemberArgs {
  return isHost(member) ? { host: member } : member;
}

/** Whether a member or a director is a host alone: a text, or one that comes later. */
export function isHost(value: unknown): value is pulumi.Input<string> {
  return typeof value === "string" || isLater(value);
}

/** Whether the program gives a value: `null` is as `undefined`. */
export function isGiven<T>(value: T | undefined | null): value is T {
  return value !== undefined && value !== null;
}

/** An object without what is absent, so that the program may write `undefined` for it. */
export function present<T extends object>(value: T): T {
  const given = Object.entries(value).filter(([, one]) => isGiven(one));
  return Object.fromEntries(given) as T;
}

function realServerFields(
  given: object,
): Omit<PoolMemberArgs, "host" | "connection" | "rip" | "rip6"> {
  const entries = Object.entries(present(given)).filter(([name]) => name in realServerInputs);
  return Object.fromEntries(entries);
}

/** As a plain object where it can be one: then a preview shows which host is meant. */
function connectionTo(
  host: pulumi.Input<string>,
  ...parts: (pulumi.Input<PoolConnectionArgs> | undefined)[]
): pulumi.Input<ConnectionArgs> {
  const merged = (given: readonly unknown[]): ConnectionArgs => ({
    ...(Object.assign({}, ...given.map((one) => present(one ?? {}))) as PoolConnectionArgs),
    host,
  });
  return parts.some(isLater) ? pulumi.all(parts).apply(merged) : merged(parts);
}
