/**
 * Text that somebody else wrote (a host, a server, a program's inputs), made fit for a terminal. Names
 * of interfaces, labels of addresses and names of owners may hold almost any character.
 *
 * The results hold no character that a terminal obeys (`KINDS` below), except for the line breaks that
 * `readable` and `asciiJson` keep. Text without such characters comes back unchanged.
 */
import { stripVTControlCharacters } from "node:util";

/** Text of several lines: line breaks stay, each other character that a terminal obeys is a space. */
export function readable(text: string): string {
  return text.replace(OBEYED_IN_LINES, " ");
}

/** Text on one line: each run of characters that a terminal obeys, line breaks too, is one space. */
export function oneLine(text: string): string {
  return text.replace(OBEYED, " ");
}

/**
 * The beginning of what somebody else sent, to be quoted in a message: on one line, trimmed, without
 * escape sequences, and 200 characters (UTF-16 units) long at most, the last of them `…` where it
 * was cut.
 */
export function excerpt(text: string): string {
  const line = withoutEscapes(text.slice(0, MOST_STRIPPED)).trim();
  if (line.length <= LONGEST_EXCERPT) return line;
  return `${line.slice(0, LONGEST_EXCERPT - 1).replace(HALF_AT_END, "")}…`;
}

/**
 * The end of what somebody else sent, likewise: with single spaces, and at most 300 characters after
 * the `…` that says that it was cut.
 */
export function lastWords(text: string): string {
  const line = withoutEscapes(text.slice(-MOST_STRIPPED)).replace(/ +/g, " ").trim();
  if (line.length <= MOST_LAST_WORDS) return line;
  return `…${line.slice(-MOST_LAST_WORDS).replace(HALF_AT_START, "")}`;
}

/** Text on one line of which nothing is lost: what a terminal obeys is written out, as `\u{1b}`. */
export function visible(text: string): string {
  return text.replace(OBEYED, (run) => Array.from(run, writtenOut).join(""));
}

/** A value for a message: in quotes, written out as by `visible`, of at most so many characters. */
export function quoted(text: string, most: number): string {
  const characters = Array.from(text);
  const cut = characters.length > most ? [...characters.slice(0, most), "…"] : characters;
  return visible(JSON.stringify(cut.join("")));
}

/** JSON in ASCII alone: on one line, or on several that are indented by so many spaces. */
export function asciiJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/**
 * What a terminal obeys, or people cannot see: controls, marks without a width or that turn the
 * direction of writing, separators of lines, halves of surrogate pairs, and private characters,
 * whose meaning is each terminal's own.
 */
const KINDS = "\\p{Cc}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Cs}\\p{Co}";
const OBEYED = new RegExp(`[${KINDS}]+`, "gu");
const OBEYED_IN_LINES = new RegExp(`(?!\\n)[${KINDS}]`, "gu");
const C1 = /[\u0080-\u009f]/g;

const HALF_AT_END = /[\ud800-\udbff]$/;
const HALF_AT_START = /^[\udc00-\udfff]/;

const LONGEST_EXCERPT = 200;
const MOST_LAST_WORDS = 300;
/** Up to Node 24.20, 40,000 characters made for its pattern took seconds (nodejs/node#64319). */
const MOST_STRIPPED = 4000;

function withoutEscapes(text: string): string {
  // One of C1 is more often a letter in another encoding than an escape: the text after it stays.
  return oneLine(stripVTControlCharacters(text.replace(C1, "\0")));
}

function writtenOut(character: string): string {
  return `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`;
}
