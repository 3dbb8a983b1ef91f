import { readFile } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import type { Login, Way } from "./arguments";
import { UsageError } from "./usage";
import type { InspectConnection } from "../inspect/types";
import { connectionFailures, parseConnection } from "../inputs/connection";
import { COMMAND_TERMS, commandComplaint } from "./terms";
import { readPrivateKey } from "../transport/keys";
import { place, type Target } from "../transport/connection";
import { hostKeyPolicy } from "../transport/host-key";

/** Where passwords come from: a process list shows the command line, and not this. */
export type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The connection that a command line and the environment mean together.
 *
 * Keys are looked for as `ssh` does: `-i` alone where it is given; else the first of the user's
 * default keys that can be read. The agent of `SSH_AUTH_SOCK` comes after it. `~/.ssh/config` is
 * read by `--ssh` alone, which leaves all of this to ssh.
 *
 * @throws UsageError when the command line says too little or what cannot be
 */
export async function connectionOf(way: Way, environment: Environment): Promise<InspectConnection> {
  if (way.ssh !== undefined) return bySsh(way, way.ssh, environment);
  const passphrase = set(environment["PULUMI_LVS_DR_KEY_PASSPHRASE"]);
  const privateKeyFile = await keyFileOf(way, environment);
  const common = given({
    privateKeyFile,
    privateKeyPassword: passphrase,
    knownHostsFile: way.knownHostsFile,
  });
  const { proxy } = way;
  const password = set(environment["PULUMI_LVS_DR_PASSWORD"]);
  const sudoPassword = set(environment["PULUMI_LVS_DR_SUDO_PASSWORD"]);
  const proxyPassword = set(environment["PULUMI_LVS_DR_PROXY_PASSWORD"]);
  const connection: InspectConnection = {
    host: way.host,
    ...common,
    ...given({ user: way.user, port: way.port, password, sudoPassword }),
    ...(way.sudo && { sudo: true }),
    ...(proxy && {
      proxy: { host: proxy.host, ...common, ...given({ ...proxy, password: proxyPassword }) },
    }),
  };
  const failures = connectionFailures(connection).map(({ path }) => commandComplaint(path));
  const [complaint, ...more] = new Set(failures);
  if (complaint !== undefined) throw new UsageError(complaint, more);
  return connection;
}

/**
 * The private key's file for a login that ssh does not see to: as given, else the first default key that can be
 * read, else undefined. Of an encrypted key that takes its time.
 */
export async function keyFileOf(
  login: Login,
  environment: Environment,
): Promise<string | undefined> {
  const passphrase = set(environment["PULUMI_LVS_DR_KEY_PASSPHRASE"]);
  return login.keyFile ?? (login.ssh === undefined ? defaultKey(passphrase) : undefined);
}

/**
 * Warns of a host and a bastion whose keys are not known: there is no state here to pin a key in, so
 * every contact with one is the first. By ssh, it is for ssh to know them.
 *
 * @throws UsageError when a password would go to whoever answers
 */
export async function requireKnownHosts(
  connection: InspectConnection,
  warn: (text: string) => void,
): Promise<void> {
  const parsed = parseConnection(connection);
  if (parsed.ssh !== undefined) return;
  const { host: terms, proxy: proxyTerms } = COMMAND_TERMS;
  const { password, sudoPassword, proxy } = parsed;
  const target = { hop: parsed, title: place(parsed), terms };
  await requireKnown(target, [password, sudoPassword], warn);
  if (proxy === undefined) return;
  const bastion = { hop: proxy, title: place(proxy), terms: proxyTerms };
  await requireKnown({ ...bastion, isBastion: true }, [proxy.password], warn);
}

/** ssh finds keys and host keys by itself, and is told no password but sudo's. */
function bySsh(
  { host, user, port, keyFile, knownHostsFile, sudo }: Way,
  ssh: NonNullable<Way["ssh"]>,
  environment: Environment,
): InspectConnection {
  const sudoPassword = set(environment["PULUMI_LVS_DR_SUDO_PASSWORD"]);
  return {
    ...{ host, ssh },
    ...given({ user, port, privateKeyFile: keyFile, knownHostsFile, sudoPassword }),
    ...(sudo && { sudo }),
  };
}

/** An empty variable is one that is not set, as everywhere in a shell. */
function set(value: string | undefined): string | undefined {
  return value === "" ? undefined : value;
}

function given<T extends object>(fields: T): Partial<T> {
  const entries = Object.entries(fields).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as Partial<T>;
}

/** One that is encrypted is left to the agent, unless its passphrase is there. */
async function defaultKey(passphrase: string | undefined): Promise<string | undefined> {
  for (const name of ["id_ed25519", "id_ecdsa", "id_rsa"]) {
    const text = await readFile(join(homedir(), ".ssh", name), "utf8").catch(() => undefined);
    if (text !== undefined && readPrivateKey(text, passphrase).problem === undefined)
      return `~/.ssh/${name}`;
  }
  return undefined;
}

async function requireKnown(
  target: Target,
  passwords: readonly (string | undefined)[],
  warn: (text: string) => void,
): Promise<void> {
  const { hop } = target;
  const { algorithms } = await hostKeyPolicy(target, undefined);
  if (algorithms !== undefined) return;
  const unknown = `${place(hop)} is not in ${hop.knownHostsFile}`;
  const remedy = `ssh-keyscan -p ${hop.port} ${hop.host}, compare, and add it`;
  if (passwords.some((password) => password !== undefined))
    throw new UsageError(`${unknown}, and a password would go to whoever answers: ${remedy}`);
  warn(`${unknown}: whoever answers is believed (${remedy})`);
}
