import { connect } from "node:net";
import type { Duplex } from "node:stream";
import { Client, type ClientErrorExtensions, type ConnectConfig } from "ssh2";
import { RealServerError } from "../../domain/errors";
import { authHandler, refused, type AuthLog, type Identity } from "./auth";
import { printable, socketProblem, TryAgain } from "../problems";
import type { Hop, Target } from "../connection";
import type { HostKeyPolicy } from "../host-key";

/** A hop with all that was read from files, ready to be dialled any number of times. */
export interface Login extends Target {
  readonly identities: readonly Identity[];
  readonly hostKey: HostKeyPolicy;
}

/** Makes the byte stream for an attempt; rejects with `TryAgain`, and with the signal's reason. */
export type OpenStream = (signal: AbortSignal) => Promise<Duplex>;

/** A hop that let us in. */
export interface Session {
  readonly client: Client;
  readonly stream: Duplex;
  /** The key it proved to have, `ssh-ed25519 AAAA…`. */
  readonly hostKey: string;
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
  login: Login,
  open: OpenStream,
  signal: AbortSignal,
  secondsLeft: number,
): Promise<Session> {
  const perDial = login.hop.perDialTimeout;
  const own = new AbortController();
  const stop = (): void => own.abort(signal.reason);
  const expire = (seconds: number): void =>
    own.abort(new TryAgain(`no answer for ${Math.round(seconds * 10) / 10} s`));
  signal.addEventListener("abort", stop);
  const all = setTimeout(expire, secondsLeft * 1000, secondsLeft);
  const dialling = perDial > 0 ? setTimeout(expire, perDial * 1000, perDial) : undefined;
  try {
    if (signal.aborted) stop();
    own.signal.throwIfAborted();
    const stream = await open(own.signal);
    return await logIn(login, stream, own.signal, () => clearTimeout(dialling));
  } finally {
    signal.removeEventListener("abort", stop);
    clearTimeout(all);
    clearTimeout(dialling);
  }
}

/** A TCP connection of our own: ssh2 leaves Nagle's algorithm on, at up to 40 ms a message. */
export function openTcp(hop: Hop): OpenStream {
  return (signal) =>
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
      socket.once("connect", () => {
        signal.removeEventListener("abort", stop);
        socket.removeListener("error", fail);
        resolve(socket);
      });
      const fail = (error: Error): void => {
        signal.removeEventListener("abort", stop);
        reject(new TryAgain(socketProblem(error), { cause: error }));
      };
      socket.once("error", fail);
    });
}

function logIn(
  login: Login,
  stream: Duplex,
  signal: AbortSignal,
  onHandshake: () => void,
): Promise<Session> {
  const client = new Client();
  const seen: Seen = { auth: { tried: [], refusals: 0, accepted: [] } };
  const session = { client, stream, hostKey: "", alive: true };
  return new Promise((resolve, reject) => {
    const stop = (): void => fail(signal.reason as Error);
    const fail = (error: Error): void => {
      signal.removeEventListener("abort", stop);
      stream.destroy();
      reject(error);
    };
    signal.addEventListener("abort", stop, { once: true });
    client
      .on("handshake", onHandshake)
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
        signal.removeEventListener("abort", stop);
        session.hostKey = seen.hostKey ?? "";
        resolve(session);
      })
      .connect(clientConfig(login, stream, seen));
  });
}

function clientConfig(login: Login, sock: Duplex, seen: Seen): ConnectConfig {
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
  hostKey?: string;
  verdict?: RealServerError | undefined;
  banner?: string;
}

/** Maps ssh2's errors, and a connection that just closed, to ours. */
function failure(
  login: Login,
  seen: Seen,
  error: (Error & ClientErrorExtensions & { code?: unknown }) | undefined,
): Error {
  if (seen.verdict !== undefined) return seen.verdict;
  if (error === undefined) return hungUp(login, seen);
  switch (error.level) {
    case "client-authentication":
      return refused(login, seen.auth);
    case "handshake":
      return noHandshake(login, error);
    case "client-socket":
      return new TryAgain(socketProblem(error), { cause: error });
    default:
      // A number is the reason of an SSH disconnect message; sshd sends one after too many tries.
      return typeof error.code === "number" && seen.auth.tried.length > 0
        ? refused(login, seen.auth, error.message)
        : new TryAgain(printable(error.message), { cause: error });
  }
}

/**
 * A host that is still booting lets nobody but root in and hangs up on the right key, so that is
 * worth another try. After a refusal it is not: guards count wrong keys and lock the address out.
 */
function hungUp(login: Login, seen: Seen): Error {
  if (seen.auth.refusals > 0) return refused(login, seen.auth, seen.banner);
  if (seen.auth.tried.length === 0) return new TryAgain("connection closed before the login");
  const says = seen.banner === undefined ? "" : `, saying: ${printable(seen.banner)}`;
  return new TryAgain(`connection closed during the login${says}`, { isUp: true });
}

function noHandshake(login: Login, error: Error): RealServerError {
  // ssh2 gives no code, and which list had nothing in common decides what to do next.
  if (login.hostKey.algorithms !== undefined && error.message.includes("host key format")) {
    return login.hostKey.noCommonType();
  }
  return new RealServerError(
    "unsupported",
    `${login.title} and this client cannot agree on how to speak SSH: ${printable(error.message)}.`,
    { cause: error },
  );
}

function publicKeyLine(blob: Buffer): string {
  const type = blob.toString("latin1", 4, 4 + blob.readUInt32BE(0));
  return `${type} ${blob.toString("base64")}`;
}
