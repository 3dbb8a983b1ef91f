/**
 * What went wrong, in one word. Programs branch on it; the message is for people.
 *
 * - `unreachable`: nobody answered at the address within the time to connect.
 * - `authentication`: the host answered and would not let us in.
 * - `host-key`: the host answered with a key that is not the one it should have.
 * - `privilege`: logged in, but neither root nor able to become root.
 * - `unsupported`: the host lacks a tool or a kernel feature that is needed.
 * - `busy`: another operation holds the host's lock.
 * - `refused`: the request would do harm; nothing was touched.
 * - `failed`: a step failed on the host; the message says whether it was rolled back.
 * - `not-converged`: every step succeeded and the host still is not as asked for.
 * - `timed-out`: the operation's time was over.
 */
export type ErrorKind =
  | "unreachable"
  | "authentication"
  | "host-key"
  | "privilege"
  | "unsupported"
  | "busy"
  | "refused"
  | "failed"
  | "not-converged"
  | "timed-out";

/** What became of the host after a failure. `untouched`: nothing had been written. */
export type Aftermath = "untouched" | "rolled-back" | "unknown";

/** The one error type of this package. The message is complete: what, where, and what to do next. */
export class RealServerError extends Error {
  override readonly name = "RealServerError";
  /** What kind of failure this is. */
  readonly kind: ErrorKind;
  /** What became of the host. */
  readonly aftermath: Aftermath;
  /** The SSH host keys that were seen before it failed, so that they can be pinned all the same. */
  readonly pins: { readonly hostKey?: string; readonly proxyHostKey?: string };

  constructor(
    kind: ErrorKind,
    message: string,
    options: { aftermath?: Aftermath; cause?: unknown; pins?: RealServerError["pins"] } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.kind = kind;
    this.aftermath = options.aftermath ?? "untouched";
    this.pins = options.pins ?? {};
  }
}
