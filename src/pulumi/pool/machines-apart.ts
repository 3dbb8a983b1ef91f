import * as pulumi from "@pulumi/pulumi";
import { engineMonitor } from "../engine-monitor";
import type { RealServer } from "../real-server";
import { valueOf } from "./barrier";
import { oneMachineTwice, type MemberMachine } from "./machines";

/**
 * Fails each create and update of a service while two members are one machine. A hook, because it fails the
 * step of its service and no more: a service that was not registered, the engine would delete. It does not
 * run in a preview, where it could know no new member.
 */
export function machinesApart(
  poolName: string,
  realServers: Readonly<Record<string, RealServer>>,
): pulumi.ResourceHookBinding {
  const monitor = engineMonitor();
  // A resource with a hook fails where there is none.
  if (monitor === undefined) return {};
  const hook = new pulumi.ResourceHook(hookName(monitor, poolName), async () => {
    const machines = await Promise.all(Object.entries(realServers).map(machineOf));
    const problem = oneMachineTwice(machines);
    if (problem !== undefined) throw new Error(`RealServerPool ${poolName}: ${problem}`);
  });
  return { beforeCreate: [hook], beforeUpdate: [hook] };
}

/** The names of the pools that have a hook, by the engine's run. */
const hooked = new WeakMap<object, string[]>();

/** No run takes a name twice, and pools under different parents may have one name. */
function hookName(monitor: object, poolName: string): string {
  const pools = hooked.get(monitor) ?? [];
  const earlier = pools.filter((name) => name === poolName).length;
  hooked.set(monitor, [...pools, poolName]);
  const which = earlier === 0 ? "" : ` (${earlier + 1})`;
  return `RealServerPool ${poolName}${which}: machines`;
}

/** What a member has not said, since it failed, is not known. */
async function machineOf([member, server]: [string, RealServer]): Promise<MemberMachine> {
  const said = (output: pulumi.Output<string>) => valueOf(output).catch(() => undefined);
  const [machineId, hostKey] = await Promise.all([said(server.machineId), said(server.hostKey)]);
  return { member, machineId, hostKey };
}
