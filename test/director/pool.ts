import { converge, withdraw, type Operation } from "../../src/converge";
import { connectionTo, options } from "../contract/ssh-connection";
import { claim } from "../host/claims";
import type { Lab, LabHost } from "../lab/lab";
import { serveWeb } from "../lab/web";

/** Makes a host with a web server on it, and nothing else of a real server. */
export async function webHost(lab: Lab, name: string): Promise<LabHost> {
  const host = await lab.host(name);
  await serveWeb(host);
  return host;
}

/** Makes it a real server for these VIPs, as a create does. */
export async function join(lab: Lab, host: LabHost, vips: readonly string[]): Promise<void> {
  await converge(operation(lab, host), claim(host.name, vips));
}

/** Takes the VIPs off it again, as a delete does. */
export async function leave(lab: Lab, host: LabHost, vips: readonly string[]): Promise<void> {
  await withdraw(operation(lab, host), claim(host.name, vips), { sysctls: "restore" });
}

function operation(lab: Lab, host: LabHost): Operation {
  return {
    ...options(),
    connection: connectionTo(lab, host),
    timeouts: { connectSeconds: 20, operationSeconds: 60 },
    warn: () => undefined,
  };
}
