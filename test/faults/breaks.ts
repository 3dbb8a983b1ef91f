import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** A change of the product by which it breaks a promise: what a campaign must find. */
export interface Break {
  /** What the product does then. */
  readonly name: string;
  readonly promise: string;
  /** Pieces of src's text, and what takes their place. */
  readonly edits: readonly (readonly [piece: string, by: string])[];
}

/** All of breaks.txt. */
export const BREAKS: readonly Break[] = readFileSync(join(__dirname, "breaks.txt"), "utf8")
  .split(/^== (?=I\d)/m)
  .slice(1)
  .map((part) => {
    const edits = part.matchAll(/((?:^-.*\n)+)((?:^\+.*\n)*)/gm);
    return {
      promise: part.slice(0, 2),
      name: /.*/.exec(part.slice(3))![0],
      edits: [...edits].map(([, piece = "", by = ""]) => [textOf(piece), textOf(by)] as const),
    };
  });

/** The files of src with a break in them. @throws Error where a piece is not there once */
export function broken({ name, edits }: Break, src: string): Map<string, string> {
  const files = readdirSync(src, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    // Parts of the boots' programs are like the operation's, and no campaign boots.
    .filter((file) => !/\/host\/(director-)?boot\//.test(file));
  const changed = new Map<string, string>();
  for (const [piece, by] of edits) {
    const parts = files.flatMap((file) => {
      const [before = "", ...after] = (changed.get(file) ?? readFileSync(file, "utf8")).split(
        piece,
      );
      return after.map((rest) => [file, before + by + rest] as const);
    });
    if (parts.length !== 1)
      throw new Error(`"${name}": ${parts.length} times in src, wanted once: ${piece}`);
    changed.set(...parts[0]!);
  }
  return changed;
}

function textOf(lines: string): string {
  return lines.replace(/^[-+]/gm, "").replace(/\n$/, "");
}
