import { execFileSync } from "node:child_process";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import GithubSlugger from "github-slugger";
import { marked, type Token } from "marked";

/** The repository's folder. */
export const ROOT = join(import.meta.dirname, "../..");

/** A Markdown file, taken apart. */
export interface Document {
  /** Relative to the repository. */
  readonly path: string;
  /** Where its links and pictures lead, as they are written. */
  readonly links: readonly string[];
  /** What a link can name after `#`, as GitHub makes it of a heading. */
  readonly anchors: ReadonlySet<string>;
  /** Its code blocks. */
  readonly blocks: readonly { readonly language: string; readonly text: string }[];
  /** What stands between backticks, tables included. */
  readonly words: readonly string[];
  /** Its tables, a list of rows, each with the words between backticks in its first column. */
  readonly firstColumns: readonly (readonly string[])[];
}

/** Every Markdown file that git knows of, and what is new. */
export function documents(): Document[] {
  const files = ["ls-files", "--cached", "--others", "--exclude-standard", "*.md"];
  return execFileSync("git", files, { cwd: ROOT, encoding: "utf8" })
    .trim()
    .split("\n")
    .filter((path) => existsSync(join(ROOT, path)))
    .map((path) => parse(path, readFileSync(join(ROOT, path), "utf8")));
}

function parse(path: string, text: string): Document {
  const tokens = marked.lexer(text).flatMap(withThoseIn);
  const slugger = new GithubSlugger();
  return {
    path,
    links: tokens.flatMap(linksOf),
    anchors: new Set(
      tokens.flatMap((token) => (token.type === "heading" ? slugger.slug(plain(token)) : [])),
    ),
    blocks: tokens.flatMap((token) =>
      token.type === "code" ? { language: `${token.lang ?? ""}`, text: `${token.text}` } : [],
    ),
    words: tokens.flatMap(wordOf),
    firstColumns: tokens.flatMap((token) =>
      token.type === "table" ? (token.rows as TableRow[]).map(firstWords) : [],
    ),
  };
}

function withThoseIn(token: Token): Token[] {
  return [token, ...childrenOf(token).flatMap(withThoseIn)];
}

function childrenOf(token: Token): Token[] {
  switch (token.type) {
    case "table":
      return [token.header as TableRow, ...(token.rows as TableRow[])].flatMap(tokensOf);
    case "list":
      return token.items as Token[];
    default:
      return "tokens" in token ? (token.tokens ?? []) : [];
  }
}

type TableRow = readonly { readonly tokens: Token[] }[];

function tokensOf(row: TableRow): Token[] {
  return row.flatMap(({ tokens }) => tokens);
}

function firstWords(row: TableRow): string[] {
  return (row[0]?.tokens ?? []).flatMap(wordOf);
}

function wordOf(token: Token): string[] {
  return token.type === "codespan" ? [`${token.text}`] : [];
}

function linksOf(token: Token): string[] {
  if (token.type === "link" || token.type === "image") return [`${token.href}`];
  // A picture with a width is HTML.
  if (token.type === "html")
    return [...`${token.text}`.matchAll(/\b(?:src|href)="([^"]*)"/g)].map(([, to = ""]) => to);
  return [];
}

/** A heading without its marks. */
function plain(token: Token): string {
  if ("tokens" in token && token.tokens !== undefined) return token.tokens.map(plain).join("");
  return "text" in token ? `${token.text}` : "";
}
