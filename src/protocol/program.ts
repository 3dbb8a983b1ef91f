import type { Login } from "../transport/transport";

/** What the first command line of a conversation says. */
export interface Opening {
  /** What runs on the host: a program of a kind of host, see host/scripts.ts. */
  readonly program: string;
  /** Marks our answers and, for sudo, the prompt. Lower-case letters and digits. */
  readonly nonce: string;
  /** `look`: no lock; `share`: for reading; `hold`: for writing. */
  readonly mode: "look" | "share" | "hold";
  /** After so many seconds the host undoes what was not committed. */
  readonly seconds: number;
  /** Who we are, for those who wait for our lock: one line. */
  readonly holder: string;
  /** What every observation is to tell of besides: words of the kind's own. */
  readonly subjects: readonly string[];
  readonly login: Pick<Login, "sudo" | "sudoPassword">;
}

/**
 * The one command of an operation. The login shell expands `$SSH_CONNECTION` before sudo empties
 * the environment; the script is an argument, so that stdin carries only requests.
 */
export function openingCommand(opening: Opening): string {
  const { program, nonce, mode, seconds, holder, subjects } = opening;
  const words = [inQuotes(program), "lvs-dr", nonce, mode, String(seconds), '"$SSH_CONNECTION"'];
  return `exec ${sudoWords(opening)}sh -c ${[...words, quote(holder), ...subjects.map(quote)].join(" ")}`;
}

/** What sudo asks with, so that its prompt cannot be mistaken. */
export function sudoPrompt(nonce: string): string {
  return `${nonce} password`;
}

/** The request after which the operation counts. */
export const COMMIT_REQUEST = "commit";

/** A request that fails with this text, so that the host undoes what it did. */
export function giveUpRequest(reason: string): string {
  return call("fail", oneLine(reason));
}

/** One word for a POSIX shell: any string but one with a NUL or a line break, for requests are lines. */
export function quote(text: string): string {
  if (/[\0\n\r]/.test(text)) {
    throw new RangeError("a request cannot carry a line break or a NUL");
  }
  return inQuotes(text);
}

function inQuotes(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Control characters become spaces: for names that people gave. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

function sudoWords({ login, nonce }: Opening): string {
  if (!login.sudo) return "";
  if (login.sudoPassword === undefined) return "sudo -n -- ";
  return `sudo -k -S -p ${quote(sudoPrompt(nonce))} -- `;
}

/** One verb of a request, with its words. */
export function call(verb: string, ...words: string[]): string {
  return [verb, ...words.map(quote)].join(" ");
}
