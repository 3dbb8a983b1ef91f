import { OPENSSH_MAGIC } from "./openssh-key";
import type { Terms } from "./terms";

/**
 * What a text given as a private key is, put right where nothing is lost by that: a byte order
 * mark, line ends of Windows, indentation and text around the key are of no account. `problem` is a
 * phrase that follows the key's name in a message, and never holds any of the text.
 */
export type KeyText =
  | { readonly format: "openssh"; readonly text: string; readonly content: Buffer }
  | { readonly format: "pem"; readonly text: string }
  | { readonly format: "putty"; readonly text: string }
  | { readonly format: "none"; readonly problem: KeyProblem };

/** What is wrong with a key; where it speaks of what else can be given, it is put in these terms. */
export type KeyProblem = string | ((terms: KeyTerms) => string);

/** What the passphrase and the file of a key are called. */
export type KeyTerms = Pick<Terms["short"], "privateKeyPassword" | "privateKeyFile">;

/** Finds the private key in a text. */
export function findKey(given: string): KeyText {
  const text = given.replace(/^\ufeff/, "").replace(/\r+\n?/g, "\n");
  const begin = /-----BEGIN ((?:[A-Z0-9]+ )*)PRIVATE KEY-----/.exec(text);
  if (begin !== null) {
    const [line, kind = ""] = begin;
    const start = begin.index + line.length;
    const end = text.indexOf(`-----END ${kind}PRIVATE KEY-----`, start);
    return end < 0 ? none("is cut off: its END line is missing") : armoured(kind, text, start, end);
  }
  const putty = /PuTTY-User-Key-File-\d.*/s.exec(text)?.[0];
  if (putty === undefined) return none(whatItIs(text.trim()));
  return putty.trim().includes("\n") && !/\\n$/m.test(putty)
    ? { format: "putty", text: putty.replace(/^[ \t]+/gm, "") }
    : none(lostLines(putty));
}

/** The lines are written anew: OpenSSL minds their length and the blanks in them, stores do not. */
function armoured(kind: string, text: string, start: number, end: number): KeyText {
  const body = text.slice(start, end);
  if (!body.includes("\n") || body.includes("\\n")) return none(lostLines(body));
  const lines = body.split("\n").map((line) => line.trim());
  const headers = lines.filter((line) => line.includes(":"));
  const base64 = lines.filter((line) => !line.includes(":")).join("");
  const compact = base64.replace(/\s+/g, "");
  if (!/^[A-Za-z0-9+/]+=*$/.test(compact)) return none(DAMAGED);
  const content = Buffer.from(compact, "base64");
  const rewritten = [
    `-----BEGIN ${kind}PRIVATE KEY-----`,
    ...(headers.length > 0 ? [...headers, ""] : []),
    ...(compact.match(/.{1,64}/g) ?? []),
    `-----END ${kind}PRIVATE KEY-----`,
    "",
  ].join("\n");
  return kind === "OPENSSH "
    ? { format: "openssh", text: rewritten, content }
    : { format: "pem", text: rewritten };
}

/** What is said of a key whose BEGIN and END lines are there and what is between them is not. */
export const DAMAGED = "is damaged: what stands between its first and last line is not a key";

function lostLines(text: string): string {
  return text.includes("\\n")
    ? 'has lost its line breaks, which are written as \\n in it: replaceAll("\\\\n", "\\n") puts them back'
    : "has lost its line breaks; give it with each line on a line of its own, as its file has it";
}

function whatItIs(text: string): KeyProblem {
  const told = TELLTALES.find(([sign]) => sign.test(text))?.[1];
  if (told !== undefined) return told;
  const label = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(text)?.[1];
  if (label !== undefined) return `is not a private key: it says BEGIN ${label}`;
  if (text.includes("PRIVATE KEY")) return DAMAGED_LINE;
  return inBase64(text.replace(/\s+/g, "")) ?? NO_KEY;
}

const DAMAGED_LINE = "has a damaged first line; wanted is -----BEGIN … PRIVATE KEY-----";

const NO_KEY = "is not a private key in OpenSSH, PEM, PKCS#8 or PuTTY format";

const KEY_TYPE = String.raw`(?:sk-)?(?:ssh|ecdsa)-[a-z0-9-]+`;

/** What else people have that is called a key. The first sign that is there decides. */
const TELLTALES: readonly (readonly [RegExp, KeyProblem])[] = [
  [/^$/, "is empty"],
  [/[\0\ufffd]/, "is not text but binary (DER, PKCS#12) or UTF-16; give it as PEM, in UTF-8"],
  [
    new RegExp(`^(?:.* )?${KEY_TYPE}-cert-v0\\d@openssh\\.com [A-Za-z0-9+/]{8}`, "m"),
    "is a certificate; the private key that it certifies is needed",
  ],
  [
    new RegExp(
      `^(?:.* )?${KEY_TYPE}(?:@openssh\\.com)? [A-Za-z0-9+/]{8}|BEGIN SSH2 PUBLIC KEY`,
      "m",
    ),
    "is a public key; the private one is needed",
  ],
  [
    /BEGIN SSH2 ENCRYPTED PRIVATE KEY/,
    "is in ssh.com's format, which cannot be read here; convert it: puttygen key -O private-openssh -o key.new",
  ],
  [/^AGE-SECRET-KEY-/m, "is an age key, which ssh has no use for"],
  [/PRIVATE(?:%20|\+)KEY/, "is encoded as in a URL; decode it first"],
  [
    /^(?:(?:~|\.{1,2}|\$\{?HOME\}?|[A-Za-z]:|file:)?[\\/]|id_)[^\n]*$/,
    (terms) => `is the name of a file; give it as ${terms.privateKeyFile}`,
  ],
];

function inBase64(text: string): string | undefined {
  if (!/^[A-Za-z0-9+/_-]{40,}=*$/.test(text)) return undefined;
  const content = Buffer.from(text, "base64");
  const words = content.toString("latin1");
  if (/PRIVATE KEY-----|PuTTY-User-Key-File-/.test(words))
    return "is in base64 as a whole; decode it first";
  if (words.startsWith(OPENSSH_MAGIC)) return "has lost its first and last line; they belong to it";
  return isDer(content)
    ? "is DER in base64: a key without its first and last line, or PKCS#12; give it as PEM"
    : undefined;
}

/** One sequence, whose length is that of all. */
function isDer(content: Buffer): boolean {
  const [tag, length = 0] = content;
  const rest = content.length - 2;
  if (tag !== 0x30) return false;
  if (length === 0x81) return content[2] === rest - 1;
  return length === 0x82 ? content.readUInt16BE(2) === rest - 2 : length === rest;
}

function none(problem: KeyProblem): KeyText {
  return { format: "none", problem };
}
