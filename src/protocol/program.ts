import type { Family } from "../domain/address";
import type { ConnectionPatterns } from "../observed/connections";
import type { Change } from "../plan/plan";
import { OPERATION_SCRIPT } from "../host/scripts";

/** How the shell becomes root. */
export type Sudo = "none" | "without-password" | "with-password";

/** What the first command line of a conversation says. */
export interface Opening {
  /** Marks our answers and, for sudo, the prompt. Lower-case letters and digits. */
  readonly nonce: string;
  /** `look`: no lock; `share`: for reading; `hold`: for writing. */
  readonly mode: "look" | "share" | "hold";
  /** After so many seconds the host undoes what was not committed. */
  readonly seconds: number;
  /** Who we are, for those who wait for our lock: one line. */
  readonly holder: string;
  /** Addresses whose local delivery the observation tells. */
  readonly vips: readonly string[];
  readonly sudo: Sudo;
}

/**
 * The one command of an operation. The login shell expands `$SSH_CONNECTION` before sudo empties
 * the environment; the script is an argument, so that stdin carries only requests.
 */
export function openingCommand(opening: Opening): string {
  const { nonce, mode, seconds, holder, vips } = opening;
  const words = [
    quote(OPERATION_SCRIPT),
    "lvs-dr",
    nonce,
    mode,
    String(seconds),
    '"$SSH_CONNECTION"',
  ];
  return `exec ${sudoWords(opening)}sh -c ${[...words, quote(holder), ...vips.map(quote)].join(" ")}`;
}

/** What sudo asks with, so that its prompt cannot be mistaken. */
export function sudoPrompt(nonce: string): string {
  return `${nonce} password`;
}

/** Puts a plan's changes on one request line: journal, verbs in order, and how the host is then. */
export function changeRequest(
  changes: readonly Change[],
  guard: readonly string[],
  vips: readonly string[],
): string {
  const files = changes.flatMap((one) =>
    one.kind === "put" || one.kind === "drop" ? [one.file] : [],
  );
  return [
    call("begin", guard.join(" "), ...new Set(files)),
    ...segments(changes).flatMap(verbCalls),
    call("observe", ...vips),
  ].join(" && ");
}

/** The request after which the operation counts. */
export const COMMIT_REQUEST = "commit";

/** A request that fails with this text, so that the host undoes what it did. */
export function giveUpRequest(reason: string): string {
  return call("fail", oneLine(reason));
}

/** What an inspection asks besides the observation; `parseLookAnswer` reads the answer. */
export function lookRequest(names: readonly string[]): string {
  const questions = [
    call("more", "pending"),
    ...(names.length === 0 ? [] : [call("more", "resolve", ...names), call("more", "listening")]),
  ];
  return questions.join(" && ");
}

/** What a drain asks: who uses some addresses; `parseUsage` reads the answer. It changes nothing. */
export function connectionsRequest({ ss, tcp, conntrack }: ConnectionPatterns): string {
  return call("more", "connections", ss, tcp, conntrack);
}

/** One word for a POSIX shell: any string but one with a NUL or a line break, for requests are lines. */
export function quote(text: string): string {
  if (/[\0\n\r]/.test(text) && text !== OPERATION_SCRIPT) {
    throw new RangeError("a request cannot carry a line break or a NUL");
  }
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** Control characters become spaces: for names that people gave. */
export function oneLine(text: string): string {
  return text.replace(/\p{Cc}+/gu, " ");
}

function sudoWords({ sudo, nonce }: Opening): string {
  switch (sudo) {
    case "none":
      return "";
    case "without-password":
      return "sudo -n -- ";
    case "with-password":
      return `sudo -k -S -p ${quote(sudoPrompt(nonce))} -- `;
  }
}

type Step = Extract<Change, { kind: "bind" | "unbind" }>;
type Segment = { readonly kind: "steps"; readonly steps: readonly Step[] } | Exclude<Change, Step>;

// Neighbouring address steps go to the host together: one process a family, however many VIPs.
function segments(changes: readonly Change[]): Segment[] {
  const result: Segment[] = [];
  for (const change of changes) {
    if (!isStep(change)) {
      result.push(change);
      continue;
    }
    const last = result.at(-1);
    if (last?.kind === "steps")
      result[result.length - 1] = { ...last, steps: [...last.steps, change] };
    else result.push({ kind: "steps", steps: [change] });
  }
  return result;
}

function isStep(change: Change): change is Step {
  return change.kind === "bind" || change.kind === "unbind";
}

function verbCalls(segment: Segment): string[] {
  switch (segment.kind) {
    case "put":
      return [call("put", segment.file, ...segment.lines)];
    case "drop":
      return [call("drop", segment.file)];
    case "write-sysctl":
      return [call("sysctl", segment.interface, segment.key, `${segment.from}`, `${segment.to}`)];
    case "check-quiet":
      return [call("quiet", ...(segment.interfaces === "all" ? ["all"] : segment.interfaces))];
    case "steps":
      return ([4, 6] as const).flatMap((family) => addressCall(family, segment.steps));
  }
}

function addressCall(family: Family, steps: readonly Step[]): string[] {
  const own = steps.filter((step) => step.family === family);
  if (own.length === 0) return [];
  return [call("addresses", `${family}`, ...own.map(stepText))];
}

function stepText(step: Step): string {
  const { kind, prefix, scope, validLft, preferredLft, label } = step;
  const word = kind === "bind" ? "bound" : "unbound";
  return `${word} ${prefix} ${scope} ${validLft} ${preferredLft} ${label}`.trimEnd();
}

function call(verb: string, ...words: string[]): string {
  return [verb, ...words.map(quote)].join(" ");
}
