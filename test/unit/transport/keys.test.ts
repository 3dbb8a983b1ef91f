import { generateKeyPairSync } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readPrivateKey } from "../../../src/transport/keys";
import { fingerprint, readPublicKey } from "../../../src/transport/public-key";
import { fixtures } from "../fixtures";

const privateKeyProblem = (text: string, passphrase: string | undefined): string | undefined =>
  readPrivateKey(text, passphrase).problem;

const pkcs8 = (passphrase?: string): string =>
  generateKeyPairSync("ed25519")
    .privateKey.export({
      type: "pkcs8",
      format: "pem",
      ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
    })
    .toString();

const publicLine =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIx1bFNMNYUJx9mv12oLAfiFBSx3Yp8lvK1C2fGZ1aA root@web";

describe("a private key given as text", () => {
  it("has no problem when it can sign", () => {
    expect(privateKeyProblem(pkcs8(), undefined)).toBeUndefined();
    expect(privateKeyProblem(pkcs8("phrase"), "phrase")).toBeUndefined();
    const { key } = readPrivateKey(pkcs8(), undefined);
    const data = Buffer.from("signed");
    expect(key?.verify(data, key.sign(data))).toBe(true);
  });

  it("is told to be encrypted, or its passphrase wrong", () => {
    const key = pkcs8("phrase");
    expect(privateKeyProblem(key, undefined)).toBe(
      "is encrypted, and no privateKeyPassword is given",
    );
    expect(privateKeyProblem(key, "other")).toBe("cannot be decrypted with privateKeyPassword");
  });

  it("is told from a public key, and from keys of other trades", () => {
    const { publicKey, privateKey } = generateKeyPairSync("x25519");
    const pem = privateKey.export({ type: "pkcs8", format: "pem" }).toString();
    expect(privateKeyProblem(pem, undefined)).toBe(
      "is of the type x25519, which ssh has no use for",
    );
    expect(privateKeyProblem(publicLine, undefined)).toContain("is a public key");
    const spki = publicKey.export({ type: "spki", format: "pem" }).toString();
    expect(privateKeyProblem(spki, undefined)).toContain("is not a private key");
  });

  it("is never quoted in what is said of it, whatever it is", () => {
    const begin = fc.constantFrom(
      "",
      "-----BEGIN OPENSSH PRIVATE KEY-----\n",
      "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-128-CBC,00\n\n",
      "-----BEGIN PRIVATE KEY-----\n",
      "-----BEGIN ENCRYPTED PRIVATE KEY-----\n",
      "PuTTY-User-Key-File-2: ssh-rsa\nEncryption: none\n",
    );
    const text = fc.oneof(fc.base64String(), fc.string(), fc.constant("b3BlbnNzaC1rZXktdjEA"));
    fc.assert(
      fc.property(begin, text, fc.option(fc.string()), (head, body, passphrase) => {
        const end = head.replaceAll("BEGIN", "END").split("\n")[0] ?? "";
        const problem = privateKeyProblem(`${head}${body}\n${end}\n`, passphrase ?? undefined);
        expect([
          "is encrypted, and no privateKeyPassword is given",
          "cannot be decrypted with privateKeyPassword",
          "is not a private key in OpenSSH, PEM, PKCS#8 or PuTTY format",
          "is damaged: what stands between its first and last line is not a key",
          'has lost its line breaks, which are written as \\n in it: replaceAll("\\\\n", "\\n") puts them back',
          "is the name of a file; give it as privateKeyFile",
          "is empty",
        ]).toContain(problem);
      }),
    );
  });
});

/** A key as a tool wrote it, and what becomes of it. */
interface Written {
  /** By which tool, and how. */
  readonly made: string;
  readonly text: string;
  readonly passphrase?: string;
  /** What is wrong with it, passphrase or not; else the key is the one of this type and fingerprint. */
  readonly problem?: string;
  readonly type?: string;
  readonly fingerprint?: string;
  readonly problemWithout?: string;
  readonly problemWithAnother?: string;
}

describe("a private key as a tool writes it", () => {
  const written = fixtures<Written>("keys");

  it.each(written)("is read, or named as what it is: $name", ({ data }) => {
    const { key, problem } = readPrivateKey(data.text, data.passphrase);
    expect(problem).toBe(data.problem);
    if (key === undefined) return;
    expect([key.type, fingerprint(key.getPublicSSH())]).toEqual([data.type, data.fingerprint]);
    const signed = Buffer.from("signed");
    expect(key.verify(signed, key.sign(signed))).toBe(true);
  });

  const usable = written.filter(({ data }) => data.problem === undefined);

  it.each(usable)("wants its own passphrase, and minds no needless one: $name", ({ data }) => {
    expect(privateKeyProblem(data.text, undefined)).toBe(data.problemWithout);
    expect(privateKeyProblem(data.text, "another")).toBe(data.problemWithAnother);
  });

  it.each(written)("is never quoted, whatever is said of it: $name", ({ data }) => {
    const lines = data.text.split("\n").filter((line) => line.length >= 20 && !line.includes(" "));
    for (const passphrase of [undefined, "another", data.passphrase]) {
      const problem = privateKeyProblem(data.text, passphrase) ?? "";
      expect(lines.filter((line) => problem.includes(line))).toEqual([]);
    }
  });
});

const LOST =
  "has lost its line breaks; give it with each line on a line of its own, as its file has it";
