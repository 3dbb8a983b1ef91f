import { UnreadableAnswer } from "../protocol/answer";
import { UnreadableRecord } from "./record-lines";

const HEAD = "lvs-dr-observation 1";

/** The words of any kind's observation that are about the boot, between blanks. */
export const BOOT_WORDS =
  "boot-init boot-replay boot-unit boot-enabled boot-dangling boot-fixed boot-outcome";

/** The words of a real server's observation. */
export const REAL_SERVER_WORDS: ReadonlySet<string> = new Set(
  (
    "session ip boot machine product addr conf sysctl-writable ipv6-disabled proxy-ndp proxied " +
    "default session-route route route4 route6 service director ip-forward sysctl-file registry file " +
    "lo-profile network-line " +
    BOOT_WORDS
  ).split(" "),
);

/** The lines of an observation by their first word. Knows every word, the first and the last line. */
export class Lines {
  private readonly byKind = new Map<string, string[]>();

  constructor(body: string, words: ReadonlySet<string> = REAL_SERVER_WORDS) {
    const [head = "", ...lines] = body.split("\n");
    if (head !== HEAD) broken(`the observation begins with ${JSON.stringify(head)}, not "${HEAD}"`);
    const last = lines.pop() ?? head;
    if (last !== "end") broken(`the observation ends with ${JSON.stringify(last)}, not "end"`);
    for (const line of lines) {
      const space = line.indexOf(" ");
      const kind = space < 0 ? line : line.slice(0, space);
      if (!words.has(kind)) broken(line);
      this.byKind.set(kind, [...(this.byKind.get(kind) ?? []), line.slice(kind.length + 1)]);
    }
  }

  has(kind: string): boolean {
    return this.byKind.has(kind);
  }

  all(kind: string): string[] {
    return this.byKind.get(kind) ?? [];
  }

  one(kind: string): string {
    const [line, ...more] = this.all(kind);
    return line !== undefined && line !== "" && more.length === 0 ? line : broken(`${kind} line`);
  }
}

/** The one line of a kind, which is one of these words. */
export function oneOf<Word extends string>(lines: Lines, kind: string, ...words: Word[]): Word {
  const found = lines.one(kind);
  return words.find((word) => word === found) ?? broken(`${kind} ${found}`);
}

/** What the lines of the registry's files say, as `parse` reads them by their names. */
export function fromFiles<Records>(
  lines: Lines,
  parse: (files: ReadonlyMap<string, readonly string[]>) => Records,
): Records {
  const files = new Map<string, string[]>();
  for (const line of lines.all("file")) {
    const [, name = "", text = ""] = /^(\S+) (.*)$/s.exec(line) ?? broken(line);
    files.set(name, [...(files.get(name) ?? []), text]);
  }
  try {
    return parse(files);
  } catch (error) {
    if (error instanceof UnreadableRecord) return broken(`registry file ${error.message}`);
    throw error;
  }
}

/** @throws UnreadableAnswer that names what cannot be read */
export function broken(what: string): never {
  throw new UnreadableAnswer(what);
}
