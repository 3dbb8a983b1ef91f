import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import type { Channel, DialOptions, Transport } from "../../src/transport/transport";
import { dial } from "../../src/transport/ssh2/dial";
import type { Ssh2Connection } from "../../src/transport/connection";
import { RealServerError } from "../../src/domain/errors";
import type { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";

/** What a test may change about a connection; undefined takes a field away. */
export type Changes = { [K in keyof Ssh2Connection]?: Ssh2Connection[K] | undefined };

/** A connection to a lab host by the lab's plain key, known to nobody. */
export function connectionTo(
  lab: Lab,
  host: Pick<LabHost, "address" | "port">,
  changes: Changes = {},
): Ssh2Connection {
  const connection: Changes = {
    host: host.address,
    port: host.port,
    user: "root",
    privateKey: lab.keys.plain.content,
    knownHostsFile: "/nonexistent/known_hosts",
    dialErrorLimit: -1,
    perDialTimeout: 15,
    sudo: false,
    ...changes,
  };
  const given = Object.entries(connection).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as Ssh2Connection;
}

/** What was said while dialling, for tests that look. */
export const options = (changes: Partial<DialOptions> = {}): DialOptions => ({
  pins: {},
  connectSeconds: 20,
  signal: new AbortController().signal,
  progress: () => undefined,
  warn: () => undefined,
  ...changes,
});

/** Dials, gives the transport to `use`, closes it. */
export async function withTransport<T>(
  connection: Ssh2Connection,
  dialOptions: DialOptions,
  use: (transport: Transport) => Promise<T>,
): Promise<T> {
  const transport = await dial(connection, dialOptions);
  try {
    return await use(transport);
  } finally {
    transport.close();
  }
}

/** Logs in and returns what `id -un` says there. */
export async function userAfterLogin(
  connection: Ssh2Connection,
  changes: Partial<DialOptions> = {},
) {
  return withTransport(connection, options(changes), async (transport) => {
    const channel = await transport.exec("id -un");
    return (await text(channel)).trim();
  });
}

/** All that a channel prints until it closes, after what a login prints on hosts of the lab. */
export async function text(channel: Channel): Promise<string> {
  let all = "";
  channel.stdout.setEncoding("utf8").on("data", (part: string) => (all += part));
  channel.stderr.resume();
  await channel.closed;
  return all.replace(/^.*\u0007/, "");
}

/** The error of dialling that must fail. */
export async function dialError(
  connection: Ssh2Connection,
  changes: Partial<DialOptions> = {},
): Promise<RealServerError> {
  try {
    (await dial(connection, options(changes))).close();
  } catch (error) {
    if (error instanceof RealServerError) return error;
    throw error;
  }
  throw new Error("dialling succeeded, and should not have");
}

/** Writes a file that only its owner may read, for as long as `use` runs. */
export async function withFile<T>(content: string, use: (path: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "ssh-test-"));
  try {
    const path = join(folder, "file");
    await writeFile(path, content, { mode: 0o600 });
    return await use(path);
  } finally {
    await rm(folder, { recursive: true });
  }
}
