// Plain interfaces that an old TypeScript (3.8, which Pulumi vendors) reads; inputs/ has their table.
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs, TimeoutsArgs } from "./args";

/**
 * What a program says about one IPVS service on one director.
 *
 * Every input is also an output of the same name and value. Bad values fail at `pulumi preview`,
 * before any connection is made, with one message each that names the input. A service answers to `vip`
 * and `port`, or to `fwmark` and `family`.
 */
export interface VirtualServiceArgs {
  /** How to reach the director. A changed `host` replaces the resource; all else is an update. */
  director: pulumi.Input<ConnectionArgs>;
  /**
   * The VIP that the service answers to. Another one replaces the service. Required, unless `fwmark` is
   * given.
   */
  vip?: pulumi.Input<string>;
  /**
   * The port that the service answers to, and that its destinations have: 1 to 65535. Another one
   * replaces the service. Required with `vip`.
   */
  port?: pulumi.Input<number>;
  /** The protocol. Another one replaces the service. Default: `"tcp"`. */
  protocol?: pulumi.Input<"tcp" | "udp">;
  /**
   * Instead of a VIP and a port: the mark that a firewall rule of the director puts on packets, 1 to
   * 2147483647. Another one replaces the service. Default: none.
   */
  fwmark?: pulumi.Input<number>;
  /**
   * The IP version of a service by firewall mark. Another one replaces the service. Required with
   * `fwmark`.
   */
  family?: pulumi.Input<4 | 6>;
  /** How connections are shared out, as `ipvsadm -s` names it. Default: `"wlc"`. */
  scheduler?: pulumi.Input<string>;
  /** Flags of the scheduler, as `ipvsadm -b` names them: `sh-fallback`. Default: none. */
  schedulerFlags?: pulumi.Input<pulumi.Input<string>[]>;
  /** A client stays with its destination. Default: none. */
  persistence?: pulumi.Input<PersistenceArgs>;
  /**
   * The real servers, by direct routing, each address once and of the service's IP version. Spelling
   * and order are never a diff. Depend on them (`dependsOn`), so that each joins once it has converged,
   * and leaves before its VIPs are withdrawn.
   */
  destinations: pulumi.Input<pulumi.Input<DestinationArgs>[]>;
  /**
   * Before a destination leaves, set its weight to 0 and wait until no TCP connection uses it.
   * Default: none, it is removed at once.
   */
  drain?: pulumi.Input<ServiceDrainArgs>;
  /**
   * Destinations in the service that nobody declares: `"report"` them in `foreign`, or `"remove"` them.
   * Default: `"report"`.
   */
  foreignDestinations?: pulumi.Input<"report" | "remove">;
  /**
   * The program that keeps the director's table, where one does: the service is then its to have, and ours
   * to declare. Default: none, the table is written by this package.
   */
  manager?: pulumi.Input<ManagerArgs>;
  /** Put the service back into the table at boot; with `manager` that does it. Default: `true`. */
  persist?: pulumi.Input<boolean>;
  /**
   * An update may leave the service without a destination that takes connections. Default: `false`.
   */
  allowEmpty?: pulumi.Input<boolean>;
  /**
   * What destroy does when the director cannot be reached: `"fail"`, or `"forget"` one that is gone for
   * good. Default: `"fail"`.
   */
  unreachableOnDestroy?: pulumi.Input<"fail" | "forget">;
  /**
   * What a refresh does when the director cannot be reached: `"fail"`, or `"keep"` what is known, with
   * a warning. Default: `"fail"`.
   */
  unreachableOnRefresh?: pulumi.Input<"fail" | "keep">;
  /** How long an operation may take. Default: `{}`, see there. */
  timeouts?: pulumi.Input<TimeoutsArgs>;
  /**
   * The name of this declaration in the director's registry. Default: organization and URN. Only
   * needed for two backends that have the same organization, project and stack names.
   */
  owner?: pulumi.Input<string>;
}

/** How long, and for whom, a client stays with its destination. */
export interface PersistenceArgs {
  /** So long after its last connection, in seconds: 1 to 2678400. */
  timeoutSeconds: pulumi.Input<number>;
  /**
   * All clients in a network of this size stay with one destination: `"255.255.255.0"`; for IPv6 a
   * prefix length, `"64"`. Default: each client for itself.
   */
  netmask?: pulumi.Input<string>;
}

