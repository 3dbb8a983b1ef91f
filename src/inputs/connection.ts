import { checker } from "./check";
import type { Failure } from "./failure";
import type { Complaint, Field, Fields, Settled } from "./field";
import { hopComplaints, proxyFields } from "./hop";
import { RealServerError } from "../domain/errors";
import { UNKNOWN } from "./values";
import { storedReader } from "./stored";
import type { Connection } from "../transport/connection";

/** How the user's own `ssh` is run: the fields of `connection.ssh`. */
export const sshFields = {
  configFile: {
    kind: "line",
    what: "the name of a file",
    defaultText: "`~/.ssh/config`, where it is there",
    sentence:
      "A file as ssh_config(5) has it, in place of `~/.ssh/config`; `~/` is the user's home. The machine's " +
      "own is read besides.",
  },
  options: {
    kind: "list",
    of: "ssh option",
    what: "a list of options as in ssh_config, each Keyword=value",
    sentence: "Options for the host itself, as after `ssh -o`; they come before the config file.",
  },
  command: {
    kind: "line",
    what: "the name of a program",
    default: "ssh",
    sentence: "The OpenSSH client, 7.6 or later: its path, or its name on `PATH`.",
  },
} as const satisfies Fields;

const connectionFields = {
  ...proxyFields,
  host: {
    ...proxyFields.host,
    sentence: `${proxyFields.host.sentence} With \`ssh\`, an alias of ssh_config too.`,
  },
  port: {
    ...proxyFields.port,
    default: withoutSsh(22),
    defaultText: "`22`; with `ssh`, as ssh_config says",
  },
  user: {
    ...proxyFields.user,
    default: withoutSsh("root"),
    defaultText: '`"root"`; with `ssh`, as ssh_config says',
  },
  knownHostsFile: {
    ...proxyFields.knownHostsFile,
    default: withoutSsh("~/.ssh/known_hosts"),
    defaultText: '`"~/.ssh/known_hosts"`; with `ssh`, as ssh_config says',
  },
  perDialTimeout: {
    ...proxyFields.perDialTimeout,
    default: withoutSsh(15),
    defaultText: "`15`; with `ssh`, as ssh_config says, else `15`",
  },
  sudo: {
    kind: "flag",
    default: isSudoNeeded,
    defaultText: "`false` for the user `root`, else `true`; with `ssh`, decided by who logged in",
    sentence: "Whether to become root with `sudo` after login.",
  },
  sudoPassword: {
    kind: "line",
    what: "a password",
    secret: true,
    sentence:
      "What `sudo` asks for, if it asks. It implies `sudo`; together with `sudo: false` it is refused.",
  },
  proxy: {
    kind: "object",
    what: "an object that says how to reach a bastion",
    alsoWrong: hopComplaints,
    hidden: true,
    fields: proxyFields,
    defaultText: "none",
    sentence:
      "A bastion to go through: the same fields, with the same defaults, but `sudo`, `sudoPassword`, " +
      "`proxy` and `ssh`.",
  },
  ssh: {
    kind: "object",
    flag: true,
    fields: sshFields,
    defaultText: "none",
    page: "how-to/own-ssh.md",
    sentence:
      "Connect with the user's own OpenSSH client and its configuration. Not together with `password`, " +
      "`privateKey`, `privateKeyPassword` and `proxy`.",
  },
} as const satisfies Fields;

/** How to reach a host: an input that is `connection`, or like it. */
export const connectionField = {
  kind: "object",
  what: "an object that says how to reach the host",
  alsoWrong: connectionComplaints,
  hidden: true,
  required: true,
  page: "reference/connection.md",
  sentence: "How to reach the host. A changed `host` replaces the resource.",
  fields: connectionFields,
  settle: byTransport,
} as const satisfies Field;

const alone = { connection: connectionField };
const checkAlone = checker(alone);
const readAlone = storedReader(alone, "this connection");

/** What is wrong with a connection that is given as plain values, by the rules of the input. */
export function connectionFailures(connection: unknown): readonly Failure[] {
  return checkAlone({ connection }).failures;
}

/**
 * Reads a connection that is given as plain values: the rules and messages of the input.
 *
 * @throws RealServerError of kind `refused`, with a sentence for each bad field.
 */
export function parseConnection(connection: unknown): Connection {
  const { inputs, failures } = checkAlone({ connection });
  if (failures.length === 0) return readAlone(inputs).connection;
  throw new RealServerError("refused", failures.map(({ reason }) => reason).join("; "));
}

/** Without `ssh` every default is there, and with it none that ssh_config decides. */
function byTransport(read: Settled<typeof connectionFields>): Connection {
  return read as Connection;
}

type Given = Readonly<Record<string, unknown>>;

function withoutSsh<Value>(value: Value): (connection: Given) => Value | undefined {
  return ({ ssh }) => (ssh === undefined ? value : undefined);
}

function isSudoNeeded({ ssh, user = "root", sudoPassword }: Given): boolean | undefined {
  if (ssh !== undefined) return undefined;
  return user !== "root" || sudoPassword !== undefined;
}

function connectionComplaints(connection: Given): Complaint[] {
  const contradiction = connection["sudo"] === false && connection["sudoPassword"] !== undefined;
  const message = "{} contradicts sudoPassword, which is given; leave one of the two out";
  return [...wayComplaints(connection), ...(contradiction ? [{ path: ["sudo"], message }] : [])];
}

function wayComplaints(connection: Given): Complaint[] {
  const { ssh } = connection;
  if (ssh === undefined || ssh === false) return hopComplaints(connection);
  if (ssh === UNKNOWN) return [];
  return Object.entries(NOT_WITH_SSH)
    .filter(([name]) => connection[name] !== undefined)
    .map(([name, reason]) => ({ path: [name], message: `{} does not go with ssh, ${reason}` }));
}

const NOT_WITH_SSH = {
  password: "which is told no password: give privateKeyFile, or have an agent",
  privateKey: "which reads keys from files: give privateKeyFile, or have an agent",
  privateKeyPassword: "which is told no passphrase: have the key in an agent",
  proxy: "which goes by its own configuration: give ProxyJump in ssh_config or in ssh.options",
};
