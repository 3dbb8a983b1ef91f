import {
  BaseAgent,
  createAgent,
  utils,
  type IdentityCallback,
  type ParsedKey,
  type SignCallback,
  type SigningRequestOptions,
} from "ssh2";
import { listAgentKeys, type AgentKey } from "../agent-keys";
import { fingerprint, isUsableType } from "../public-key";
import { INPUT_TERMS } from "../terms";

/** What became of an agent's turn, for the message when the login fails. */
export interface AgentTurn {
  /** Whether there was a key of it to offer. */
  offered: boolean;
  /** What was found there, in a few words; empty until it has answered. */
  found: string;
  /** What it is being waited for; empty while it is not. */
  waiting: string;
}

/** An agent that is to be asked for keys. */
export interface GivenAgent {
  readonly socketPath: string;
  /** What it holds, where it was asked before. */
  readonly listed?: readonly AgentKey[];
  /** What the file of one key would be given as. */
  readonly keyFileTerm: string;
}

/** An agent for ssh2 that offers the keys of use, and notes what else there is and what it refuses. */
export class NotingAgent extends BaseAgent<ParsedKey> {
  constructor(
    private readonly given: GivenAgent,
    private readonly turn: AgentTurn,
  ) {
    super();
  }

  override getIdentities(done: IdentityCallback<ParsedKey>): void {
    const { turn, given } = this;
    turn.waiting = "to list its keys";
    const listing = given.listed ?? listAgentKeys(given.socketPath);
    Promise.resolve(listing).then(
      (keys) => {
        const usable = keys.flatMap(parsedKey);
        Object.assign(turn, {
          waiting: "",
          found: inventory(keys, given.keyFileTerm),
          offered: usable.length > 0,
        });
        done(null, usable);
      },
      (error: Error) => {
        Object.assign(turn, { waiting: "", found: error.message });
        done(error);
      },
    );
  }

  override sign(
    key: ParsedKey,
    data: Buffer,
    options: SigningRequestOptions | SignCallback,
    done?: SignCallback,
  ): void {
    const { turn } = this;
    const name = fingerprint(key.getPublicSSH());
    const finish = typeof options === "function" ? options : done;
    turn.waiting = `to sign with ${name}`;
    const signed: SignCallback = (error, signature) => {
      turn.waiting = "";
      if (error) turn.found += `; it did not sign with ${name}`;
      finish?.(error, signature);
    };
    createAgent(this.given.socketPath).sign(
      key,
      data,
      typeof options === "function" ? {} : options,
      signed,
    );
  }
}

/** Whether an agent's keys include one that can be used here. */
export function hasUsableKey(keys: readonly AgentKey[]): boolean {
  return keys.some(({ type }) => isUsableType(type));
}

/** What an agent holds, in a few words: how many keys of use, and what besides them. */
export function inventory(
  keys: readonly AgentKey[],
  keyFileTerm = INPUT_TERMS.host.short.privateKeyFile,
): string {
  if (keys.length === 0) return "it lists no key: is it empty, or locked?";
  const usable = keys.filter(({ type }) => isUsableType(type)).length;
  const others = keys.filter(({ type }) => !isUsableType(type)).map(({ type }) => named(type));
  const besides = others.length === 0 ? "" : `; of no use here: ${others.join(", ")}`;
  const many =
    usable > SSHD_TAKES ? `, and sshd hangs up after six: name one as ${keyFileTerm}` : "";
  return `${usable === 1 ? "1 key" : `${usable || "no"} keys`}${many}${besides}`;
}

/** sshd's MaxAuthTries is 6; the sixth refusal ends the connection. */
const SSHD_TAKES = 5;

function parsedKey({ type, blob }: AgentKey): ParsedKey[] {
  if (!isUsableType(type)) return [];
  const key = utils.parseKey(`${type} ${blob.toString("base64")}`);
  return key instanceof Error ? [] : [key];
}

function named(type: string): string {
  if (type.includes("-cert-v0")) return `a certificate (${type})`;
  return type.startsWith("sk-") ? `a hardware key (${type})` : `a key of the type ${type}`;
}
