import { gzipSync } from "node:zlib";
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
 * argument, so that stdin carries only requests: packed, because a TCP connection sends some 14 kB at
 * first, and in base64, which holds nothing that a shell reads otherwise. A host without the tools to
 * unpack it asks for {@link programLine}, by the line `NONCE wanted`.
 */
export function openingCommand(opening: Opening): string {
  const run = `{ program=$(printf %s "$1" | base64 -d | gzip -dc); } 2>/dev/null || { ${ASK}; }`;
  return commandLine(opening, run, `'${packed(opening.program)}'`);
}

/** The same for a server that takes no long command: it asks for the program in any case. */
export function shortOpeningCommand(opening: Opening): string {
  return commandLine(opening, ASK, "-");
}

/** The program as a line of stdin. */
export function programLine({ program }: Pick<Opening, "program">): string {
  return `${escaped(program)}\n`;
}

const PACKED = new Map<string, string>();

/** Packed once a process: a fleet's hosts all get the same few programs. */
function packed(program: string): string {
  const known = PACKED.get(program);
  if (known !== undefined) return known;
  const text = gzipSync(program, { level: 9 }).toString("base64");
  PACKED.set(program, text);
  return text;
}

function commandLine(opening: Opening, load: string, text: string): string {
  const { nonce, mode, seconds, holder, subjects } = opening;
  const until = new Date(Date.now() + seconds * 1000).toISOString().slice(11, 19);
  const script = inQuotes(`${announce("program", '"$2"')}; ${load}; shift; eval "$program"`);
  const words = [script, "lvs-dr", text, nonce, mode, String(seconds), '"$SSH_CONNECTION"'];
  const program = [...words, `${until}Z`, quote(holder), ...subjects.map(quote)].join(" ");
  // sshd and sudo set SHELL; a login shell's own name for itself differs from shell to shell.
  const login = announce("login", nonce, '"$SHELL"');
  return `${login}; exec ${sudoWords(opening)}sh -c ${program}`;
}

/** As the words before a command: what follows them is run by root, if need be by sudo. */
const SUDO_UNLESS_ROOT = `sh -c 'test "$(id -u)" = 0 && exec "$@"; exec sudo -n -- "$@"' sh `;

/** A line that tells how far we got; the nonce is its first word. */
function announce(stage: "login" | "program" | "wanted", nonce: string, more = ""): string {
  return `printf "\\n%s ${stage} %s\\n" ${nonce} ${more}`.trimEnd();
}

/** Asks for the program as a line, and reads it. */
const ASK = `${announce("wanted", '"$2"')}; IFS= read -r program || exit; program=$(printf %b "$program")`;

/** For `printf %b`, without a line break. */
function escaped(program: string): string {
  return program.replaceAll("\\", "\\\\").replaceAll("\n", "\\n");
}

/** What sudo asks with, so that its prompt cannot be mistaken. */
export function sudoPrompt(nonce: string): string {
  return `${nonce} password`;
}

/**
 * A call ahead of others of its request: shell functions that only these need, which no program has.
 *
 * @throws RangeError for a tab, which stands for a line break
 */
export function defineCall(functions: string): string {
  return call("define", wordOfFunctions(functions));
}

/**
 * Shell functions as a word of a request, which is one line.
 *
 * @throws RangeError for a tab, which stands for a line break
 */
export function wordOfFunctions(functions: string): string {
  if (functions.includes("\t")) throw new RangeError("functions cannot carry a tab");
  return functions.replaceAll("\n", "\t");
}

/**
 * A request as it is sent: a long one packed, where the host can unpack it.
 *
 * A shell reads a line of its stdin by a system call for each character, which for the 30 kB of a create
 * with its boot program takes a host as long as ten processes; unpacking takes four. And what is more than
 * a TCP connection may send at first costs a round trip.
 */
export function requestLine(request: string, unpacks: boolean): string {
  if (!unpacks || request.length < LONG_REQUEST) return request;
  return `packed ${gzipSync(request).toString("base64")}`;
}

const LONG_REQUEST = 10_000;

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
