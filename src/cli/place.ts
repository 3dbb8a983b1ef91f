import { isIP } from "node:net";
import { UsageError } from "./usage";

/** `user@host:port`, taken apart. */
export interface Place {
  readonly host: string;
  readonly user: string | undefined;
  readonly port: number | undefined;
}

/** How a destination with a port begins, as ssh takes it (ssh(1), "destination"). */
export const SSH_URL = /^ssh:\/\//;

/** The highest TCP port. */
export const MOST_PORT = 65_535;

/**
 * Takes `[user@]host[:port]` apart, with or without `ssh://` before it. What is wrong with it is not
 * repeated: it may hold a password.
 *
 * @throws UsageError
 */
export function placeOf(text: string): Place {
  const destination = text.replace(SSH_URL, "");
  const at = destination.lastIndexOf("@");
  const user = at < 0 ? undefined : destination.slice(0, at);
  const place = destination.slice(at + 1);
  if (user?.includes(":"))
    throw new UsageError("a password never stands on a command line; see --help");
  if (user === "") throw new UsageError("the user before @ is empty");
  if (isIP(place) !== 0) return { host: place, user, port: undefined };
  const [, bracketed, plain, port] = /^(?:\[([^\]]*)\]|([^:/[\]]*))(?::(\d+))?$/.exec(place) ?? [];
  const host = bracketed ?? plain;
  if (!host) throw new UsageError("the host is to be [user@]host, or ssh://[user@]host[:port]");
  return { host, user, port: numberOf("the port", port, MOST_PORT) };
}

/**
 * A whole number from 1 to `most`; undefined where there is none.
 *
 * @param what is called so where it is wrong
 * @throws UsageError
 */
export function numberOf(what: string, text: string | undefined, most: number): number | undefined {
  if (text === undefined) return undefined;
  if (!/^\d{1,5}$/.test(text) || Number(text) < 1 || Number(text) > most)
    throw new UsageError(`${what} is not a whole number from 1 to ${most}`);
  return Number(text);
}
