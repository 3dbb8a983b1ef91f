import { RealServerError, type Remedy } from "../domain/errors";
import { excerpt } from "../domain/terminal";
import type { Hop } from "./connection";

/**
 * What a failed attempt tells of the host:
 *
 * - `silent`: it was dialled, and nothing came back;
 * - `no-route`: it was dialled, and the network says that no way leads to it;
 * - `refused`: a kernel lives there, and nothing listens at the port;
 * - `answered`: TCP was accepted;
 * - `turned-away`: it spoke SSH, and hung up on the login;
 * - `nothing`: the trouble is on this side or on the way, and the host may be well.
 *
 * Only the first two are what a host that is gone looks like.
 */
export type Sign = "silent" | "no-route" | "refused" | "answered" | "turned-away" | "nothing";

/** A failure that may pass by itself: the host is booting, a link is down. Never leaves `dial`. */
export class TryAgain extends Error {
  constructor(
    message: string,
    /** What it tells of the host. */
    readonly sign: Sign,
    options: { cause?: unknown } = {},
  ) {
    super(message, options);
  }
}

/**
 * What an error of connecting means, in plain words, and what it tells of the host. A name with
 * several addresses fails with one error for each: only what all of them tell is told.
 */
export function connectProblem(error: unknown): ConnectProblem {
  const errors: readonly unknown[] = error instanceof AggregateError ? error.errors : [error];
  const sign = sumOf(new Set(errors.map(signOf)));
  const telling = errors.find((one) => signOf(one) === sign) ?? errors[0];
  return { text: socketProblem(telling), sign, unrouted: errors.flatMap(unroutedAddress) };
}

/** Why a connection did not come about. */
export interface ConnectProblem {
  readonly text: string;
  readonly sign: Sign;
  /** The addresses to which there was no route, by whomever's word. */
  readonly unrouted: readonly string[];
}

function unroutedAddress(error: unknown): string[] {
  const { address } = error as { address?: unknown };
  return signOf(error) === "no-route" && typeof address === "string" ? [address] : [];
}

/** What a socket's error means, in plain words. */
export function socketProblem(error: unknown): string {
  const code = codeOf(error);
  switch (code) {
    case "ECONNREFUSED":
      return "connection refused";
    case "ECONNRESET":
    case "EPIPE":
      return "connection reset";
    case "ETIMEDOUT":
      return "no answer";
    case "EHOSTUNREACH":
      return "no route to the host";
    case "ENETUNREACH":
      return "no route to its network";
    case "ENOTFOUND":
      return "its name does not resolve (an alias of ssh_config is no name: that file is not read)";
    case "EAI_AGAIN":
      return "no name server answers";
    case "EACCES":
    case "EPERM":
      return `this machine may not open the connection (${code})`;
    default:
      return excerpt(code ?? (error instanceof Error ? error.message : String(error)));
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as NodeJS.ErrnoException | undefined)?.code;
}

/** ENETUNREACH is this machine's own table of routes (connect(2)); a name server is not the host. */
function signOf(error: unknown): Sign {
  switch (codeOf(error)) {
    case "ETIMEDOUT":
      return "silent";
    case "EHOSTUNREACH":
      return "no-route";
    case "ECONNREFUSED":
      return "refused";
    case "ECONNRESET":
    case "EPIPE":
      return "answered";
    default:
      return "nothing";
  }
}

/** The strongest sign of life there is; without one, trouble on this side is what counts. */
function sumOf(signs: ReadonlySet<Sign>): Sign {
  const order = ["turned-away", "answered", "refused", "nothing", "silent"] as const;
  return order.find((sign) => signs.has(sign)) ?? "no-route";
}

/** How the attempts at a hop went, all of them. */
export interface Tries {
  readonly hop: Hop;
  /** `10.0.0.1:22`, or `the bastion 10.0.0.1:22`. */
  readonly title: string;
  /** The host that the operation is about. */
  readonly host: string;
  /** The hop is that host, and was dialled from here, not through a bastion. */
  readonly direct: boolean;
  readonly attempts: number;
  readonly seconds: number;
  /** `dialErrorLimit` ended them, not the time. */
  readonly limited: boolean;
  /** What each attempt told of the hop. */
  readonly signs: ReadonlySet<Sign>;
}

/**
 * No attempt got through. The host counts as gone only where it was dialled itself, from here, and
 * not one attempt saw a sign of life, or trouble on this side: a policy may then forget it.
 */
export function unreachable(tries: Tries, cause: TryAgain): RealServerError {
  const { title, host, hop, signs } = tries;
  const how = inAll(tries, cause);
  const sign = sumOf(signs);
  if (sign === "turned-away") return turnedAway(tries, how, cause);
  const isGone = tries.direct && (sign === "silent" || sign === "no-route");
  const remedies: Remedy[] = [
    ...(sign === "nothing" ? [] : [{ kind: "look-at-sshd" as const, port: hop.port }]),
    ...(isGone ? [{ kind: "give-up-host" as const, host }] : []),
    { kind: "leave-out-host" },
  ];
  const hint = sign === "answered" ? ` Something accepts connections there: ${SSHD_LIMITS}?` : "";
  const what = `${title} cannot be reached: ${how}.${hint}`;
  return new RealServerError("unreachable", what, { host, isGone, remedies, cause });
}

/** The last failure, and how often and how long it was tried: `no answer (3 attempts in 9 s)`. */
export function inAll(
  { attempts, seconds, limited }: Pick<Tries, "attempts" | "seconds" | "limited">,
  last: TryAgain,
): string {
  const times = attempts === 1 ? "1 attempt" : `${attempts} attempts`;
  const limit = limited ? ", as many as dialErrorLimit allows" : "";
  return `${last.message} (${times} in ${seconds} s${limit})`;
}

/** What has an sshd end a connection before it says anything, as a question without its mark. */
export const SSHD_LIMITS =
  "is its sshd full (MaxStartups), or does it hold this address back for a while (PerSourcePenalties)";

/**
 * What on an SSH server forbids that it connects for whoever logged in: a sentence without its full stop.
 *
 * @param key what logged in: `root's key`
 */
export function forwardingRules(key: string): string {
  return (
    `Either the line of ${key} in authorized_keys there forbids it (restrict, ` +
    `no-port-forwarding, permitopen), or its sshd_config does (AllowTcpForwarding, PermitOpen, DisableForwarding)`
  );
}

/** It speaks SSH. Whatever is wrong with the login, the host is not out of reach. */
function turnedAway({ title, host }: Tries, how: string, cause: TryAgain): RealServerError {
  const what = `${title} is up and lets nobody in: ${how}. Is it still booting or shutting down (nologin), or at a limit (MaxStartups)?`;
  return new RealServerError("authentication", what, {
    host,
    remedies: [{ kind: "dial-longer" }],
    cause,
  });
}

/** Why dialling was given up from outside: the signal's own error, or that time was over. */
export function stopped(title: string, host: string, reason: unknown): RealServerError {
  if (reason instanceof RealServerError) return reason;
  const what = `Stopped while dialling ${title}.`;
  return new RealServerError("timed-out", what, { host, cause: reason });
}
