import { createHash } from "node:crypto";
import { parseKey } from "./key-parser";
import { typeOfKey } from "./ssh-string";

/** A public key as `authorized_keys` has it, comment left out. */
export interface PublicKey {
  /** `ssh-ed25519` and the like. */
  readonly type: string;
  /** The key in base64. */
  readonly key: string;
}

/**
 * A host key given as text, or what the text is instead: a phrase that follows "is not a host key"
 * and never holds any of it.
 */
export type GivenHostKey =
  | { readonly key: PublicKey; readonly instead?: undefined }
  | { readonly key?: undefined; readonly instead: string };

/** Reads `type base64 comment`; undefined when it is something else, or of a type not in use. */
export function readPublicKey(text: string): PublicKey | undefined {
  const [type, key] = text.trim().split(/[ \t]+/);
  if (type === undefined || key === undefined || text.trim().includes("\n")) return undefined;
  // ssh2 would read the nonce of a certificate as a key.
  if (!isUsableType(type)) return undefined;
  const parsed = parseKey(`${type} ${key}`);
  if (parsed instanceof Error || parsed.isPrivateKey() || parsed.type !== type) return undefined;
  return { type, key: parsed.getPublicSSH().toString("base64") };
}

/** Reads a host key that a program gives. */
export function readHostKey(text: string): GivenHostKey {
  const key = readPublicKey(text);
  return key === undefined ? { instead: instead(text) } : { key };
}

/** Whether keys of a type, such as `ssh-ed25519`, can be used and checked here. */
export function isUsableType(type: string): boolean {
  return USABLE.includes(type);
}

const USABLE = [
  "ssh-ed25519",
  "ecdsa-sha2-nistp256",
  "ecdsa-sha2-nistp384",
  "ecdsa-sha2-nistp521",
  "ssh-rsa",
];

/** The fingerprint as `ssh` prints it: `SHA256:` and 43 characters of base64. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function instead(text: string): string {
  const lines = text.trim().split(/\s*[\r\n]\s*/);
  if (text.includes("PRIVATE KEY")) return " but a private key; give the host's public one";
  if (lines.length > 1) return ` but ${lines.length} lines; give one key`;
  if (/\b(?:SHA256|MD5):/.test(text)) return ` but a fingerprint; give the key itself: ${keyLine}`;
  const words = text.trim().split(/[ \t]+/);
  const at = words.findIndex((word) => word.startsWith("AAAA"));
  const type = typeOfKey(Buffer.from(words[at] ?? "", "base64"));
  if (type === undefined) return `; wanted is ${keyLine}`;
  if (type.includes("-cert-v0")) return ` but a certificate; give the key itself: ${keyLine}`;
  if (!isUsableType(type)) return ` that can be checked here: it is of the type ${type}`;
  return at > 1 ? "; leave out what stands before its type" : `; wanted is ${keyLine}`;
}

const keyLine = 'a line such as "ssh-ed25519 AAAA…", as ssh-keyscan prints it after the name';
