import type { Duplex, Readable, Writable } from "node:stream";
import type { HostKeys } from "../domain/errors";

/** What bounds a dialling, and who hears how it goes. */
export interface DialOptions {
  /** Host keys pinned on first contact. */
  readonly pins: HostKeys;
  /** Seconds for all dialling: every hop, pauses and authentication. */
  readonly connectSeconds: number;
  /** The command that will be run first, where it is known: a transport may have it under way by then. */
  readonly first?: string;
  /** Stops the dialling, not a transport that is up. */
  readonly signal: AbortSignal;
  /** Hears what goes on, in a few words for a person: `dialling 10.0.0.1:22 again (…)`. */
  progress(text: string): void;
  /** Hears what people should know though nothing failed, a sentence at a time. */
  warn(text: string): void;
}

/**
 * Makes a connection to one host.
 *
 * @throws RealServerError `unreachable`, `authentication`, `host-key`, `unsupported`, `failed`; the
 *   signal's own error, or `timed-out`, when it is aborted
 */
export type Dial = (options: DialOptions) => Promise<Transport>;

/** A connection that is up. */
export interface Transport {
  /** The keys that it saw proved: what to pin. Empty where somebody else checks them. */
  readonly keys: HostKeys;
  /** How many bytes a command may have; `Infinity` where the server sets no limit below ours. */
  readonly longestCommand: number;
  /**
   * Runs a command by the login shell.
   *
   * @throws RealServerError `failed` when the host refuses, or has closed the connection
   */
  exec(command: string): Promise<Channel>;
  /**
   * Has the host itself connect by TCP to an address, one of its own mostly.
   *
   * @param signal ends the attempt, which rejects with its reason
   * @throws RealServerError where another login is needed, and is refused
   */
  connect(to: Endpoint, signal: AbortSignal): Promise<FromHost>;
  /** Says goodbye and closes; never waits for an answer. */
  close(): void;
}

/** An address and a TCP port of it. */
export interface Endpoint {
  readonly address: string;
  readonly port: number;
}

/** What came of a connection that the host was to make. */
export type FromHost =
  | { readonly kind: "connected"; readonly stream: Duplex }
  /** The host says why not: nobody listens there, no route. That may pass. */
  | { readonly kind: "not-connected"; readonly words: string }
  /** Its SSH server makes no connections for whoever logged in (RFC 4254, 5.1). That does not pass. */
  | { readonly kind: "forbidden"; readonly words: string };

/** One command on the host. */
export interface Channel {
  readonly stdin: Writable;
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** Resolves when the channel is closed, however; empty when the connection was lost. */
  readonly closed: Promise<{ code?: number; signal?: string }>;
  close(): void;
}

/** Who logs in, and how that user becomes root. */
export interface Login {
  /** As messages name them. */
  readonly user: string;
  /**
   * `false` for one who is root, or who is not to become it; `"unless root"` where only the host knows
   * who logs in. With a password for sudo it is not decided there.
   */
  readonly sudo: boolean | "unless root";
  /** What sudo asks for; undefined where it is not to ask. */
  readonly sudoPassword?: string | undefined;
}

/** A host, the way to it, and who we are there. */
export interface HostAccess {
  /** As the program or the command line names it. */
  readonly host: string;
  readonly login: Login;
  readonly dial: Dial;
}
