import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { documents, ROOT } from "./documents.mjs";

const REFUSALS = "docs/reference/refusals-and-warnings.md";
const MESSAGES = "docs/reference/messages.md";

/** The messages that a page lists, each with `…` for what differs. */
function quotedIn(page: string): string[] {
  const found = documents().find(({ path }) => path === page);
  return (found?.firstColumns ?? []).flat();
}

describe("the messages in the documents", () => {
  it.each([REFUSALS, MESSAGES])("are those of the source: %s", (page) => {
    const source = sourceText();
    const quoted = quotedIn(page);
    expect(quoted.length).toBeGreaterThan(20);
    const wrong = quoted.filter((message) => {
      const parts = partsOf(message).filter((part) => part.length >= 4);
      return parts.length === 0 || !parts.every((part) => source.includes(part));
    });
    expect(wrong).toEqual([]);
  });

  it.each([
    { folder: "plan", words: ["refusals"], least: 10 },
    { folder: "service-plan", words: ["refusals", "notes", "warnings"], least: 15 },
  ])("include every word to people in the fixtures of $folder: $words", (of) => {
    const quoted = quotedIn(REFUSALS);
    const said = saidIn(of.folder, of.words);
    expect(said.length).toBeGreaterThan(of.least);
    expect(said.filter((text) => !quoted.some((message) => isIn(text, message)))).toEqual([]);
  });
});

/** All that runs, with texts that are put together of several made whole. */
function sourceText(): string {
  return readdirSync(join(ROOT, "src"), { recursive: true, encoding: "utf8" })
    .filter((path) => /\.(ts|sh)$/.test(path))
    .map((path) => readFileSync(join(ROOT, "src", path), "utf8"))
    .join("\n")
    .replace(/["'`]\s*\+\s*["'`]/g, "");
}

/** What plans say, by the fixtures of them: those of real servers have it one level down. */
function saidIn(name: string, words: readonly string[]): string[] {
  const folder = join(ROOT, "test/unit/fixtures", name);
  return readdirSync(folder).flatMap((file) => {
    const data = JSON.parse(readFileSync(join(folder, file), "utf8")) as Words & { plan?: Words };
    return words.flatMap((word) => (data.plan ?? data)[word] ?? []);
  });
}

type Words = Readonly<Record<string, readonly string[] | undefined>>;

function isIn(text: string, message: string): boolean {
  let at = 0;
  return partsOf(message).every((part) => {
    const found = text.indexOf(part, at);
    at = found + part.length;
    return found >= 0;
  });
}

function partsOf(message: string): string[] {
  return message
    .split("…")
    .map((part) => part.trim())
    .filter((part) => part !== "");
}
