import { readFile } from "node:fs/promises";
import { createConnection } from "node:net";
import type { AnyAuthMethod, AuthenticationType, AuthHandlerMiddleware, ParsedKey } from "ssh2";
import { RealServerError } from "../../domain/errors";
import type { Target } from "../connection";
import { excerpt } from "../../domain/terminal";
import { fileProblem, homePath } from "../files";
import { readPrivateKey } from "../keys";
import { fingerprint } from "../public-key";

/** One way to prove who we are, with what to call it in a message. */
export type Identity =
  | { readonly method: "publickey"; readonly title: string; readonly key: ParsedKey }
  | { readonly method: "agent"; readonly title: string; readonly socketPath: string }
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
 *   or nobody listens at `agentSocketPath`
 */
export async function loadIdentities(target: Target): Promise<Identity[]> {
  const { hop, path } = target;
  const identities: Identity[] = [];
  if (hop.privateKey !== undefined) {
    identities.push(keyIdentity(target, hop.privateKey, `${path}.privateKey`));
  }
  if (hop.privateKeyFile !== undefined) {
    const title = `${path}.privateKeyFile ${hop.privateKeyFile}`;
    identities.push(
      keyIdentity(target, await readKeyFile(target, hop.privateKeyFile, title), title),
    );
  }
  if (hop.agentSocketPath !== undefined) {
    const title = `the agent at ${hop.agentSocketPath} (${path}.agentSocketPath)`;
    identities.push(await agentIdentity(target, homePath(hop.agentSocketPath), title));
  }
  if (hop.password !== undefined) {
    const { password } = hop;
    identities.push({ method: "password", title: `${path}.password`, password });
    const title = `${path}.password over keyboard-interactive`;
    identities.push({ method: "keyboard-interactive", title, password });
  }
  const socketPath = process.env["SSH_AUTH_SOCK"];
  if (hop.agentSocketPath === undefined && socketPath !== undefined && socketPath !== "") {
    identities.push({ method: "agent", title: "the agent at $SSH_AUTH_SOCK", socketPath });
  }
  if (identities.length === 0) throw nothingGiven(target);
  return identities;
}

/** What happened while authenticating, for the message when it fails. */
export interface AuthLog {
  readonly tried: string[];
  /** How often the host said no. */
  refusals: number;
  /** The methods that the host said it would take. */
  accepted: readonly string[];
}

/**
 * Offers one identity after the other and skips those of a kind that the host does not take. The
 * first is offered at once, without asking what the host takes: that saves a round trip. After a
 * partial success (a host that wants a key *and* a password) the others have their turn again.
 */
export function authHandler(
  user: string,
  identities: readonly Identity[],
  log: AuthLog,
): AuthHandlerMiddleware {
  let waiting = [...identities];
  let unproved = [...identities];
  let current: Identity | undefined;
  return (methods: AuthenticationType[] | null, partial, next) => {
    if (methods !== null) log.accepted = methods.map(excerpt);
    if (current !== undefined && partial) {
      unproved = unproved.filter((identity) => identity !== current);
      waiting = [...unproved];
    } else if (current !== undefined) {
      log.refusals++;
    }
    do current = waiting.shift();
    while (current !== undefined && methods !== null && !takes(methods, current));
    if (current === undefined) {
      // ssh2 ends the attempt on `false`, which its types leave out.
      (next as unknown as (method: false) => void)(false);
      return;
    }
    log.tried.push(current.title);
    next(authMethod(user, current));
  };
}

/** The error of a host that let us in by none of the identities. */
export function refused(target: Target, log: AuthLog, hostSays?: string): RealServerError {
  const tried = log.tried.length > 0 ? `tried ${log.tried.join(", ")}` : "nothing could be tried";
  const takes = log.accepted.length > 0 ? `; it takes ${log.accepted.join(", ")}` : "";
  const says = hostSays === undefined ? "" : `; it says: ${excerpt(hostSays)}`;
  return authenticationError(
    `${target.title} does not let ${target.hop.user} in: ${tried}${takes}${says}. ` +
      `Check the user and, on the host, its authorized_keys or its password.`,
  );
}

/** Why a private key given as text cannot be used; undefined when it can. Never holds any of it. */
export function privateKeyProblem(
  text: string,
  passphrase: string | undefined,
): string | undefined {
  return readPrivateKey(text, passphrase).problem;
}

function keyIdentity(target: Target, text: string, title: string): Identity {
  const { key, problem } = readPrivateKey(text, target.hop.privateKeyPassword);
  if (key === undefined) throw authenticationError(`${target.title}: ${title} ${problem}.`);
  return { method: "publickey", title: `${title} (${fingerprint(key.getPublicSSH())})`, key };
}

async function readKeyFile(target: Target, path: string, title: string): Promise<string> {
  try {
    return await readFile(homePath(path), "utf8");
  } catch (error) {
    const problem = `${target.title}: ${title} cannot be read: ${fileProblem(error)}.`;
    throw authenticationError(problem, error);
  }
}

/** An agent that was asked for by name must be there; a stale `$SSH_AUTH_SOCK` is nobody's fault. */
async function agentIdentity(target: Target, socketPath: string, title: string): Promise<Identity> {
  await new Promise<void>((resolve, reject) => {
    const socket = createConnection(socketPath, () => {
      socket.destroy();
      resolve();
    });
    socket.once("error", (error) => {
      const problem = `${target.title}: ${title} does not answer: ${fileProblem(error)}.`;
      reject(authenticationError(problem, error));
    });
  });
  return { method: "agent", title, socketPath };
}

function nothingGiven({ title, path }: Target): RealServerError {
  return authenticationError(
    `${title}: ${path} has no way to authenticate: give privateKeyFile, privateKey, ` +
      `agentSocketPath or password, or start an agent (SSH_AUTH_SOCK).`,
  );
}

function takes(methods: readonly string[], identity: Identity): boolean {
  return methods.includes(identity.method === "agent" ? "publickey" : identity.method);
}

function authMethod(username: string, identity: Identity): AnyAuthMethod {
  switch (identity.method) {
    case "publickey":
      return { type: "publickey", username, key: identity.key };
    case "agent":
      return { type: "agent", username, agent: identity.socketPath };
    case "password":
      return { type: "password", username, password: identity.password };
    case "keyboard-interactive": {
      let asked = false;
      return {
        type: "keyboard-interactive",
        username,
        // The password answers what is not echoed, once: a second question wants a new password
        // or a one-time code, and either would hand it to whoever reads the answer.
        prompt(_name, _instructions, _language, prompts, finish) {
          finish(prompts.map(({ echo }) => (asked || echo === true ? "" : identity.password)));
          asked = true;
        },
      };
    }
  }
}

function authenticationError(message: string, cause?: unknown): RealServerError {
  return new RealServerError("authentication", message, { cause });
}
