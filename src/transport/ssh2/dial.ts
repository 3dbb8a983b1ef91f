import { Socket } from "node:net";
import type { Duplex } from "node:stream";
import type { ClientChannel } from "ssh2";
import { RealServerError } from "../../domain/errors";
import type { SshSession } from "./attempt";
import { forward } from "./forward";
import type { PreparedHop } from "./prepared-hop";
import type { OpenStream } from "./tcp";
import { loadIdentities } from "./identities";
import { dialUntil, type DialLimits } from "./redial";
import { forwardingRules, socketProblem, TryAgain } from "../problems";
import { place, type Ssh2Connection, type Target } from "../connection";
import { hostKeyPolicy } from "../host-key";
import { INPUT_TERMS, type ConnectionTerms } from "../terms";
import type { Channel, DialOptions, Transport } from "../transport";

/**
 * Connects and logs in, dialling again while nobody answers. All files are read first, so that a
 * mistake in them costs no dialling. The ways to authenticate are tried in the order that
 * `loadIdentities` has; whose word counts for the host's key is in `hostKeyPolicy`.
 *
 * @throws RealServerError `unreachable`, `authentication`, `host-key`; `unsupported` when the two
 *   have no algorithm in common; `failed` when the bastion does not forward; the signal's own
 *   error or `timed-out` when it is aborted
 */
export async function dial(
  connection: Ssh2Connection,
  options: DialOptions,
  terms: ConnectionTerms = INPUT_TERMS,
): Promise<Transport> {
  const { proxy } = connection;
  const limits: DialLimits = {
    deadline: performance.now() + options.connectSeconds * 1000,
    host: connection.host,
    behindBastion: proxy !== undefined,
    signal: options.signal,
    progress: (text) => options.progress(text),
  };
  const host = await prepare(
    { hop: connection, title: place(connection), terms: terms.host },
    options.pins.hostKey,
    options,
  );
  if (proxy === undefined) return transport(host, await dialUntil(host, limits));
  const bastion = await prepare(
    { hop: proxy, title: `the bastion ${place(proxy)}`, terms: terms.proxy, isBastion: true },
    options.pins.proxyHostKey,
    options,
  );
  return dialThrough(bastion, host, limits);
}

async function prepare(
  target: Target,
  pin: string | undefined,
  options: DialOptions,
): Promise<PreparedHop> {
  const identities = await loadIdentities(target);
  const hostKey = await hostKeyPolicy(target, pin);
  for (const warning of hostKey.warnings) options.warn(warning);
  return { ...target, identities, hostKey };
}

/** Both attempts at the host and a bastion lost between two of them are dialled again. */
async function dialThrough(
  bastion: PreparedHop,
  host: PreparedHop,
  limits: DialLimits,
): Promise<Transport> {
  let via: SshSession | undefined;
  try {
    const session = await dialUntil(host, limits, async () => {
      if (via?.alive !== true) via = await dialUntil(bastion, limits);
      return openForward(via, bastion, host);
    });
    return transport(host, session, via);
  } catch (error) {
    if (via !== undefined) hangUp(via);
    throw error;
  }
}

function openForward(via: SshSession, bastion: PreparedHop, host: PreparedHop): OpenStream {
  const { hop } = host;
  return async (signal) => {
    const made = await forward(via.client, { address: hop.host, port: hop.port }, signal);
    switch (made.kind) {
      case "connected":
        return made.stream;
      case "not-connected":
        throw new TryAgain(`${bastion.title} says: ${made.words}`, "nothing");
      case "forbidden":
        throw new RealServerError(
          "failed",
          `${bastion.title} does not forward to ${host.title}: ${made.words}. ` +
            `${forwardingRules(`${bastion.hop.user}'s key`)}.`,
          { host: hop.host },
        );
    }
  };
}

function transport(host: PreparedHop, session: SshSession, via?: SshSession): Transport {
  return {
    keys: { hostKey: session.hostKey, ...(via && { proxyHostKey: via.hostKey }) },
    longestCommand: longestCommandOf(session.software),
    exec: (command) => exec(host, session, command),
    connect: (to, signal) => forward(session.client, to, signal),
    close() {
      hangUp(session);
      // After it on the same wire, so that the host hears its goodbye first.
      if (via !== undefined) hangUp(via);
    },
  };
}

/** dropbear hangs up on a command of more than 9,000 bytes (MAX_CMD_LEN in its svr-chansession.c). */
function longestCommandOf(software: string): number {
  return /^dropbear/i.test(software) ? 9000 : Infinity;
}

function exec(host: PreparedHop, session: SshSession, command: string): Promise<Channel> {
  return new Promise((resolve, reject) => {
    const fail = (error: unknown): void => reject(execProblem(host, session, error));
    try {
      session.client.exec(command, (error, channel) => {
        if (error !== undefined) fail(error);
        else resolve(wrap(session, channel));
      });
    } catch (error) {
      // ssh2 throws at once when it knows that the connection is gone.
      fail(error);
    }
  });
}

function execProblem(host: PreparedHop, session: SshSession, error: unknown): RealServerError {
  if (!session.alive || !session.stream.writable) {
    // Not "unreachable": one that let us in is not gone, and no policy may forget it.
    return new RealServerError(
      "failed",
      `${host.title} closed the connection after the login. Is it going down, or is there a limit on sessions?`,
      { host: host.hop.host, cause: error },
    );
  }
  return new RealServerError(
    "failed",
    `${host.title} let ${host.hop.user} in and refuses to run a command: ${socketProblem(error)}.`,
    { host: host.hop.host, cause: error },
  );
}

function wrap(session: SshSession, channel: ClientChannel): Channel {
  let ending: { code?: number; signal?: string } = {};
  channel.on("exit", (code: number | null, signal?: string) => {
    ending = code === null ? { signal: signal ?? "unknown" } : { code };
  });
  // Without listeners an error of a stream would end the process; `closed` says all there is.
  channel.on("error", () => undefined);
  channel.stderr.on("error", () => undefined);
  const closed = new Promise<{ code?: number; signal?: string }>((resolve) => {
    channel.once("close", () => resolve(ending));
    // ssh2 closes a channel only after its output was read; a lost connection must not wait.
    session.client.once("close", () => setImmediate(() => resolve(ending)));
  });
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    closed,
    close: () => channel.close(),
  };
}

/** ssh2 alone would wait for the peer to close, and keep the process alive while it is silent. */
function hangUp(session: SshSession): void {
  session.client.end();
  destroySoon(session.stream);
}

function destroySoon(stream: Duplex): void {
  if (stream instanceof Socket) {
    // Closes as soon as the kernel has the goodbye; where its buffer is full, the timer does.
    stream.destroySoon();
    setTimeout(() => stream.destroy(), 1000).unref();
  } else {
    stream.destroy();
  }
}
