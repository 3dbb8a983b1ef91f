import type { LabHost } from "./host";
import type { Lab } from "./lab";
import { serveWeb } from "./web";

/** Makes a host with a web server on it, and nothing else of a real server. */
export async function webHost(lab: Lab, name: string): Promise<LabHost> {
  const host = await lab.host(name);
  await serveWeb(host);
  return host;
}
