// Stands in for the plugin of @pulumi/command 1.2.1, which cannot be downloaded everywhere: for
// `remote.Command`, as far as its graph goes. Written after its source (commandController.go,
// commandOutputs.go, connection.go). That changed triggers replace is asked of the engine by the SDK.
import { execFile } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual, promisify } from "node:util";
import type { Provider } from "@pulumi/pulumi/provider/index.js";
import { main } from "@pulumi/pulumi/provider/server.js";
import { isRpcSecret, unwrapRpcSecret } from "@pulumi/pulumi/runtime/rpc.js";

/** What the engine hands over: a secret is wrapped. */
type Properties = Record<string, unknown>;

interface Inputs {
  readonly connection: Connection;
  readonly create?: string;
  readonly update?: string;
  readonly delete?: string;
  readonly triggers?: unknown[];
  readonly addPreviousOutputInEnv?: boolean;
}

/** With the SDK's defaults. */
interface Connection {
  readonly host: string;
  readonly hostKey: string;
  readonly privateKey: string;
  readonly user: string;
  readonly port: number;
  readonly perDialTimeout: number;
  readonly dialErrorLimit: number;
}

/** Neither is in the environment of the next command: sshd would take it only with AcceptEnv. */
interface Output {
  readonly stdout: string;
  readonly stderr: string;
}

/** Anything else is refused rather than left out. */
const INPUTS: readonly (keyof Inputs)[] = [
  "connection",
  "create",
  "update",
  "delete",
  "triggers",
  "addPreviousOutputInEnv",
];
const FIELDS: readonly (keyof Connection)[] = [
  "host",
  "hostKey",
  "privateKey",
  "user",
  "port",
  "perDialTimeout",
  "dialErrorLimit",
];

const execute = promisify(execFile);

const provider: Provider = {
  version: "1.2.1",

  async check(urn, _olds, news: Properties) {
    if (!urn.includes("command:remote:Command::")) throw new Error(`the stand-in has no ${urn}`);
    const inputs = inputsOf(news);
    const unknown = [...others(inputs, INPUTS), ...others(inputs.connection, FIELDS)];
    const failures = unknown.map((property) => ({ property, reason: "unknown to the stand-in" }));
    return { inputs: news, failures };
  },

  // Whatever the input is, it is an update, the host too.
  async diff(_id, _urn, olds: Properties, news: Properties) {
    const [before, now] = [inputsOf(olds), inputsOf(news)];
    return { changes: INPUTS.some((name) => !isDeepStrictEqual(before[name], now[name])) };
  },

  async create(_urn, news: Properties) {
    const inputs = inputsOf(news);
    const output = await run(inputs.connection, inputs.create);
    return { id: `command-${randomUUID()}`, outs: { ...news, ...output } };
  },

  async update(_id, _urn, _olds, news: Properties) {
    const inputs = inputsOf(news);
    const output = await run(inputs.connection, inputs.update ?? inputs.create);
    return { outs: { ...news, ...output } };
  },

  async delete(_id, _urn, properties: Properties) {
    const inputs = inputsOf(properties);
    await run(inputs.connection, inputs.delete);
  },
};

void main(provider, process.argv.slice(2));

function inputsOf(properties: Properties): Inputs {
  return plain(properties) as Inputs;
}

function plain(value: unknown): unknown {
  if (isRpcSecret(value)) return plain(unwrapRpcSecret(value));
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one)]));
}

function others(given: object, names: readonly string[]): string[] {
  return Object.keys(given).filter((name) => !names.includes(name));
}

/** By the system's ssh, with what is given and nothing of this machine's. */
async function run(connection: Connection, line: string | undefined): Promise<Output> {
  if (line === undefined) return { stdout: "", stderr: "" };
  const folder = await mkdtemp(join(tmpdir(), "lvs-dr-command-"));
  try {
    const { stdout, stderr } = await execute("ssh", [...(await wayTo(connection, folder)), line]);
    return { stdout: stdout.replace(/\n$/, ""), stderr: stderr.replace(/\n$/, "") };
  } catch (cause) {
    const { code, stdout, stderr } = cause as { code: number; stdout: string; stderr: string };
    const what = `Process exited with status ${code}: running "${line}":\n${stdout}${stderr}`;
    throw new Error(what, { cause });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function wayTo(connection: Connection, folder: string): Promise<string[]> {
  const { host, hostKey, privateKey, user, port, perDialTimeout, dialErrorLimit } = connection;
  const [key, knownHosts] = [join(folder, "key"), join(folder, "known_hosts")];
  await writeFile(key, privateKey, { mode: 0o600 });
  await writeFile(knownHosts, `* ${hostKey}\n`);
  const options = [
    "BatchMode=yes",
    "IdentitiesOnly=yes",
    "IdentityAgent=none",
    `UserKnownHostsFile=${knownHosts}`,
    "GlobalKnownHostsFile=/dev/null",
    `ConnectTimeout=${perDialTimeout}`,
    `ConnectionAttempts=${dialErrorLimit + 1}`,
  ];
  const all = options.flatMap((option) => ["-o", option]);
  return ["-F", "none", ...all, "-i", key, "-p", String(port), `${user}@${host}`];
}
