import { isIP } from "node:net";
import { checker } from "./check";
import type { Failure } from "./failure";
import type { Complaint, Field, Fields } from "./field";
import { RealServerError } from "../domain/errors";
import { UNKNOWN } from "./values";
import { storedReader } from "./stored";
import type { Connection } from "../transport/connection";
import { readPrivateKey } from "../transport/keys";
import { readHostKey } from "../transport/public-key";

/** How to reach a bastion: the fields of `connection.proxy`. */
export const proxyFields = {
  host: {
    kind: "line",
    what: "a host name or an IP address",
    problem: hostProblem,
    required: true,
    sentence: "Name or address to connect to, without user, port or brackets.",
  },
  port: {
    kind: "whole number",
    least: 1,
    most: 65535,
    default: 22,
    sentence: "TCP port.",
  },
  user: {
    kind: "line",
    what: "a user's name",
    default: "root",
    sentence: "User to log in as.",
  },
  password: {
    kind: "text",
    what: "a password",
    secret: true,
    sentence: "The user's password, also given to keyboard-interactive prompts.",
  },
  privateKey: {
    kind: "text",
    what: "the text of a private key",
    secret: true,
    sentence: "The text of a private key: OpenSSH, PEM, PKCS#8, or PuTTY's format 2 of RSA.",
  },
  privateKeyPassword: {
    kind: "text",
    what: "the passphrase of a private key",
    secret: true,
    sentence: "Decrypts `privateKey` and `privateKeyFile`.",
  },
  privateKeyFile: {
    kind: "line",
    what: "the name of a file",
    problem: keyFileProblem,
    hidden: true,
    sentence:
      "A file with a private key, on the machine that runs Pulumi; `~/` is the user's home. It " +
      "is read each time it is used, so that no key is in the state.",
  },
  agentSocketPath: {
    kind: "line",
    what: "the path of a socket",
    hidden: true,
    defaultText: "`$SSH_AUTH_SOCK` where it is set",
    sentence: "The socket of an SSH agent; `~/` is the user's home.",
  },
  hostKey: {
    kind: "text",
    what: "a public host key",
    problem: hostKeyProblem,
    hidden: true,
    sentence:
      "The host's public key, as `ssh-keyscan` prints it after the name: `ssh-ed25519 AAAA…`; a " +
      "comment may follow. It goes before known hosts and before the key pinned on first contact.",
  },
  knownHostsFile: {
    kind: "line",
    what: "the name of a file",
    hidden: true,
    default: "~/.ssh/known_hosts",
    sentence:
      "The user's known hosts, in OpenSSH's format; `~/` is the user's home. The file need not exist. " +
      "The machine's own are read besides.",
  },
  dialErrorLimit: {
    kind: "whole number",
    least: -1,
    default: -1,
    sentence:
      "How many failed dials are followed by another: 0 dials once, -1 without limit. " +
      "(`remote.Command` has 10.)",
  },
  perDialTimeout: {
    kind: "whole number",
    least: 0,
    default: 15,
    sentence:
      "Seconds for the TCP connection and the key exchange of one dial; 0 is without a limit of its own.",
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
  fields: {
    ...proxyFields,
    sudo: {
      kind: "flag",
      default: isSudoNeeded,
      defaultText: "`false` for the user `root`, else `true`",
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
        "A bastion to go through: the same fields, with the same defaults, but `sudo`, `sudoPassword` and " +
        "`proxy`.",
    },
  },
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

function connectionComplaints(connection: Readonly<Record<string, unknown>>): Complaint[] {
  const contradiction = connection["sudo"] === false && connection["sudoPassword"] !== undefined;
  const message = "{} contradicts sudoPassword, which is given; leave one of the two out";
  return [...hopComplaints(connection), ...(contradiction ? [{ path: ["sudo"], message }] : [])];
}

function isSudoNeeded({ user, sudoPassword }: Readonly<Record<string, unknown>>): boolean {
  return user !== "root" || sudoPassword !== undefined;
}

function hostProblem(host: string): string | undefined {
  if (isIP(host) !== 0) return undefined;
  if (host.includes("://")) return "is a URL; give the host name or address alone";
  if (host.includes("@")) return "holds a user; give the user as user, and the host alone";
  if (host.startsWith("[")) return "has brackets; give the address without them, a port as port";
  if (/:\d+$/.test(host)) return "holds a port; give it as port, and the host alone";
  return /^[\p{L}\p{N}._-]+$/u.test(host) ? undefined : "is not a host name or an IP address";
}

function keyFileProblem(file: string): string | undefined {
  return file.includes("PRIVATE KEY-----")
    ? "is a key itself; give it as privateKey, or here the name of its file"
    : undefined;
}

function hostKeyProblem(key: string): string | undefined {
  const { instead } = readHostKey(key);
  return instead === undefined ? undefined : `is not a public host key${instead}`;
}

function hopComplaints(hop: Readonly<Record<string, unknown>>): Complaint[] {
  const ways = ["privateKey", "privateKeyFile", "agentSocketPath", "password"];
  if (ways.every((way) => hop[way] === undefined) && !process.env["SSH_AUTH_SOCK"]) {
    const message = `no way to authenticate; give ${ways.join(", ")}, or run an agent (SSH_AUTH_SOCK)`;
    return [{ path: [], message }];
  }
  const { privateKey, privateKeyPassword } = hop;
  if (typeof privateKey !== "string" || [privateKey, privateKeyPassword].includes(UNKNOWN))
    return [];
  const passphrase = typeof privateKeyPassword === "string" ? privateKeyPassword : undefined;
  const { problem } = readPrivateKey(privateKey, passphrase);
  return problem === undefined ? [] : [{ path: ["privateKey"], message: `{} ${problem}` }];
}
