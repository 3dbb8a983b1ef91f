import type { Duplex } from "node:stream";
import { Client, type ConnectConfig } from "ssh2";
import { TryAgain, type Sign } from "../problems";
import { authHandler, keptWaiting, refused, type AuthLog } from "./auth";
import { failure, type Seen } from "./failure";
import { Offers } from "./handshake";
import { connectWithoutProofs } from "./host-key-proofs";
import type { PreparedHop } from "./prepared-hop";
import type { OpenStream } from "./tcp";

/** A hop that let us in. */
export interface SshSession {
  readonly client: Client;
  readonly stream: Duplex;
  /** The key it proved to have, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
  /** What it calls itself, as in `OpenSSH_9.2p1`; empty where it does not say. */
  readonly software: string;
  /** False once the connection is gone, for whatever reason. */
  readonly alive: boolean;
}

/**
 * One attempt: a stream, the key exchange, authentication. `perDialTimeout` bounds the first two;
 * authentication may take what is left, because a slow PAM is slow the next time too.
 *
 * @param signal stops the attempt, which rejects with the signal's reason
 * @throws TryAgain when a later attempt may succeed; RealServerError when it cannot
 */
export async function attempt(
  login: PreparedHop,
  open: OpenStream,
  signal: AbortSignal,
  secondsLeft: number,
): Promise<SshSession> {
  const whole = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(secondsLeft * 1000))]);
  const { perDialTimeout } = login.hop;
  const dialling =
    perDialTimeout > 0
      ? AbortSignal.any([whole, AbortSignal.timeout(Math.ceil(perDialTimeout * 1000))])
      : whole;
  const started = performance.now();
  let silence: Silence = BEFORE_DIALLING;
  try {
    dialling.throwIfAborted();
    const stream = await open(dialling, () => (silence = WHILE_DIALLING));
    silence = AFTER_CONNECTING;
    return await logIn(login, stream, dialling, () => {
      silence = WHILE_LOGGING_IN;
      return whole;
    });
  } catch (error) {
    if (signal.aborted || !isTimeout(error)) throw error;
    const seconds = Math.round((performance.now() - started) / 100) / 10;
    throw new TryAgain(`${silence.text} for ${seconds} s`, silence.sign, { cause: error });
  }
}

/** What it means that nothing comes any more. */
interface Silence {
  readonly text: string;
  readonly sign: Sign;
}

const BEFORE_DIALLING: Silence = { text: "not dialled yet, after waiting", sign: "nothing" };
const WHILE_DIALLING: Silence = { text: "no answer", sign: "silent" };
const AFTER_CONNECTING: Silence = {
  text: "it accepts the connection, and then no answer",
  sign: "answered",
};
const WHILE_LOGGING_IN: Silence = { text: "no answer to the login", sign: "answered" };

function isTimeout(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

/**
 * @param dialling bounds the key exchange
 * @param onHandshake says that it is done, and gives what bounds the rest
 */
function logIn(
  login: PreparedHop,
  stream: Duplex,
  dialling: AbortSignal,
  onHandshake: () => AbortSignal,
): Promise<SshSession> {
  const client = new Client();
  const auth: AuthLog = { tried: [], refusals: 0, accepted: [] };
  const seen: Seen = { auth, offers: new Offers(), heard: "" };
  const session = { client, stream, hostKey: "", software: "", alive: true };
  return new Promise((resolve, reject) => {
    const fail = (error: Error): void => {
      bound.release();
      stream.destroy();
      reject(error);
    };
    const bound = boundBy(dialling, (reason) => fail(whoKeptSilent(login, auth, reason)));
    client
      .on("handshake", () => bound.by(onHandshake()))
      .on("banner", (text) => (seen.banner = text))
      .on("change password", () => fail(refused(login, seen.auth, "the password must be changed")))
      // Stays for the connection's life: an error without a listener would end the process. One of
      // an agent's is not the end, ssh2 goes on with the next identity.
      .on("error", (error) => error.level === "agent" || fail(failure(login, seen, error)))
      .on("close", () => {
        session.alive = false;
        fail(failure(login, seen, undefined));
      })
      .once("ready", () => {
        bound.release();
        stream.removeListener("data", listen);
        session.hostKey = seen.hostKey ?? "";
        session.software = /^SSH-[^-]*-(\S+)/m.exec(seen.heard)?.[1] ?? "";
        resolve(session);
      });
    connectWithoutProofs(client, clientConfig(login, stream, seen));
    const listen = (chunk: Buffer): void => {
      if (seen.heard.length < LONGEST_GREETING) seen.heard += chunk.toString("latin1");
    };
    stream.on("data", listen);
  });
}

/** An agent that waits for its user is no host that does not answer. */
function whoKeptSilent(login: PreparedHop, auth: AuthLog, reason: Error): Error {
  return (isTimeout(reason) && keptWaiting(login, auth)) || reason;
}

/** Tells of one signal's end at a time. */
function boundBy(
  signal: AbortSignal,
  stop: (reason: Error) => void,
): { by(next: AbortSignal): void; release(): void } {
  let current = signal;
  const abort = (): void => stop(current.reason as Error);
  const release = (): void => current.removeEventListener("abort", abort);
  const by = (next: AbortSignal): void => {
    release();
    current = next;
    current.addEventListener("abort", abort, { once: true });
  };
  by(signal);
  return { by, release };
}

const LONGEST_GREETING = 255;

function clientConfig(login: PreparedHop, sock: Duplex, seen: Seen): ConnectConfig {
  const { algorithms } = login.hostKey;
  return {
    sock,
    username: login.hop.user,
    authHandler: authHandler(login.hop.user, login.identities, seen.auth),
    hostVerifier: (key: Buffer) => {
      seen.hostKey = publicKeyLine(key);
      seen.verdict = login.hostKey.judge(key);
      return seen.verdict === undefined;
    },
    ...(algorithms === undefined ? {} : { algorithms: { serverHostKey: algorithms } }),
    debug: (message) => seen.offers.hear(message),
    // Our own clocks bound it, phase by phase.
    readyTimeout: 0,
    // A dead peer is noticed after 15 to 20 s.
    keepaliveInterval: 5000,
    keepaliveCountMax: 3,
  };
}

function publicKeyLine(blob: Buffer): string {
  const type = blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString("base64")}`;
}
