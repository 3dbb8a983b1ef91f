import * as pulumi from "@pulumi/pulumi";
import { failureOf } from "../../inputs/failure";
import { RealServer } from "../real-server";
import { VirtualService } from "../virtual-service";
import type { VirtualServiceArgs } from "../service-args";
import type { RealServerPoolArgs } from "./args";
import { barrierOf } from "./barrier";
import { serviceDrain } from "./drain";
import { machinesApart } from "./machines-apart";
import { directorConnection, memberArgs, memberObject, POOL_DEFAULTS, present } from "./members";
import { childName } from "./names";
import { destinationOf } from "./rips";
import { readPool, type PoolService, type PoolShape } from "./shape";
import { warnOfUnreached } from "./unreached";

/**
 * A whole pool: real servers, and the virtual services that directors have for them.
 *
 * It is made of `RealServer`s and `VirtualService`s and of nothing else: each is an ordinary resource with its
 * own row, diff and drift. Members are changed in batches, each of which waits for the one before it, and
 * services after all members; what fails stops what follows.
 *
 * @example
 * const shop = new RealServerPool("shop", {
 *   vips: ["203.0.113.10", "2001:db8::10"],
 *   connection: { user: "deploy", privateKeyFile: "~/.ssh/id_ed25519" },
 *   realServers: { "web-1": { host: "10.0.0.11", rip6: "2001:db8:1::11" } },
 *   drain: { timeoutSeconds: 60 },
 *   directors: { "lb-1": "10.0.0.2", "lb-2": "10.0.0.3" },
 *   services: [{ port: 80 }, { port: 443 }],
 * });
 */
export class RealServerPool extends pulumi.ComponentResource {
  /** The members, by their names in the pool. */
  readonly realServers: Readonly<Record<string, RealServer>>;
  /**
   * The services, by director, VIP and port: `lb-1-203.0.113.10-80`, `lb-1-2001.db8..10-53-udp`. IPv6 has dots
   * in place of its colons.
   */
  readonly services: Readonly<Record<string, VirtualService>>;

  /**
   * Declares a pool. Its resources are named after it: `shop-web-1`, `shop-lb-1-203.0.113.10-80`.
   *
   * @param name unique in the program
   * @param args its VIPs, members, directors and services
   * @param opts Pulumi's options for components; `transformations` reach its resources, too
   * @throws pulumi.RunError with a sentence for each bad input
   */
  constructor(name: string, args: RealServerPoolArgs, opts?: pulumi.ComponentResourceOptions) {
    const shape = checked(name, args);
    super(POOL_TYPE, name, {}, opts);
    // All resources are made right here: the engine keeps the call stack of each in the state, where a
    // function in between is 90 bytes a member. Each member depends on all of the batch before it.
    const members = new Map<string, RealServer>();
    const barriers: Promise<pulumi.Resource>[] = [];
    let before: Promise<pulumi.Resource>[] = [];
    for (const batch of shape.batches) {
      const options = { parent: this, dependsOn: before };
      before = [];
      for (const member of batch) {
        const child = childName(name, member);
        const given = memberArgs(args, args.realServers[member] ?? "", shape.bound);
        const server = new RealServer(child, given, options);
        members.set(member, server);
        before.push(barrierOf(server, child, this));
      }
      barriers.push(...before);
    }
    this.realServers = Object.fromEntries(members);

    const services = new Map<string, VirtualService>();
    const hooks = shape.services.size > 0 ? machinesApart(name, this.realServers) : {};
    for (const [at, service] of shape.services) {
      const given = serviceArgs(this, name, args, service);
      const options = { parent: this, dependsOn: [...barriers], hooks };
      services.set(at, new VirtualService(childName(name, at), given, options));
    }
    this.services = Object.fromEntries(services);
    if (members.size === 0) void pulumi.log.warn(EMPTY, this);
    void warnOfUnreached(this, shape.batches, members, services.size);
    this.registerOutputs({});
  }

  /** Whether all members and all services are converged. */
  get converged(): pulumi.Output<boolean> {
    const all = [...Object.values(this.realServers), ...Object.values(this.services)];
    return pulumi
      .all(all.map(({ converged }) => converged))
      .apply((each) => each.every((converged) => converged));
  }
}

/** A filter that finds nothing looks the same. */
const EMPTY =
  "the pool has no member: those that it had are withdrawn at once, not in batches; preview shows them";
const POOL_TYPE = "lvs-dr:index:RealServerPool";

function checked(name: string, args: RealServerPoolArgs): PoolShape {
  const read = readPool(args);
  if ("shape" in read) return read.shape;
  const lines = read.failures.map(({ reason }) => `RealServerPool ${name}: ${reason}`);
  throw new pulumi.RunError(lines.join("\n"));
}

function serviceArgs(
  pool: pulumi.ComponentResource,
  poolName: string,
  args: RealServerPoolArgs,
  { place, args: service }: PoolService,
): VirtualServiceArgs {
  const { director, vip, port, protocol } = place;
  const drain = serviceDrain(args.drain);
  return {
    ...POOL_DEFAULTS,
    ...(drain !== undefined && { drain }),
    ...present(service),
    ...{ director: directorConnection(args, args.directors?.[director] ?? ""), vip: vip.address },
    ...{ port, ...(protocol === "udp" && { protocol }) },
    destinations: Object.entries(args.realServers).map(([member, given]) =>
      destinationOf(memberObject(given), vip.family, ({ path, message }) => {
        const { reason } = failureOf(["realServers", member, ...path], message);
        void pulumi.log.error(`RealServerPool ${poolName}: ${reason}`, pool);
      }),
    ),
  };
}
