import { stat } from "node:fs/promises";
import type { ParsedKey } from "ssh2";
import { RealServerError } from "../../domain/errors";
import { listAgentKeys } from "../agent-keys";
import { hostNamedBy, type Target } from "../connection";
import { fileProblem, homePath } from "../files";
import { KeptFiles } from "../kept-files";
import { readPrivateKey } from "../keys";
import { fingerprint } from "../public-key";
import { type GivenAgent, hasUsableKey, inventory } from "./agent";

/** One way to prove who we are, with what to call it in a message. */
export type Identity =
  | { readonly method: "publickey"; readonly title: string; readonly key: ParsedKey }
  | ({ readonly method: "agent"; readonly title: string } & GivenAgent)
  | { readonly method: "password"; readonly title: string; readonly password: string }
  | { readonly method: "keyboard-interactive"; readonly title: string; readonly password: string };

/**
 * The ways to authenticate that a connection gives, in the order in which they are tried:
 * `privateKey`, `privateKeyFile`, the agent at `agentSocketPath`, `password` (first as such, then
 * as the answer to keyboard-interactive), and the agent at `$SSH_AUTH_SOCK` where no
 * `agentSocketPath` is given. That last one comes last because sshd hangs up after six keys, and
 * what the program gave must have had its turn. No key is looked for elsewhere.
 *
 * @throws RealServerError `authentication` when a key or a key's file cannot be read or decrypted,
 *   or no agent answers at `agentSocketPath`, or it holds nothing of use and nothing else is given
 */
export async function loadIdentities(target: Target): Promise<Identity[]> {
  const { hop, terms } = target;
  const { full } = terms;
  const keyFileTerm = terms.short.privateKeyFile;
  const identities: Identity[] = [];
  if (hop.privateKey !== undefined) {
    identities.push(keyIdentity(target, hop.privateKey, full.privateKey));
  }
  if (hop.privateKeyFile !== undefined) {
    const title = `${full.privateKeyFile} ${hop.privateKeyFile}`;
    const text = await readKeyFile(target, hop.privateKeyFile, title);
    identities.push(keyIdentity(target, text, title, await certificateBeside(hop.privateKeyFile)));
  }
  if (hop.agentSocketPath !== undefined) {
    const title = `the agent at ${hop.agentSocketPath} (${full.agentSocketPath})`;
    identities.push(await agentIdentity(target, homePath(hop.agentSocketPath), title));
  }
  if (hop.password !== undefined) {
    const { password } = hop;
    identities.push({ method: "password", title: full.password, password });
    const title = `${full.password} over keyboard-interactive`;
    identities.push({ method: "keyboard-interactive", title, password });
  }
  const socketPath = process.env["SSH_AUTH_SOCK"];
  if (hop.agentSocketPath === undefined && socketPath !== undefined && socketPath !== "") {
    identities.push({
      method: "agent",
      title: "the agent at $SSH_AUTH_SOCK",
      socketPath,
      keyFileTerm,
    });
  }
  if (identities.length === 0) throw nothingGiven(target);
  if (identities.every(isKnownToBeOfNoUse)) throw noUsableKey(target, identities);
  return identities;
}

function keyIdentity(target: Target, text: string, title: string, beside = ""): Identity {
  const { hop, terms } = target;
  const { key, problem } = readPrivateKey(text, hop.privateKeyPassword, terms.short);
  if (key === undefined) throw authenticationError(target, `${target.title}: ${title} ${problem}.`);
  const name = `${title} (${fingerprint(key.getPublicSSH())}${beside})`;
  return { method: "publickey", title: name, key };
}

/** What `ssh` would use along with a key file, for messages; empty when there is none. */
async function certificateBeside(path: string): Promise<string> {
  const certificate = `${path}-cert.pub`;
  const found = await stat(homePath(certificate)).catch(() => undefined);
  return found === undefined ? "" : `; its certificate ${certificate} is of no use here`;
}

const keyFiles = new KeptFiles((text) => text);

async function readKeyFile(target: Target, path: string, title: string): Promise<string> {
  try {
    return await keyFiles.read(homePath(path));
  } catch (error) {
    const problem = `${target.title}: ${title} cannot be read: ${fileProblem(error)}.`;
    throw authenticationError(target, problem, error);
  }
}

/** An agent that was asked for by name must be there; a stale `$SSH_AUTH_SOCK` is nobody's fault. */
async function agentIdentity(target: Target, socketPath: string, title: string): Promise<Identity> {
  try {
    return {
      method: "agent",
      title,
      socketPath,
      listed: await listAgentKeys(socketPath),
      keyFileTerm: target.terms.short.privateKeyFile,
    };
  } catch (error) {
    const problem = error instanceof Error ? error.message : String(error);
    throw authenticationError(
      target,
      `${target.title}: ${title} does not answer: ${problem}.`,
      error,
    );
  }
}

function isKnownToBeOfNoUse(identity: Identity): boolean {
  return (
    identity.method === "agent" && identity.listed !== undefined && !hasUsableKey(identity.listed)
  );
}

function noUsableKey(target: Target, agents: readonly Identity[]): RealServerError {
  const found = agents.map((agent) =>
    agent.method === "agent"
      ? `${agent.title} (${inventory(agent.listed ?? [], agent.keyFileTerm)})`
      : agent.title,
  );
  return authenticationError(
    target,
    `${target.title}: there is no key to log in with: ${found.join(", ")}. ` +
      `Add one (ssh-add), or give another way to authenticate.`,
  );
}

function nothingGiven(target: Target): RealServerError {
  const { title, terms } = target;
  const { privateKeyFile, privateKey, agentSocketPath, password } = terms.short;
  const ways = [...new Set([privateKeyFile, privateKey, agentSocketPath])].join(", ");
  return authenticationError(
    target,
    `${title}: ${terms.hop} has no way to authenticate: give ${ways} or ${password}, ` +
      `or start an agent (SSH_AUTH_SOCK).`,
  );
}

/** An error of the kind `authentication` whose message begins with the target's title. */
export function authenticationError(
  target: Target,
  message: string,
  cause?: unknown,
): RealServerError {
  return new RealServerError("authentication", message, { host: hostNamedBy(target), cause });
}
