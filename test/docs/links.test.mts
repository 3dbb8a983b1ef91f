import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, it } from "vitest";
import { documents, ROOT, type Document } from "./documents.mjs";

const all = documents();
const byPath = new Map(all.map((document) => [document.path, document]));

describe("the documents", () => {
  it.each(all.map((document) => ({ path: document.path, document })))(
    "lead nowhere that is not there: $path",
    ({ document }) => {
      expect(document.links.filter((link) => isDead(document, link))).toEqual([]);
    },
  );

  it("can each be reached from the README", () => {
    const reached = new Set<string>();
    const waiting = ["README.md"];
    for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
      if (reached.has(path)) continue;
      reached.add(path);
      waiting.push(...(byPath.get(path)?.links ?? []).map((link) => fileOf(path, link)));
    }
    const left = all.filter(({ path }) => path.startsWith("docs/") && !reached.has(path));
    expect(left.map(({ path }) => path)).toEqual([]);
  });

  it("name no file and no folder of the repository that is not there", () => {
    const named = all.flatMap(({ path, words }) =>
      words
        .filter((word) => /^(src|lab|demo|bench|scripts|test|docs|examples)\/[\w./-]*$/.test(word))
        .filter((word) => !existsSync(join(ROOT, word)))
        .map((word) => `${path}: ${word}`),
    );
    expect(named).toEqual([]);
  });

  it("name no script of npm that is not there", () => {
    const { scripts } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
      scripts: Record<string, string>;
    };
    const named = all.flatMap(({ path, words, blocks }) =>
      [...words, ...blocks.map(({ text }) => text)]
        .flatMap((text) => [...text.matchAll(/\bnpm run (?:--\w+ )*([\w:-]+)/g)])
        .map(([, script = ""]) => ({ path, script })),
    );
    expect(named.length).toBeGreaterThan(0);
    expect(named.filter(({ script }) => !(script in scripts))).toEqual([]);
  });
});

function isDead({ path }: Document, link: string): boolean {
  if (/^https?:/.test(link)) return false;
  const file = fileOf(path, link);
  const anchor = link.split("#")[1];
  if (anchor !== undefined) return !byPath.get(file)?.anchors.has(anchor);
  return file.startsWith("..") || !existsSync(join(ROOT, file));
}

/** Relative to the repository. */
function fileOf(path: string, link: string): string {
  const [file = ""] = link.split("#");
  return file === "" ? path : relative(ROOT, join(ROOT, dirname(path), file));
}
