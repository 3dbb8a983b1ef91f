import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import { Client, type ClientErrorExtensions, type ConnectConfig } from "ssh2";
import type { RealServerError } from "../../domain/errors";
import { excerpt } from "../../domain/terminal";
import { authHandler, keptWaiting, refused, type AuthLog } from "./auth";
import type { Identity } from "./identities";
import { noHandshake, Offers } from "./handshake";
import { connectProblem, socketProblem, TryAgain, type Sign } from "../problems";
import type { Hop, Target } from "../connection";
import type { HostKeyPolicy } from "../host-key";

/** A hop with all that was read from files, ready to be dialled any number of times. */
export interface PreparedHop extends Target {
  readonly identities: readonly Identity[];
  readonly hostKey: HostKeyPolicy;
}

/**
 * Makes the byte stream for an attempt, and says when the hop itself is being dialled: until then a
 * name is looked up, or a bastion asked.
 *
 * @throws TryAgain, and the signal's reason
 */
export type OpenStream = (signal: AbortSignal, onDialling: () => void) => Promise<Duplex>;

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

/** A TCP connection of our own: ssh2 leaves Nagle's algorithm on, at up to 40 ms a message. */
export function openTcp(hop: Hop): OpenStream {
  return (signal, onDialling) =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host: hop.host,
        port: hop.port,
        noDelay: true,
        // Node's 250 ms for each address of a name is less than a round trip round the world.
        autoSelectFamilyAttemptTimeout: 2000,
      });
      const stop = (): void => {
        socket.destroy();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", stop, { once: true });
      socket.on("connectionAttempt", onDialling);
      // Node announces no attempt where there is no name to look up.
      if (isIP(hop.host) !== 0) onDialling();
      const fail = (error: Error): void => {
        signal.removeEventListener("abort", stop);
        void connectFailure(error).then(reject);
      };
      socket.once("error", fail);
      socket.once("connect", () => {
        signal.removeEventListener("abort", stop);
        socket.removeListener("error", fail);
        resolve(socket);
      });
    });
}

/**
 * "No route" counts only as far as this machine has one: where its own table refuses, the host was
 * not asked.
 */
async function connectFailure(error: Error): Promise<TryAgain> {
  const { text, sign, unrouted } = connectProblem(error);
  const routed = await Promise.all(unrouted.map(hasRouteTo));
  if (routed.every((one) => one)) return new TryAgain(text, sign, { cause: error });
  return new TryAgain(`${text}, by this machine's own routes`, "nothing", { cause: error });
}

/** connect(2) on a datagram socket looks a route up, and sends nothing. */
function hasRouteTo(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    const end = (found: boolean): void => {
      socket.close();
      resolve(found);
    };
    socket.once("error", () => end(false));
    socket.once("connect", () => end(true));
    socket.connect(9, address);
  });
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
      })
      .connect(clientConfig(login, stream, seen));
    const listen = (chunk: Buffer): void => {
      if (seen.heard.length < MOST_HEARD) seen.heard += chunk.toString("latin1");
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

const MOST_HEARD = 255;

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

/** What one attempt learnt before it failed. */
interface Seen {
  readonly auth: AuthLog;
  readonly offers: Offers;
  hostKey?: string;
  verdict?: RealServerError | undefined;
  banner?: string;
  /** The first bytes that came, in Latin-1. */
  heard: string;
}

/** Maps ssh2's errors, and a connection that just closed, to ours. */
function failure(
  login: PreparedHop,
  seen: Seen,
  error: (Error & ClientErrorExtensions & { code?: unknown }) | undefined,
): Error {
  if (seen.verdict !== undefined) return seen.verdict;
  if (error === undefined) return hungUp(login, seen);
  switch (error.level) {
    case "client-authentication":
      return refused(login, seen.auth);
    case "handshake":
      return noHandshake(login, seen.offers, error);
    case "client-socket":
      return new TryAgain(`${socketProblem(error)}${saying(beforeSsh(seen))}`, "answered", {
        cause: error,
      });
    default:
      // A number is the reason of an SSH disconnect message; sshd sends one after too many tries.
      return typeof error.code === "number" && seen.auth.tried.length > 0
        ? refused(login, seen.auth, error.message)
        : new TryAgain(`${excerpt(error.message)}${saying(beforeSsh(seen))}`, "answered", {
            cause: error,
          });
  }
}

/**
 * A host that is still booting lets nobody but root in and hangs up on the right key, so that is
 * worth another try. After a refusal it is not: guards count wrong keys and lock the address out.
 */
function hungUp(login: PreparedHop, seen: Seen): Error {
  if (seen.auth.refusals > 0) return refused(login, seen.auth, seen.banner);
  if (seen.auth.tried.length === 0) {
    return new TryAgain(`connection closed before the login${saying(beforeSsh(seen))}`, "answered");
  }
  const text = `connection closed during the login${saying(seen.banner)}`;
  return new TryAgain(text, "turned-away");
}

function saying(text: string | undefined): string {
  return text === undefined || text.trim() === "" ? "" : `, saying: ${excerpt(text)}`;
}

/** What a server says in place of SSH: OpenSSH "Not allowed at this time", others their banner. */
function beforeSsh({ heard }: Seen): string {
  const lines = Buffer.from(heard, "latin1").toString("utf8").split(/\r?\n/);
  const ssh = lines.findIndex((line) => line.startsWith("SSH-"));
  return lines.slice(0, ssh < 0 ? undefined : ssh).join(" ");
}

function publicKeyLine(blob: Buffer): string {
  const type = blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString("base64")}`;
}
