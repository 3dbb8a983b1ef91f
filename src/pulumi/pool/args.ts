// Plain interfaces that an old TypeScript (3.8, which Pulumi vendors) reads.
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs, RealServerArgs } from "../args";
import type { ReadyArgs } from "../ready-args";
import type { VirtualServiceArgs } from "../service-args";

/**
 * What a program says about a pool: its VIPs, its real servers, and the services of its directors.
 *
 * Besides what is here, whatever a `RealServer` takes, for all members: `drain`, `arp`, `persist` and so
 * on. `unreachableOnRefresh` is `"keep"` unless the program says otherwise, because a dead member must not
 * stop its pool. Bad values fail at `pulumi preview`, with one sentence each that names the input.
 */
export interface RealServerPoolArgs extends Omit<
  RealServerArgs,
  "connection" | "vips" | "rips" | "owner"
> {
  /**
   * The VIPs that every member binds and every service answers to: IPv4 and IPv6 addresses, known at
   * preview. Spelling and order are never a diff.
   */
  vips: string[];
  /**
   * VIPs on their way out, taken from `vips`: members keep them bound, directors serve them no more. Once
   * an `up` has passed, drop them here, too. Default: none.
   */
  retiring?: string[];
  /**
   * How to reach members and directors: what they have in common. Fields of their own go before these.
   * Default: `{}`.
   */
  connection?: pulumi.Input<PoolConnectionArgs>;
  /**
   * The members by their names: a host, or an object. A member is its name, so that one that joins or leaves
   * changes no other; the order is that of the batches.
   */
  realServers: Record<string, pulumi.Input<string> | PoolMemberArgs>;
  /** How a change goes through the members. Default: `{}`, see there. */
  rollout?: PoolRolloutArgs;
  /** The directors by their names: a host, or an object. Default: none, something else owns them. */
  directors?: Record<string, pulumi.Input<string> | PoolDirectorArgs>;
  /** The services, on each director and for each of `vips`. Default: none. */
  services?: PoolServiceArgs[];
}

/** How to reach the hosts of a pool: the fields of `ConnectionArgs` without `host`. `proxy` is one field. */
export type PoolConnectionArgs = Partial<Omit<ConnectionArgs, "host">>;

/**
 * A member of a pool. Besides what is here, whatever a `RealServer` takes: it goes before what the pool
 * says, whole, save for `connection`, which is merged field by field.
 */
export interface PoolMemberArgs extends Partial<
  Omit<RealServerArgs, "connection" | "vips" | "rips" | "ready">
> {
  /** Where the host is reached. Another one replaces the member. */
  host: pulumi.Input<string>;
  /** Its share of new connections, 0 to 65535, on every director. Default: `1`. */
  weight?: pulumi.Input<number>;
  /** The IPv4 address that directors send to, on one of its NICs. Default: `host`, where that is one. */
  rip?: pulumi.Input<string>;
  /** The IPv6 address that directors send to, on one of its NICs. Default: `host`, where that is one. */
  rip6?: pulumi.Input<string>;
  /** Fields of its own. Default: `{}`. */
  connection?: pulumi.Input<PoolConnectionArgs>;
  /** As for a `RealServer`; `false` where the pool waits for readiness and this member is not to. Default: the pool's. */
  ready?: pulumi.Input<ReadyArgs> | false;
}

/** A director of a pool: its host, and fields of its own for the pool's `connection`. */
export interface PoolDirectorArgs extends PoolConnectionArgs {
  /** Where the director is reached. Another one replaces its services. */
  host: pulumi.Input<string>;
}

/**
 * A service of a pool: what a `VirtualService` takes, for every VIP on every director. `drain` is that of
 * the pool unless the service has its own; `unreachableOnRefresh` is `"keep"` unless given.
 */
export interface PoolServiceArgs extends Omit<
  VirtualServiceArgs,
  "director" | "vip" | "port" | "protocol" | "fwmark" | "family" | "destinations" | "owner"
> {
  /** 1 to 65535, known at preview. */
  port: number;
  /** Known at preview. Default: `"tcp"`. */
  protocol?: "tcp" | "udp";
}

/** How a change goes through the members of a pool. */
export interface PoolRolloutArgs {
  /**
   * How many members are changed at once: a number, or a share such as `"25%"`, rounded down and at least
   * one; or a list of them, of which the last one counts for the rest. Each batch waits for the one before it,
   * and a failure stops what follows. The whole pool at once is `"100%"`. Default: `[1, "25%"]`.
   */
  batch?: PoolBatch | PoolBatch[];
}

/** The size of a batch: a number of members, at least 1, or a share of the pool, `"1%"` to `"100%"`. */
export type PoolBatch = number | string;
