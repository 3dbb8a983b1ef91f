import { RealServerError } from "../../domain/errors";
import { excerpt } from "../../domain/terminal";
import { hostNamedBy, type Target } from "../connection";
import type { HostKeyPolicy } from "../host-key";

/** The error of a key exchange that failed. */
export function noHandshake(
  target: Target & { readonly hostKey: HostKeyPolicy },
  offers: Offers,
  error: Error,
): RealServerError {
  const found = offers.disagreement(error);
  if (found?.what === "host keys" && target.hostKey.algorithms !== undefined) {
    return target.hostKey.noCommonType(found.host);
  }
  const what =
    found === undefined
      ? `${target.title} and this client cannot agree on how to speak SSH: ${excerpt(error.message)}.`
      : `${target.title} and this client have no algorithm for ${found.what} in common: ` +
        `it offers ${found.host}; this client ${found.client}. ` +
        `Add one of the latter to ${found.option} in its sshd_config.`;
  return new RealServerError("unsupported", what, { host: hostNamedBy(target), cause: error });
}

/** The list over which a key exchange failed, on either side. */
interface Disagreement {
  /** What the algorithms in it are for, and the option of `sshd_config` that has them. */
  readonly what: "key exchange" | "host keys" | "encryption" | "MACs" | "compression";
  readonly option: string;
  /** Names, separated by commas; the host's are made fit for a terminal. */
  readonly host: string;
  readonly client: string;
}

/**
 * Listens to what ssh2 says about its doings, which is the only place where the lists are: it says
 * both before it compares them, so that those heard last are those that had nothing in common.
 */
export class Offers {
  #last: { subject: string; local: string; remote: string } | undefined;

  /** Takes one of ssh2's debug messages. */
  hear(message: string): void {
    const heard = /^Handshake: \((local|remote)\) ([^:]+): (.*)/s.exec(message);
    if (heard === null) return;
    const [, side, subject = "", list = ""] = heard;
    if (this.#last?.subject !== subject) this.#last = { subject, local: "", remote: "" };
    if (side === "local") this.#last.local = list;
    else this.#last.remote = list;
  }

  /** What there was no agreement on, by ssh2's error; undefined when something else went wrong. */
  disagreement(error: Error): Disagreement | undefined {
    if (this.#last === undefined || !/ no matching /i.test(error.message)) return undefined;
    const { subject, local, remote } = this.#last;
    const found = SUBJECTS.find(({ sign }) => sign.test(subject));
    return found && { ...found, host: names(remote), client: names(local) };
  }
}

const SUBJECTS = [
  { sign: /KEX/, what: "key exchange", option: "KexAlgorithms" },
  { sign: /Host key/, what: "host keys", option: "HostKeyAlgorithms" },
  { sign: /cipher/, what: "encryption", option: "Ciphers" },
  { sign: /MAC/, what: "MACs", option: "MACs" },
  { sign: /compression/, what: "compression", option: "Compression" },
] as const;

/** Without the signs by which the two sides tell each other of extensions. */
function names(list: string): string {
  const all = list.split(",").filter((name) => !/^(?:ext-info|kex-strict)-/.test(name));
  return all.slice(0, 50).map(excerpt).join(", ");
}
