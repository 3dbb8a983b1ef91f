// What the files of the registry have in common: a head with the format, lines of a word each, `end`.

/** A file of the registry that this version cannot read, and that must never pass for none. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

/** The one format that this version writes, of every kind of file. */
const RECORD_FORMAT = 1;

/** The last line. Without it a file that was cut at the end of a line would pass for a shorter one. */
export const END = "end";

/** The first line of a file of this kind. */
export function headOf(kind: string): string {
  return `lvs-dr-${kind} ${RECORD_FORMAT}`;
}

/**
 * The lines below the head.
 *
 * @throws UnreadableRecord where there is no head, and with a sentence of its own for a later format:
 *   it has something that must not be passed over
 */
export function belowHead(name: string, kind: string, lines: readonly string[]): readonly string[] {
  const [head, ...rest] = lines;
  if (head === headOf(kind)) return rest;
  const prefix = `lvs-dr-${kind} `;
  const format = head?.startsWith(prefix) ? head.slice(prefix.length) : "";
  if (!/^[1-9]\d*$/.test(format)) throw unreadable(name, head);
  throw new UnreadableRecord(
    `${name} has format ${format}, and this pulumi-lvs-dr reads format ${RECORD_FORMAT}: ` +
      "a newer version wrote it; npm install pulumi-lvs-dr@latest",
  );
}

/** The lines above `end`, which says that none is missing. Throws {@link UnreadableRecord}. */
export function aboveEnd(name: string, lines: readonly string[]): readonly string[] {
  if (lines.at(-1) !== END) throw unreadable(name, lines.at(-1));
  return lines.slice(0, -1);
}

/**
 * Lines told apart by their first word, in their order. One that is not known is of a later version:
 * it is passed over, and every writer carries it along.
 *
 * @throws UnreadableRecord for a line that has no word, or could not be carried along unchanged
 */
export function byFirstWord(
  name: string,
  lines: readonly string[],
  words: readonly string[],
): { readonly known: string[]; readonly unknown: string[] } {
  const known: string[] = [];
  const unknown: string[] = [];
  for (const line of lines) {
    if (words.includes(line.split(" ", 1)[0] ?? "")) known.push(line);
    else if (isLineOfWords(line)) unknown.push(line);
    else throw unreadable(name, line);
  }
  return { known, unknown };
}

/** A line cannot be read. */
export function unreadable(name: string, line: string | undefined): UnreadableRecord {
  return new UnreadableRecord(`${name}: ${JSON.stringify(line ?? "(end of file)")}`);
}

// U+FFFD stands for bytes that are not UTF-8, and would be written back in their place.
function isLineOfWords(line: string): boolean {
  return /^[a-z][a-z0-9-]*( |$)/.test(line) && !/[\p{Cc}\ufffd]/u.test(line);
}
