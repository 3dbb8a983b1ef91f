import type { ClientErrorExtensions } from "ssh2";
import type { RealServerError } from "../../domain/errors";
import { excerpt } from "../../domain/terminal";
import { socketProblem, TryAgain } from "../problems";
import { refused, type AuthLog } from "./auth";
import { authenticationError } from "./identities";
import { noHandshake, type Offers } from "./handshake";
import type { PreparedHop } from "./prepared-hop";

/** What one attempt learnt before it failed. */
export interface Seen {
  readonly auth: AuthLog;
  readonly offers: Offers;
  hostKey?: string;
  verdict?: RealServerError | undefined;
  banner?: string;
  /** The first bytes that came, in Latin-1. */
  heard: string;
}

/** Maps ssh2's errors, and a connection that just closed, to ours. */
export function failure(
  login: PreparedHop,
  seen: Seen,
  error: (Error & ClientErrorExtensions & { code?: unknown }) | undefined,
): Error {
  if (seen.verdict !== undefined) return seen.verdict;
  const closed = accountClosed(login, seen);
  if (closed !== undefined) return closed;
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

/**
 * PAM's account modules say in a banner why they let nobody in, after the key or password was accepted.
 * A host that is still booting may say any words there (pam_nologin); these are pam_unix's, pam_sss's
 * and pam_faillock's words for what is the same at the next try.
 */
function accountClosed(login: PreparedHop, { auth, banner = "" }: Seen): Error | undefined {
  if (auth.tried.length === 0 || auth.refusals > 0 || !CLOSED.test(banner)) return undefined;
  const { title, hop } = login;
  return authenticationError(
    login,
    `${title} does not let ${hop.user} in, and that is the account's doing: it says: ${excerpt(banner)}. ` +
      `On the host, "chage -l ${hop.user}" and "faillock --user ${hop.user}" tell more.`,
  );
}

const CLOSED = /\baccount (?:(?:has(?: been)?|is|was) )?(?:expired|locked|disabled)\b/i;

function saying(text: string | undefined): string {
  return text === undefined || text.trim() === "" ? "" : `, saying: ${excerpt(text)}`;
}

/** What a server says in place of SSH: OpenSSH "Not allowed at this time", others their banner. */
function beforeSsh({ heard }: Seen): string {
  const lines = Buffer.from(heard, "latin1").toString("utf8").split(/\r?\n/);
  const ssh = lines.findIndex((line) => line.startsWith("SSH-"));
  return lines.slice(0, ssh < 0 ? undefined : ssh).join(" ");
}