/** A real server as a destination of a service. */
export interface DestinationArgs {
  /** The real server's own address (RIP), of the service's IP version. */
  address: pulumi.Input<string>;
  /** Its share of new connections, 0 to 65535; 0: none. Default: `1`. */
  weight?: pulumi.Input<number>;
  /** From so many connections on it gets no new ones. 0: no limit. Default: `0`. */
  upperThreshold?: pulumi.Input<number>;
  /** Until it has fewer than so many again. Default: `0`. */
  lowerThreshold?: pulumi.Input<number>;
}

/** How a destination's connections are waited for before it is removed. TCP only. */
export interface ServiceDrainArgs {
  /**
   * How long to wait at most, in seconds: 15 to 86400; a connection that was closed counts for 10.
   * `timeouts` does not count it.
   */
  timeoutSeconds: pulumi.Input<number>;
  /**
   * What happens to connections that are left then: `"remove"` cuts them, with a warning; `"fail"` puts
   * the weight back and ends the operation. Default: `"remove"`.
   */
  onTimeout?: pulumi.Input<"remove" | "fail">;
}

/** A program that keeps a director's table. */
export interface ManagerArgs {
  /** keepalived, 2.2 or newer, which has the service by a file of its own. */
  keepalived: pulumi.Input<KeepalivedArgs>;
}

/** A service as keepalived has it: a `virtual_server` block in a file that its configuration includes. */
export interface KeepalivedArgs {
  /**
   * Where the block is: an absolute path that ends in `.conf`. Default:
   * `/etc/keepalived/conf.d/lvs-dr-<vip>-<port>.conf`.
   */
  file?: pulumi.Input<string>;
  /**
   * What keepalived asks each real server, and takes it out for: one of `tcp`, `http`. Default: `"none"`.
   */
  check?: pulumi.Input<"none" | CheckArgs>;
  /** A real server that fails its check gets weight 0, instead of being taken out. Default: `false`. */
  inhibitOnFailure?: pulumi.Input<boolean>;
  /**
   * Real servers that are missing from the table: `"assume"` that they fail their check, or `"ask"`
   * keepalived, and repair those that somebody has removed. Default: `"assume"`.
   */
  failing?: pulumi.Input<"assume" | "ask">;
}

/** A health check of keepalived's: one of the two. */
export interface CheckArgs {
  /** It takes a TCP connection. Default: none. */
  tcp?: pulumi.Input<TcpCheckArgs>;
  /** It answers a GET over HTTP. Default: none. */
  http?: pulumi.Input<HttpCheckArgs>;
}

/** When a real server that takes no TCP connection has failed. */
export interface TcpCheckArgs {
  /** The port that is asked. Default: that of the service. */
  port?: pulumi.Input<number>;
  /** From one check to the next, in seconds: 1 to 3600. Default: `5`. */
  intervalSeconds?: pulumi.Input<number>;
  /** Without an answer for so long it has failed, in seconds: 1 to 3600. Default: `3`. */
  timeoutSeconds?: pulumi.Input<number>;
  /** How often it is tried again, a second apart, before the real server is taken out: 0 to 100. Default: `1`. */
  retries?: pulumi.Input<number>;
}

/** What a real server is asked for over HTTP, and when it has failed. */
export interface HttpCheckArgs extends TcpCheckArgs {
  /** What is asked for. Default: `"/"`. */
  path?: pulumi.Input<string>;
  /** The status that it has to answer with: 100 to 599. Default: `200`. */
  status?: pulumi.Input<number>;
  /** The header `Host`. Default: as keepalived has it. */
  host?: pulumi.Input<string>;
}

/** A service as the director's kernel has it. Empty while it has not been read, or is not there. */
export interface ServiceTable {
  /** As ipvsadm names it. */
  scheduler?: string;
  /** Flags of the scheduler, as ipvsadm names them. */
  flags?: string[];
  /** A client, or all clients in a network of that prefix length, stay with one destination. */
  persistence?: { timeoutSeconds: number; prefixLength: number };
  /** Those of the program, and foreign ones. */
  destinations?: ServiceTableDestination[];
}

/** A destination as the director's kernel has it. */
export interface ServiceTableDestination {
  /** With its port: `10.0.0.11:80`. */
  destination: string;
  /** Its share of new connections. */
  weight: number;
  /** 0: no limit. */
  upperThreshold: number;
  /** 0 where there is no limit. */
  lowerThreshold: number;
  /** `direct routing`, `masquerading`, `tunnelling`. */
  forwarding: string;
}
