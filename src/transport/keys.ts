import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import type { ParsedKey } from "ssh2";
import { parseKey } from "./key-parser";
import { DAMAGED, findKey, type KeyProblem, type KeyTerms } from "./key-text";
import { openSshEd25519, readOpenSshHeader } from "./openssh-key";
import { isUsableType } from "./public-key";
import { INPUT_TERMS } from "./terms";

/** A private key that can sign, or why there is none; the reason never holds any of the key. */
export type PrivateKey =
  | { readonly key: ParsedKey; readonly problem?: undefined }
  | { readonly key?: undefined; readonly problem: string };

/** A key, or what is wrong with it in whatever terms it was given. */
type ReadKey =
  | { readonly key: ParsedKey; readonly problem?: undefined }
  | { readonly key?: undefined; readonly problem: KeyProblem };

/**
 * Reads a private key: OpenSSH's format, PEM (PKCS#1, SEC1), PKCS#8, or PuTTY's format 2 of RSA.
 * A passphrase for a key that is not encrypted is of no account.
 *
 * @param terms What a problem calls the passphrase and a key's file. Default: as inputs.
 *
 * The result is kept: decrypting an OpenSSH key takes 0.3 s of this process's only thread, and a
 * program that declares fifty hosts hands us the same key a hundred times.
 */
export function readPrivateKey(
  text: string,
  passphrase: string | undefined,
  terms: KeyTerms = INPUT_TERMS.host.short,
): PrivateKey {
  const result = readKept(text, passphrase);
  if (result.key !== undefined) return result;
  const { problem } = result;
  return { problem: typeof problem === "string" ? problem : problem(terms) };
}

function readKept(text: string, passphrase: string | undefined): ReadKey {
  const id = createHash("sha256")
    .update(JSON.stringify([text, passphrase]))
    .digest("base64");
  const known = read.get(id);
  if (known !== undefined) return known;
  const result = parsePrivateKey(text, passphrase);
  if (read.size >= 64) read.clear();
  read.set(id, result);
  return result;
}

const read = new Map<string, ReadKey>();

function parsePrivateKey(given: string, passphrase: string | undefined): ReadKey {
  const found = findKey(given);
  switch (found.format) {
    case "openssh":
      return parseOpenSsh(found.text, found.content, passphrase);
    case "pem":
      return parsePem(found.text, passphrase);
    case "putty":
      return parsePutty(found.text, passphrase);
    case "none":
      return { problem: found.problem };
  }
}

function parseOpenSsh(text: string, content: Buffer, passphrase: string | undefined): ReadKey {
  const header = readOpenSshHeader(content);
  if (header === undefined) return { problem: DAMAGED };
  const { type, cipher } = header;
  if (!isUsableType(type)) return { problem: ofNoUse(type) };
  if (cipher === "none") return parseBySsh2(text, undefined);
  if (!READABLE.test(cipher)) return { problem: `is encrypted with ${cipher}, ${rewrite}` };
  return passphrase === undefined ? { problem: NO_PASSPHRASE } : parseBySsh2(text, passphrase);
}

/** The ciphers of OpenSSH's key files that ssh2 knows: all but chacha20-poly1305. */
const READABLE = /^(?:3des-cbc|aes(?:128|192|256)-(?:cbc|ctr)|aes(?:128|256)-gcm@openssh\.com)$/;

const rewrite = "which cannot be read here; write it anew: ssh-keygen -p -Z aes256-ctr -f key";

const NO_PASSPHRASE: KeyProblem = (terms) =>
  `is encrypted, and no ${terms.privateKeyPassword} is given`;
const WRONG_PASSPHRASE: KeyProblem = (terms) =>
  `cannot be decrypted with ${terms.privateKeyPassword}`;

/** @param passphrase undefined for a key that is not encrypted */
function parseBySsh2(text: string, passphrase: string | undefined): ReadKey {
  const parsed: unknown = parseKey(text, passphrase);
  // Its types leave out that a file may hold several keys; OpenSSH writes one.
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  // ssh2's messages quote parts of what it could not read, so none of them is passed on.
  if (key === undefined || key instanceof Error || !key.isPrivateKey()) {
    return { problem: passphrase === undefined ? DAMAGED : WRONG_PASSPHRASE };
  }
  return { key };
}

/** ssh2 knows no PKCS#8, which is what Terraform's and Pulumi's tls providers write. */
function parsePem(text: string, passphrase: string | undefined): ReadKey {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: "pem", passphrase });
  } catch (error) {
    return { problem: pemProblem(text, passphrase, error) };
  }
  switch (key.asymmetricKeyType) {
    case "rsa":
      return parseBySsh2(String(key.export({ type: "pkcs1", format: "pem" })), undefined);
    case "ec":
      return parseEc(key);
    case "ed25519":
      return parseBySsh2(openSshEd25519(key), undefined);
    default:
      return { problem: ofNoUse(key.asymmetricKeyType ?? "none") };
  }
}

function parseEc(key: KeyObject): ReadKey {
  const curve = key.asymmetricKeyDetails?.namedCurve ?? "none that has a name";
  if (!["prime256v1", "secp384r1", "secp521r1"].includes(curve)) {
    return { problem: `is on the elliptic curve ${curve}, which ssh has no use for` };
  }
  return parseBySsh2(String(key.export({ type: "sec1", format: "pem" })), undefined);
}

function pemProblem(text: string, passphrase: string | undefined, error: unknown): KeyProblem {
  const encrypted = /^(?:-----BEGIN ENCRYPTED |Proc-Type: 4,ENCRYPTED)/m.test(text);
  if (!encrypted) return DAMAGED;
  if (passphrase === undefined) return NO_PASSPHRASE;
  return (error as NodeJS.ErrnoException).code === "ERR_OSSL_EVP_UNSUPPORTED"
    ? `is encrypted in a way that this Node.js cannot decrypt; write it anew: ${withLegacy}`
    : WRONG_PASSPHRASE;
}

/** DES and RC2, which OpenSSL 3 has moved to its legacy provider. */
const withLegacy = "openssl pkey -provider default -provider legacy -in key -aes256 -out key.new";

/** ssh2 knows format 2 of RSA; format 3 may want Argon2, which Node.js has only from 24.7 on. */
function parsePutty(text: string, passphrase: string | undefined): ReadKey {
  const [, version = "", type = ""] = /^PuTTY-User-Key-File-(\d+): *(\S*)/.exec(text) ?? [];
  if (type === "ssh-dss") return { problem: ofNoUse(type) };
  if (version !== "2" || type !== "ssh-rsa") return { problem: OTHER_PUTTY };
  if (/^Encryption: none$/m.test(text)) return parseBySsh2(text, undefined);
  return passphrase === undefined ? { problem: NO_PASSPHRASE } : parseBySsh2(text, passphrase);
}

const OTHER_PUTTY =
  "is in a format of PuTTY's that cannot be read here (only format 2 of RSA can); " +
  "convert it: puttygen key.ppk -O private-openssh -o key";

function ofNoUse(type: string): string {
  if (type.startsWith("sk-")) {
    return `is a hardware key (${type}), which only OpenSSH itself can ask to sign; give another key`;
  }
  return type === "ssh-dss" || type === "dsa"
    ? "is a DSA key, which sshd has refused since OpenSSH 7.0; give another, such as one of ssh-keygen -t ed25519"
    : `is of the type ${type}, which ssh has no use for`;
}
