import * as pulumi from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation";

import { RealServer, RealServerPool, type PoolBatch } from "../src/index";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";

/** What every host of the benchmark binds. */
export const VIPS = ["203.0.113.10", "2001:db8::10"];

/**
 * One real server a host, with a key in a file.
 *
 * @param persist Whether it makes a boot unit: what it is put beside does not.
 */
export function fleetProgram(lab: Lab, hosts: readonly LabHost[], persist: boolean): PulumiFn {
  return async () => {
    for (const host of hosts) {
      new RealServer(host.name, {
        connection: { host: host.address, privateKeyFile: lab.keys.plain.path },
        vips: VIPS,
        ...(!persist && { persist }),
      });
    }
  };
}

/** The same, each below one component, with names as long as those of a pool: what a parent costs alone. */
export function componentProgram(lab: Lab, hosts: readonly LabHost[]): PulumiFn {
  return async () => {
    const parent = new pulumi.ComponentResource("lvs-dr:index:RealServerPool", "shop");
    for (const host of hosts) {
      const connection = { host: host.address, privateKeyFile: lab.keys.plain.path };
      new RealServer(`shop-${host.name}`, { connection, vips: VIPS }, { parent });
    }
  };
}

/** The same hosts as members of one pool, with a boot unit, in batches of this size. */
export function poolProgram(
  lab: Lab,
  hosts: readonly LabHost[],
  batch: PoolBatch | PoolBatch[],
): PulumiFn {
  return async () => {
    new RealServerPool("shop", {
      vips: VIPS,
      connection: { privateKeyFile: lab.keys.plain.path },
      realServers: Object.fromEntries(hosts.map(({ name, address }) => [name, address])),
      rollout: { batch },
    });
  };
}
