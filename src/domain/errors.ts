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

/** SSH host keys, `ssh-ed25519 AAAA…`: of the host, and of the bastion on the way to it. */
export interface HostKeys {
  readonly hostKey?: string;
  readonly proxyHostKey?: string;
}

/**
 * What a person could do next, where that is a matter of the shell that is in use: an input of a
 * Pulumi program or a flag of `pulumi`, an option or variable of the command. Each shell has its own
 * words for it.
 */
export type Remedy =
  /** The host may be slow to come up: more time for dialling. */
  | { readonly kind: "dial-longer" }
  /** See whether the host is up and whether its sshd listens on the port. */
  | { readonly kind: "look-at-sshd"; readonly port: number }
  /** It is gone for good. */
  | { readonly kind: "give-up-host"; readonly host: string }
  /** It will be back, and others should not wait for it. */
  | { readonly kind: "leave-out-host" }
  /** Log in as root, or become root. */
  | { readonly kind: "become-root" }
  /** The password that sudo was given is wrong. */
  | { readonly kind: "mend-sudo-password" }
  /** The work on the host needs more time. */
  | { readonly kind: "work-longer" }
  /** Give the sysctls up where they cannot be put back. */
  | { readonly kind: "leave-sysctls" }
  /** The service may be slow to come up: more time for it. */
  | { readonly kind: "wait-for-service" }
  /** Do not ask whether the service is ready. */
  | { readonly kind: "do-without-ready" };

/** What is known of a failure beside its kind and its first words. */
export interface FailureDetails {
  /** Default: `untouched`. */
  readonly aftermath?: Aftermath;
  /** The host that it is about, where the first words name it. */
  readonly host?: string | undefined;
  /** Dialling proves, as far as it can, that nobody lives at the host's address. Default: false. */
  readonly isGone?: boolean;
  /** What was found, and what should have been there, where the failure is a difference of two. */
  readonly observed?: string | undefined;
  readonly wanted?: string | undefined;
  /** In the order in which a person should think of them. Default: none. */
  readonly remedies?: readonly Remedy[];
  /** The SSH host keys that were seen before it failed, so that they can be pinned all the same. */
  readonly pins?: HostKeys;
  readonly cause?: unknown;
}

/**
 * The one error type of this package. Its message says what failed, where, and what became of the
 * host; what to do next is in `remedies`, and the shell that speaks to a person puts it into words.
 */
export class RealServerError extends Error {
  override readonly name = "RealServerError";
  /** What became of the host. */
  readonly aftermath: Aftermath;
  /** The host that it is about; undefined while nobody has said. */
  readonly host: string | undefined;
  /**
   * The host itself was dialled, from a place that could dial, and neither answered nor had a route
   * to it: what a policy may take for gone for good.
   */
  readonly isGone: boolean;
  /** What was found, where the failure is a difference. */
  readonly observed: string | undefined;
  /** What should have been there, where the failure is a difference. */
  readonly wanted: string | undefined;
  /** What could be done next. */
  readonly remedies: readonly Remedy[];
  /** The SSH host keys that were seen before it failed. */
  readonly pins: HostKeys;
  /** Whether the message says what became of the host. */
  private readonly isSettled: boolean;

  constructor(
    /** What kind of failure this is. */
    readonly kind: ErrorKind,
    /** What failed, as a sentence or the beginning of one: without aftermath and remedies. */
    readonly what: string,
    private readonly details: FailureDetails = {},
    isSettled = false,
  ) {
    const { aftermath = "untouched", cause } = details;
    const message = isSettled ? `${asSentence(what)} ${AFTERMATHS[aftermath]}` : what;
    super(message, cause === undefined ? undefined : { cause });
    this.aftermath = aftermath;
    this.host = details.host;
    this.isGone = details.isGone ?? false;
    this.observed = details.observed;
    this.wanted = details.wanted;
    this.remedies = details.remedies ?? [];
    this.pins = details.pins ?? {};
    this.isSettled = isSettled;
  }

  /**
   * The same error once the operation is over: it names the host, and says what became of it.
   * An error that does so already comes back as it is.
   */
  settledAt(host: string, keys: HostKeys = {}): RealServerError {
    if (this.isSettled) return this;
    const what = this.host === undefined ? `${host}: ${this.what}` : this.what;
    const pins = { ...this.pins, ...keys };
    return new RealServerError(
      this.kind,
      what,
      { ...this.details, host: this.host ?? host, pins },
      true,
    );
  }

  /** The same error once something was undone on its account. */
  afterwards(aftermath: Aftermath): RealServerError {
    return new RealServerError(this.kind, this.what, { ...this.details, aftermath });
  }

  /** The message with what to do next, as a shell words it: after what failed, before the aftermath. */
  withAdvice(advice: (remedies: readonly Remedy[]) => string): string {
    const what = `${this.what}${advice(this.remedies)}`;
    return this.isSettled ? `${asSentence(what)} ${AFTERMATHS[this.aftermath]}` : what;
  }
}

const AFTERMATHS: Record<Aftermath, string> = {
  untouched: "Nothing was touched.",
  "rolled-back": "The host was rolled back to what it was before.",
  unknown:
    "What became of the host is not known; whatever was not committed is undone by the host itself. Do the same again: it finds out, and finishes.",
};

function asSentence(text: string): string {
  return /[.!?]$/.test(text) ? text : `${text}.`;
}

/** Why something must not be done, though nothing has failed yet. */
export interface Refusal {
  /** What is wrong, and on the host what to do about it. */
  readonly what: string;
  /** What could be done about it in the shell that is in use. */
  readonly remedies: readonly Remedy[];
}

/** The error that refuses; undefined where nothing is to be refused. */
export function refusedFor(refusals: readonly Refusal[]): RealServerError | undefined {
  if (refusals.length === 0) return undefined;
  const what = refusals.map((refusal) => refusal.what).join("; ");
  return new RealServerError("refused", what, {
    remedies: refusals.flatMap((refusal) => refusal.remedies),
  });
}
