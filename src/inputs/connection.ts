import { isIP } from "node:net";
import * as z from "zod";
import {
  type Complaint,
  flag,
  isRecord,
  known,
  line,
  text,
  UNKNOWN,
  wanted,
  wholeNumber,
} from "./values";
import { readPrivateKey, readPublicKey } from "../transport/keys";

/** The fields of `connection.proxy`, with what is allowed in each. */
export const hopFields = {
  host: known(line("a host name or an IP address", hostProblem)),
  port: known(wholeNumber(1, 65535)).optional(),
  user: known(line("a user's name")).optional(),
  password: known(text("a password")).optional(),
  privateKey: known(text("the text of a private key")).optional(),
  privateKeyPassword: known(text("the passphrase of a private key")).optional(),
  privateKeyFile: known(line("the name of a file", keyFileProblem)).optional(),
  agentSocketPath: known(line("the path of a socket")).optional(),
  hostKey: known(text("a public host key", hostKeyProblem)).optional(),
  knownHostsFile: known(line("the name of a file")).optional(),
  dialErrorLimit: known(wholeNumber(-1)).optional(),
  perDialTimeout: known(wholeNumber(0)).optional(),
};

/** The fields of `connection`. */
export const connectionFields = {
  ...hopFields,
  sudo: known(flag()).optional(),
  sudoPassword: known(line("a password")).optional(),
  proxy: known(
    z.strictObject(hopFields, wanted("an object that says how to reach a bastion")),
    hopComplaints,
  ).optional(),
};

/** The input `connection`: keys are parsed, files are not read. */
export const connectionInput = known(
  z.strictObject(connectionFields, wanted("an object that says how to reach the host")),
  connectionComplaints,
);

function connectionComplaints(connection: unknown): Complaint[] {
  if (!isRecord(connection)) return [];
  const contradiction = connection["sudo"] === false && connection["sudoPassword"] !== undefined;
  const message = "{} contradicts sudoPassword, which is given; leave one of the two out";
  return [...hopComplaints(connection), ...(contradiction ? [{ path: ["sudo"], message }] : [])];
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
  return readPublicKey(key) === undefined
    ? "is not a public host key as ssh-keyscan prints it: its type and base64, ssh-ed25519 AAAA..."
    : undefined;
}

function hopComplaints(hop: unknown): Complaint[] {
  if (!isRecord(hop)) return [];
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