const BACKSLASHED =
  'has lost its line breaks, which are written as \\n in it: replaceAll("\\\\n", "\\n") puts them back';
const DAMAGED = "is damaged: what stands between its first and last line is not a key";

/** What files, editors, stores and shells do to a key, and what becomes of it; undefined is no harm. */
const ACCIDENTS: readonly [string, (key: string) => string, string | undefined][] = [
  ["line ends of Windows", (key) => key.replaceAll("\n", "\r\n"), undefined],
  ["line ends of an old Mac", (key) => key.replaceAll("\n", "\r"), undefined],
  ["a byte order mark", (key) => `\ufeff${key}`, undefined],
  ["the indentation of a here-document", (key) => key.replace(/^/gm, "    "), undefined],
  ["blanks at the ends of lines", (key) => key.replaceAll("\n", " \t\n"), undefined],
  ["empty lines between all", (key) => key.replaceAll("\n", "\n\n"), undefined],
  ["no newline at its end", (key) => key.trimEnd(), undefined],
  ["quotes around it", (key) => `"${key}"`, undefined],
  ["a comment before it", (key) => `# of the bastion\n${key}`, undefined],
  ["newlines as backslash and n", (key) => key.replaceAll("\n", "\\n"), BACKSLASHED],
  ["the quotes of JSON", (key) => JSON.stringify(key), BACKSLASHED],
  ["newlines after backslash and n", (key) => key.replaceAll("\n", "\\n\n"), BACKSLASHED],
  ["newlines as blanks", (key) => key.replaceAll("\n", " "), LOST],
  ["newlines lost", (key) => key.replaceAll("\n", ""), LOST],
  [
    "base64 around it",
    (key) => Buffer.from(key).toString("base64"),
    "is in base64 as a whole; decode it first",
  ],
  ["the coding of a URL", encodeURIComponent, "is encoded as in a URL; decode it first"],
  [
    "UTF-16",
    (key) => Buffer.from(key, "utf16le").toString("utf8"),
    "is not text but binary (DER, PKCS#12) or UTF-16; give it as PEM, in UTF-8",
  ],
  [
    "its last lines missing",
    (key) => key.slice(0, key.length / 2),
    "is cut off: its END line is missing",
  ],
  ["nothing between its lines", (key) => key.replace(/-\n[^-]*\n-/, "-\n-"), DAMAGED],
  ["other characters in it", (key) => key.replace(/\n\w/, "\n*"), DAMAGED],
  [
    "a first line retyped",
    (key) => key.replace("-----BEGIN", "—BEGIN"),
    "has a damaged first line; wanted is -----BEGIN … PRIVATE KEY-----",
  ],
];

describe.each(["OpenSSH-ed25519", "PEM-rsa", "PKCS8-rsa"])("a key (%s)", (name) => {
  const text = fixtures<Written>("keys").find((one) => one.name === name)?.data.text ?? "";

  it.each(ACCIDENTS)("with %s", (_accident, change, problem) => {
    expect(change(text)).not.toBe(text);
    expect(privateKeyProblem(change(text), undefined)).toBe(problem);
  });
});

describe("what is no key at all", () => {
  const body = (name: string): string => {
    const text = fixtures<Written>("keys").find((one) => one.name === name)?.data.text ?? "";
    return text.split("\n").slice(1, -2).join("\n");
  };

  it.each([
    ["", "is empty"],
    [" \n", "is empty"],
    ["~/.ssh/id_ed25519", "is the name of a file; give it as privateKeyFile"],
    ["/root/keys/deploy\n", "is the name of a file; give it as privateKeyFile"],
    ["C:\\Users\\me\\id_rsa", "is the name of a file; give it as privateKeyFile"],
    ["id_ed25519", "is the name of a file; give it as privateKeyFile"],
    ["hunter2", "is not a private key in OpenSSH, PEM, PKCS#8 or PuTTY format"],
    [
      "-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n-----END PGP PRIVATE KEY BLOCK-----\n",
      "is not a private key: it says BEGIN PGP PRIVATE KEY BLOCK",
    ],
    [`from="10.0.0.0/8" ${publicLine}`, "is a public key; the private one is needed"],
    [body("OpenSSH-ed25519"), "has lost its first and last line; they belong to it"],
    [
      body("PKCS8-rsa"),
      "is DER in base64: a key without its first and last line, or PKCS#12; give it as PEM",
    ],
    [
      Buffer.from(body("PEM-rsa"), "base64").toString("utf8"),
      "is not text but binary (DER, PKCS#12) or UTF-16; give it as PEM, in UTF-8",
    ],
  ])("is named as what it is (%#)", (text, problem) => {
    expect(privateKeyProblem(text, undefined)).toBe(problem);
  });
});

describe("a public key", () => {
  it("is read with or without a comment and white space around it", () => {
    const [type, key] = publicLine.split(" ");
    expect(readPublicKey(publicLine)).toEqual({ type, key });
    expect(readPublicKey(`  ${type}\t${key}\n`)).toEqual({ type, key });
  });

  it("is nothing else", () => {
    const notKeys = ["", "ssh-ed25519", "SHA256:abc", `web ${publicLine}`, "ssh-rsa AAAA", pkcs8()];
    for (const text of notKeys) expect(readPublicKey(text)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => readPublicKey(text) === undefined));
  });
});
