import { createConnection } from "node:net";
import { stat } from "node:fs/promises";
import { fileProblem } from "./files";
import { readSshString, typeOfKey } from "./ssh-string";

/** A public key whose private one an agent keeps. */
export interface AgentKey {
  /** `ssh-ed25519`, `ssh-rsa-cert-v01@openssh.com`, `sk-ssh-ed25519@openssh.com` and the like. */
  readonly type: string;
  readonly blob: Buffer;
}

/**
 * Asks the agent at a socket for its keys, of whatever type they are; ssh2 would hide those that it
 * has no use for.
 *
 * @throws Error whose message is a phrase on what is wrong with the agent
 */
export async function listAgentKeys(socketPath: string): Promise<AgentKey[]> {
  const answer = await ask(socketPath).catch(async (error: unknown) => {
    throw new Error(await agentProblem(socketPath, error), { cause: error });
  });
  const keys = parseAgentKeys(answer);
  if (keys === undefined) throw new Error(NO_AGENT);
  return keys;
}

/** Reads an agent's answer, without its length (draft-ietf-sshm-ssh-agent, 3.5); total. */
export function parseAgentKeys(answer: Buffer): AgentKey[] | undefined {
  if (answer[0] !== IDENTITIES_ANSWER || answer.length < 5) return undefined;
  const keys: AgentKey[] = [];
  let at = 5;
  for (let left = answer.readUInt32BE(1); left > 0; left--) {
    const blob = readSshString(answer, at);
    const comment = blob && readSshString(answer, blob.end);
    if (comment === undefined) return undefined;
    at = comment.end;
    const bytes = blob?.bytes ?? Buffer.alloc(0);
    keys.push({ type: typeOfKey(bytes) ?? "an unknown type", blob: bytes });
  }
  return keys;
}

const REQUEST_IDENTITIES = Buffer.from([0, 0, 0, 1, 11]);
const IDENTITIES_ANSWER = 12;

/** As long as OpenSSH lets an answer be. */
const LONGEST_ANSWER = 256 * 1024;
const SECONDS = 10;
const NO_AGENT = "what listens there does not answer as an agent does";

function ask(socketPath: string): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    let heard = Buffer.alloc(0);
    const socket = createConnection(socketPath, () => socket.write(REQUEST_IDENTITIES));
    const end = (error: Error | undefined): void => {
      clearTimeout(limit);
      socket.destroy();
      if (error === undefined) resolve(heard.subarray(4));
      else reject(error);
    };
    const limit = setTimeout(() => end(new Error(`no answer for ${SECONDS} s`)), SECONDS * 1000);
    socket.on("error", end).on("close", () => end(new Error(NO_AGENT)));
    socket.on("data", (part: Buffer) => {
      heard = Buffer.concat([heard, part]);
      const length = heard.length < 4 ? 0 : heard.readUInt32BE(0);
      if (length > LONGEST_ANSWER) end(new Error(NO_AGENT));
      else if (length > 0 && heard.length >= 4 + length) end(undefined);
    });
  });
}

/** Linux says of a file that is no socket what it says of a socket that nobody listens at. */
async function agentProblem(socketPath: string, error: unknown): Promise<string> {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === undefined) return message;
  const found = await stat(socketPath).catch(() => undefined);
  if (found?.isSocket() === false) return "it is not a socket";
  return code === "ECONNREFUSED" ? "nobody listens there any more" : fileProblem(error);
}
