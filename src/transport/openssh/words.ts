// The one file that knows what ssh says when it does not get in, or does not get through.
import type { ErrorKind } from "../../domain/errors";
import { excerpt, lastWords } from "../../domain/terminal";
import type { FromHost } from "../transport";

/** What the last words of an `ssh` that did not get in mean. */
export interface SshEnd {
  /** `again`: it may pass by itself. All else would only be repeated. */
  readonly kind:
    "again" | Extract<ErrorKind, "authentication" | "host-key" | "unsupported" | "failed">;
  /** ssh's own words, fit for a terminal; where it has none, what is known of its end. */
  readonly words: string;
  /** Keys are not what the host was left to ask for: one may have been accepted already. */
  readonly asksForMore: boolean;
  /** Somebody took the connection, and ended it before it spoke SSH; and that is all that ssh says. */
  readonly hungUp: boolean;
}

/**
 * Reads what an `ssh` printed that ended before the host's shell said anything. The words choose a kind
 * and are quoted; nothing else hangs on them, for a bastion or a ProxyCommand may have said them.
 *
 * @param printed all of its stderr: what a jump says on the way comes before what ssh makes of it
 * @param ending `status 255`, `SIGKILL`
 */
export function readEnd(printed: string, ending: string): SshEnd {
  const text = printed.replace(/^@.*$|^ssh: /gm, "");
  const words = lastWords(text) || `it ended with ${ending}, and says nothing`;
  const found = ENDS.find(({ says }) => says.test(text));
  // In brackets is what may continue the login (RFC 4252, 5.1): after a key that is one of two, not keys.
  const asksForMore = /Permission denied \((?![^)]*publickey)/.test(text);
  // A jump or a ProxyCommand that fails has words of its own before these.
  const hungUp = /^(?:(?:kex|ssh)_exchange_identification: .*\s*)+$/.test(text);
  return { kind: found?.kind ?? "again", words, asksForMore, hungUp };
}

/**
 * Whether an `ssh -W` says that the host has made its connection. It does so in its log alone, from
 * LogLevel DEBUG2 on (channel_input_open_confirmation in OpenSSH's channels.c, the same since 3.0).
 */
export function saysConnected(printed: string): boolean {
  return /^debug2: channel \d+: open confirm rwindow /m.test(printed);
}

/** What an `ssh -W` says of a host that it got into, and that did not connect; undefined where it says nothing. */
export function readNotConnected(
  printed: string,
): Exclude<FromHost, { readonly kind: "connected" }> | undefined {
  const [, reason, more = ""] =
    /^channel \d+: open failed: ([^:\r\n]+)(?:: ([^\r\n]*))?\r?$/m.exec(printed) ?? [];
  if (reason === undefined) return undefined;
  return reason === "administratively prohibited"
    ? { kind: "forbidden", words: excerpt(`${reason}: ${more}`) }
    : { kind: "not-connected", words: excerpt(more || reason) };
}

/** What is said at any LogLevel that people see, of all that was said at DEBUG2. */
export function withoutLog(printed: string): string {
  return printed.replace(
    /^(?:debug\d: |Authenticated to |Transferred: |Bytes per second: ).*\r?\n?/gm,
    "",
  );
}

/** In this order: after a jump was refused, ssh goes on to say that the connection was closed. */
const ENDS: readonly { readonly kind: SshEnd["kind"]; readonly says: RegExp }[] = [
  { kind: "host-key", says: /Host key verification failed|HOST IDENTIFICATION HAS CHANGED/ },
  { kind: "host-key", says: /REVOKED HOST KEY|Host key .* was revoked|key .* is not known by any/ },
  { kind: "authentication", says: /Permission denied \(|Too many authentication failures/ },
  {
    kind: "authentication",
    says: /Authentication failed|[Nn]o (?:more|supported) authentication methods/,
  },
  {
    kind: "unsupported",
    says: /Unable to negotiate|no matching .* found|Protocol major versions differ/,
  },
  // A shell that runs a ProxyCommand has a colon before it.
  { kind: "failed", says: /^(?:[^:\n]+|command-line:) line \d+: /m },
  { kind: "failed", says: /Bad owner or permissions|Bad configuration option|Can't open .*config/ },
  { kind: "failed", says: /jumphost loop|^usage: ssh/m },
];
