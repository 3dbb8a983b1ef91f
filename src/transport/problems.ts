import { RealServerError } from "../domain/errors";
import type { Hop } from "./connection";

/** A failure that may pass by itself: the host is booting, a link is down. Never leaves `dial`. */
export class TryAgain extends Error {
  /** It answered, and knows SSH: whatever is wrong with it, it is not gone. */
  readonly isUp: boolean;

  constructor(message: string, options: { cause?: unknown; isUp?: boolean } = {}) {
    super(message, options);
    this.isUp = options.isUp ?? false;
  }
}

/**
 * What somebody else sent, made fit for a terminal: escape sequences go, other control and
 * direction characters become spaces, and at most 200 characters stay.
 */
export function printable(text: string): string {
  const plain = text
    .replace(/\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[ -/]*[0-~])/g, "")
    .replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Cs}]+/gu, " ")
    .trim();
  return plain.length > 200 ? `${plain.slice(0, 199)}…` : plain;
}

/** What a socket's error means, in plain words. */
export function socketProblem(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | undefined)?.code;
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
      return "its name does not resolve";
    case "EAI_AGAIN":
      return "no name server answers";
    default:
      return printable(code ?? (error instanceof Error ? error.message : String(error)));
  }
}

/** Nobody answered in time. `host` is the one to forget, also where its bastion is what is down. */
export function unreachable(
  what: { hop: Hop; title: string; host: string },
  tries: { attempts: number; seconds: number; limited: boolean },
  cause: TryAgain,
): RealServerError {
  const attempts = tries.attempts === 1 ? "1 attempt" : `${tries.attempts} attempts`;
  const limit = tries.limited ? ", as many as dialErrorLimit allows" : "";
  const how = `${cause.message} (${attempts} in ${tries.seconds} s${limit})`;
  if (cause.isUp) return turnedAway(what.title, how, cause);
  const lines = [
    `${what.title} cannot be reached: ${how}.`,
    `- Is it up, and does sshd listen on port ${what.hop.port}? A slow one: raise timeouts.connectSeconds.`,
    `- Gone for good: PULUMI_LVS_DR_FORGET=${what.host} in the environment, then destroy, or up --refresh.`,
    `- Back later: leave it out with --exclude <urn>, or --refresh=false; or set unreachableOnRefresh: "keep".`,
  ];
  return new RealServerError("unreachable", lines.join("\n"), { cause });
}

/** Not unreachable: no policy may forget a host that is there. */
function turnedAway(title: string, how: string, cause: TryAgain): RealServerError {
  return new RealServerError(
    "authentication",
    `${title} is up and lets nobody in: ${how}. Is it still booting or shutting down (nologin), or at a limit (MaxStartups)? A slow one: raise timeouts.connectSeconds.`,
    { cause },
  );
}

/** Why dialling was given up from outside: the signal's own error, or that time was over. */
export function stopped(title: string, reason: unknown): RealServerError {
  if (reason instanceof RealServerError) return reason;
  return new RealServerError("timed-out", `Stopped while dialling ${title}.`, { cause: reason });
}
