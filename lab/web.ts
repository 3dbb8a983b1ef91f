import { join } from "node:path";

import type { LabHost } from "./host";
import { Keeper } from "./keeper";

/**
 * Starts a web server on a host, on port 80 of every address, that says who answers and which
 * address was asked. It ends with the host.
 */
export async function serveWeb(host: LabHost, port = 80): Promise<void> {
  await webProcess(host, "server.mjs", [host.name, String(port)]);
}

/**
 * Starts a service with pages for a health check, such as `/healthz`, on one address of a host, or on all
 * of both families (`::`). It ends with the host.
 */
export async function serveHealth(
  host: LabHost,
  { address = "::", port, tls = false }: { address?: string; port: number; tls?: boolean },
): Promise<Keeper> {
  return webProcess(host, "health.mjs", [address, String(port), tls ? "tls" : "plain"]);
}

/**
 * Runs a program of web/ in a host's network, and among its processes, so that it ends with the
 * host. The mounts are the machine's, because the host may have no Node.
 */
export async function webProcess(
  host: LabHost,
  program: "server.mjs" | "client.mjs" | "health.mjs",
  args: readonly string[] = [],
): Promise<Keeper> {
  const enter = ["-t", String(host.pid), "-n", "-p", "--", process.execPath];
  const script = join(__dirname, "web", program);
  return Keeper.start(`${program} on ${host.name}`, "nsenter", [...enter, script, ...args]);
}
