import { quoted } from "../domain/terminal";

/** Where in the inputs something stands: `["vips", 1]`. */
export type Path = readonly PropertyKey[];

/** One bad input. */
export interface Failure {
  /** Where: `vips[1]`; `inputs` for the inputs as a whole. */
  readonly path: string;
  /** The whole message, which begins with the path. It never holds a secret. */
  readonly reason: string;
}

/**
 * Makes the failure of one input.
 *
 * @param path Where it stands.
 * @param complaint What is wrong and what is allowed.
 */
export function failureOf(path: Path, complaint: string): Failure {
  const where = pathText(path);
  return { path: where, reason: `${where}: ${complaint}` };
}

/**
 * Makes the failure of an input that does not exist.
 *
 * @param path Where it stands.
 * @param known The names that exist there; the nearest is proposed.
 */
export function unknownInput(path: Path, known: readonly string[]): Failure {
  const given = String(path.at(-1)).slice(0, LONGEST);
  const near = known
    .map((name) => ({ name, distance: distance(given.toLowerCase(), name.toLowerCase()) }))
    .sort((a, b) => a.distance - b.distance)[0];
  const proposal =
    near !== undefined && near.distance <= Math.max(1, Math.floor(near.name.length / 4))
      ? `did you mean ${near.name}?`
      : `known are ${known.join(", ")}`;
  return failureOf(path, `unknown input; ${proposal}`);
}

/**
 * A value for a message: quoted, cut, and without a character that a terminal could obey.
 *
 * @param value Any value; of lists and objects only the kind is told.
 */
export function shown(value: unknown): string {
  if (typeof value === "string") return quoted(value, LONGEST);
  return typeof value === "number" || typeof value === "boolean" ? String(value) : kindOf(value);
}

/** What a value is, for a message that must not hold the value: "the text given". */
export function kindOf(value: unknown): string {
  if (value === undefined) return "what is missing";
  if (Array.isArray(value)) return value.length === 0 ? "an empty list" : "a list";
  if (typeof value === "object") return "an object";
  return typeof value === "string" ? "the text given" : `the ${typeof value} given`;
}

const LONGEST = 60;

function pathText(path: Path): string {
  const text = path.map((part) => {
    if (typeof part === "number") return `[${part}]`;
    const name = String(part);
    return /^[A-Za-z_]\w{0,59}$/.test(name) ? `.${name}` : `[${quoted(name, LONGEST)}]`;
  });
  return text.length === 0 ? "inputs" : text.join("").replace(/^\./, "");
}

/** Levenshtein's distance: how many characters differ, are missing or are too many. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, left] of Array.from(a).entries()) {
    const next = [i + 1];
    for (const [j, right] of Array.from(b).entries()) {
      const replaced = (row[j] ?? 0) + (left === right ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
