import { oneLine } from "../domain/terminal";
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
 * The one command of an operation, on one line, as any login shell reads it: a csh or fish does as a
 * POSIX shell does, and one that cannot read it does nothing, for there is no second line. It says how
 * far it got, each time on a line of its own: whatever was printed before may have had no line break.
 *
 * The login shell expands `$SSH_CONNECTION` before sudo empties the environment. The program is an
 * argument, so that stdin carries only requests.
 */
export function openingCommand(opening: Opening): string {
  const run = `eval "$(printf %b "$0")"`;
  return commandLine(opening, inQuotes(`${announce("program", '"$1"')}; ${run}`), encoded(opening));
}

/**
 * The same for a server that takes no long command: the program comes as the first line on stdin, once
 * {@link programLine} is asked for by the line `NONCE program`.
 */
export function shortOpeningCommand(opening: Opening): string {
  const run = `IFS= read -r program && eval "$(printf %b "$program")"`;
  return commandLine(opening, inQuotes(`${announce("program", '"$1"')}; ${run}`), "lvs-dr");
}

/** The program as a line of stdin. */
export function programLine({ program }: Pick<Opening, "program">): string {
  return `${escaped(program)}\n`;
}

function commandLine(opening: Opening, script: string, name: string): string {
  const { nonce, mode, seconds, holder, subjects } = opening;
  const words = [script, name, nonce, mode, String(seconds), '"$SSH_CONNECTION"'];
  const program = [...words, quote(holder), ...subjects.map(quote)].join(" ");
  // sshd and sudo set SHELL; a login shell's own name for itself differs from shell to shell.
  const login = announce("login", nonce, '"$SHELL"');
  return `${login}; exec ${sudoWords(opening)}sh -c ${program}`;
}

/** As the words before a command: what follows them is run by root, if need be by sudo. */
const SUDO_UNLESS_ROOT = `sh -c 'test "$(id -u)" = 0 && exec "$@"; exec sudo -n -- "$@"' sh `;

/** A line that tells how far we got; the nonce is its first word. */
function announce(stage: "login" | "program", nonce: string, more = ""): string {
  return `printf "\\n%s ${stage} %s\\n" ${nonce} ${more}`.trimEnd();
}

function encoded({ program }: Opening): string {
  return `'${escaped(program)}'`;
}

/**
 * For `printf %b`: no line break (a csh reads its command line by line), no quote, no backslash
 * before either (a fish takes it for an escape), and no `!` (a csh's history).
 */
function escaped(program: string): string {
  return program.replace(/[\n\\'!]/g, (char) =>
    char === "\n" ? "\\n" : `\\0${char.charCodeAt(0).toString(8).padStart(3, "0")}`,
  );
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

function sudoWords({ login, nonce }: Opening): string {
  if (!login.sudo) return "";
  if (login.sudo === "unless root") return SUDO_UNLESS_ROOT;
  if (login.sudoPassword === undefined) return "sudo -n -- ";
  return `sudo -k -S -p ${quote(sudoPrompt(nonce))} -- `;
}

/** One verb of a request, with its words. */
export function call(verb: string, ...words: string[]): string {
  return [verb, ...words.map(quote)].join(" ");
}
