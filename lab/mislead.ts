import type { Client } from "./client";
import type { LabHost } from "./host";

/**
 * Lets a client forget whose a VIP is, until it believes one of the hosts that leak it.
 *
 * Which answer comes first is a race. What is none: a host that has forgotten the client asks for
 * it in the VIP's name, and the client believes that, too.
 * @returns the host that the client's requests go to now, past the director
 * @throws Error when the client believed none of them, time after time
 */
export async function mislead(
  client: Client,
  vip: string,
  hosts: readonly LabHost[],
): Promise<LabHost> {
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    await client.host.run(`ip neigh flush to ${vip}`);
    for (const host of hosts) await host.run(`ip neigh flush to ${client.host.address}`);
    await client.request(vip);
    const { stdout } = await client.host.run(`ip neigh show ${vip}`);
    const believed = hosts.find(({ mac }) => stdout.includes(`lladdr ${mac} `));
    if (believed !== undefined) return believed;
  }
  throw new Error(`the client asked ${ATTEMPTS} times, and never believed a real server`);
}

const ATTEMPTS = 20;
