import * as pulumi from "@pulumi/pulumi";
import { virtualServiceInputs } from "../inputs/virtual-service";
import type { ConnectionArgs, TimeoutsArgs } from "./args";
import { SERVICE_PROVIDER_SOURCE } from "./provider-source";
import { omitPromiseTraces } from "./promise-traces";
import { completeRegistration, registration } from "./registration";
import type { DestinationArgs, ManagerArgs, PersistenceArgs } from "./service-args";
import type { ServiceDrainArgs, ServiceTable, VirtualServiceArgs } from "./service-args";

/**
 * An IPVS virtual service on a director, whole: its scheduler, its persistence, and its destinations by
 * direct routing.
 *
 * It depends on its real servers, and so is served after they have converged, drops a destination
 * (drained, where that is asked for) before that host's VIPs are withdrawn, and goes first in a destroy.
 * Inputs are checked at preview; nothing connects in a preview unless it refreshes.
 *
 * @example
 * const shop = new VirtualService("shop-80", {
 *   director: { host: "10.0.0.2", privateKeyFile: "~/.ssh/id_ed25519" },
 *   vip: "203.0.113.10",
 *   port: 80,
 *   destinations: [{ address: "10.0.0.11", weight: 10 }, { address: "10.0.0.12" }],
 *   drain: { timeoutSeconds: 60 },
 * }, { dependsOn: [web1, web2] });
 */
export class VirtualService extends pulumi.CustomResource {
  /** How the director is reached. Its secrets are secret in the state, each by itself. */
  declare readonly director: pulumi.Output<pulumi.Unwrap<ConnectionArgs>>;
  /** The VIP, canonical; undefined with a firewall mark. */
  declare readonly vip: pulumi.Output<string | undefined>;
  /** The port; undefined with a firewall mark. */
  declare readonly port: pulumi.Output<number | undefined>;
  /** The protocol; undefined, where not given, is "tcp". */
  declare readonly protocol: pulumi.Output<"tcp" | "udp" | undefined>;
  /** The firewall mark; undefined with a VIP. */
  declare readonly fwmark: pulumi.Output<number | undefined>;
  /** The IP version of a service by firewall mark. */
  declare readonly family: pulumi.Output<4 | 6 | undefined>;
  /** How connections are shared out. */
  declare readonly scheduler: pulumi.Output<string>;
  /** Flags of the scheduler; undefined where there are none. */
  declare readonly schedulerFlags: pulumi.Output<string[] | undefined>;
  /** How long a client stays with its destination; undefined where it does not. */
  declare readonly persistence: pulumi.Output<pulumi.Unwrap<PersistenceArgs> | undefined>;
  /** The declared destinations, canonical, sorted by address, with their weights. */
  declare readonly destinations: pulumi.Output<pulumi.Unwrap<DestinationArgs>[]>;
  /** How connections are waited for before a destination is removed; undefined where they are not. */
  declare readonly drain: pulumi.Output<pulumi.Unwrap<ServiceDrainArgs> | undefined>;
  /** What becomes of destinations that nobody declares; undefined, where not given, is "report". */
  declare readonly foreignDestinations: pulumi.Output<"report" | "remove" | undefined>;
  /** The program that keeps the table; undefined where it is written by this package. */
  declare readonly manager: pulumi.Output<pulumi.Unwrap<ManagerArgs> | undefined>;
  /** Whether the service is put back into the table at boot. */
  declare readonly persist: pulumi.Output<boolean>;
  /** Whether an update may leave nobody to take connections; undefined, where not given, is false. */
  declare readonly allowEmpty: pulumi.Output<boolean | undefined>;
  /** What destroy does when the director cannot be reached: "fail" or "forget". */
  declare readonly unreachableOnDestroy: pulumi.Output<"fail" | "forget">;
  /** What a refresh does when the director cannot be reached: "fail" or "keep". */
  declare readonly unreachableOnRefresh: pulumi.Output<"fail" | "keep">;
  /** Time limits in seconds. */
  declare readonly timeouts: pulumi.Output<pulumi.Unwrap<TimeoutsArgs>>;
  /** The name of this declaration in the director's registry. */
  declare readonly owner: pulumi.Output<string>;
  /** The service as last read back from the director's kernel; empty where it was not there. */
  declare readonly table: pulumi.Output<ServiceTable>;
  /** Destinations in the service that nobody declares, with their ports, as last read. */
  declare readonly foreign: pulumi.Output<string[]>;
  /**
   * Destinations that `manager` has taken out for its checks, or that somebody has removed, with their ports,
   * as last read; undefined without `manager`.
   */
  declare readonly failing: pulumi.Output<string[] | undefined>;
  /** One line for each difference that the last read found; empty when there is none. */
  declare readonly drift: pulumi.Output<string[]>;
  /** False while an operation's outcome is unknown, or when a read found drift. */
  declare readonly converged: pulumi.Output<boolean>;
  /** The director's machine-id; `-` where it has none. */
  declare readonly machineId: pulumi.Output<string>;
  /** The SSH host key that the director showed, "ssh-ed25519 AAAA…"; pinned on first contact. */
  declare readonly hostKey: pulumi.Output<string>;
  /** The bastion's SSH host key; undefined without a bastion. */
  declare readonly proxyHostKey: pulumi.Output<string | undefined>;

  /**
   * Declares a virtual service.
   *
   * @param name unique in the program
   * @param args what it answers to, who takes the connections, and how to reach the director
   * @param opts Pulumi's resource options; name the real servers in `dependsOn`. `import` is refused,
   *   because creating adopts a service that is as declared; `customTimeouts` has no effect and is
   *   warned about, use `timeouts`
   */
  constructor(name: string, args: VirtualServiceArgs, opts?: pulumi.CustomResourceOptions) {
    const restore = omitPromiseTraces();
    try {
      super(...registration(VIRTUAL_SERVICE, name, args, opts));
    } finally {
      restore();
    }
    completeRegistration(this, VIRTUAL_SERVICE, name, args, opts);
  }
}

const UNSET_OUTPUTS: Record<
  Exclude<keyof VirtualService, keyof pulumi.CustomResource | keyof VirtualServiceArgs>,
  undefined
> = {
  table: undefined,
  foreign: undefined,
  failing: undefined,
  drift: undefined,
  converged: undefined,
  machineId: undefined,
  hostKey: undefined,
  proxyHostKey: undefined,
};

const VIRTUAL_SERVICE = {
  title: "VirtualService",
  source: SERVICE_PROVIDER_SOURCE,
  inputs: virtualServiceInputs,
  outputs: UNSET_OUTPUTS,
  deletedFirst:
    "deleteBeforeReplace removes the old service before the new one is there: nobody answers " +
    "meanwhile; leave it out",
};
