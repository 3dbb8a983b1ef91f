import { createHash, createPrivateKey, type KeyObject } from "node:crypto";
import { utils, type ParsedKey } from "ssh2";

/** A private key that can sign, or why there is none; the reason never holds any of the key. */
export type PrivateKey =
  | { readonly key: ParsedKey; readonly problem?: undefined }
  | { readonly key?: undefined; readonly problem: string };

/** A public key as `authorized_keys` has it, comment left out. */
export interface PublicKey {
  /** `ssh-ed25519` and the like. */
  readonly type: string;
  /** The key in base64. */
  readonly key: string;
}

/**
 * Reads a private key: OpenSSH's format, PEM (PKCS#1, SEC1), PKCS#8 or PuTTY's.
 *
 * The result is kept: decrypting an OpenSSH key takes 0.3 s of this process's only thread, and a
 * program that declares fifty hosts hands us the same key a hundred times.
 */
export function readPrivateKey(text: string, passphrase: string | undefined): PrivateKey {
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

const read = new Map<string, PrivateKey>();

/** Reads `type base64 comment`; undefined when it is something else. */
export function readPublicKey(text: string): PublicKey | undefined {
  const [type, key] = text.trim().split(/[ \t]+/);
  if (type === undefined || key === undefined || text.trim().includes("\n")) return undefined;
  const parsed = utils.parseKey(`${type} ${key}`);
  if (parsed instanceof Error || parsed.isPrivateKey() || parsed.type !== type) return undefined;
  return { type, key: parsed.getPublicSSH().toString("base64") };
}

/** The fingerprint as `ssh` prints it: `SHA256:` and 43 characters of base64. */
export function fingerprint(blob: Buffer): string {
  return `SHA256:${createHash("sha256").update(blob).digest("base64").replace(/=+$/, "")}`;
}

function parsePrivateKey(text: string, passphrase: string | undefined): PrivateKey {
  if (isPkcs8(text)) return parsePkcs8(text, passphrase);
  const parsed: unknown = utils.parseKey(text, passphrase);
  // Its types leave out that a file may hold several keys; OpenSSH writes one.
  const key = (Array.isArray(parsed) ? parsed[0] : parsed) as ParsedKey | Error | undefined;
  // ssh2's messages quote parts of what it could not read, so none of them is passed on.
  if (key === undefined || key instanceof Error) {
    return { problem: unreadable(isEncrypted(text), passphrase) };
  }
  if (!key.isPrivateKey()) return { problem: "is a public key; the private one is needed" };
  return { key };
}

function unreadable(encrypted: boolean, passphrase: string | undefined): string {
  if (!encrypted) return "is not a private key in OpenSSH, PEM, PKCS#8 or PuTTY format";
  return passphrase === undefined
    ? "is encrypted, and no privateKeyPassword is given"
    : "cannot be decrypted with privateKeyPassword";
}

function isPkcs8(text: string): boolean {
  return /^\s*-----BEGIN (ENCRYPTED )?PRIVATE KEY-----/.test(text);
}

function isEncrypted(text: string): boolean {
  if (/^(Proc-Type: 4,ENCRYPTED|Encryption: (?!none))/m.test(text)) return true;
  if (/^\s*-----BEGIN ENCRYPTED PRIVATE KEY-----/.test(text)) return true;
  const body = /-----BEGIN OPENSSH PRIVATE KEY-----([^-]+)-----END/.exec(text)?.[1] ?? "";
  // PROTOCOL.key of OpenSSH: the magic, then the cipher's name with its length before it.
  const blob = Buffer.from(body, "base64");
  const name = openSshMagic.length + 4;
  return blob.length > name + 4 && blob.toString("latin1", name, name + 4) !== "none";
}

const openSshMagic = "openssh-key-v1\0";

/** ssh2 knows no PKCS#8, which is what Terraform's and Pulumi's tls providers write. */
function parsePkcs8(text: string, passphrase: string | undefined): PrivateKey {
  let key: KeyObject;
  try {
    key = createPrivateKey({ key: text, format: "pem", passphrase });
  } catch {
    return { problem: unreadable(isEncrypted(text), passphrase) };
  }
  switch (key.asymmetricKeyType) {
    case "rsa":
      return parsePrivateKey(String(key.export({ type: "pkcs1", format: "pem" })), undefined);
    case "ec":
      return parsePrivateKey(String(key.export({ type: "sec1", format: "pem" })), undefined);
    case "ed25519":
      return parsePrivateKey(openSshEd25519(key), undefined);
    default:
      return {
        problem: `is of the type ${key.asymmetricKeyType ?? "none"}, which ssh has no use for`,
      };
  }
}

/** An Ed25519 key in OpenSSH's format (PROTOCOL.key), unencrypted and in memory only. */
function openSshEd25519(key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  const publicPart = Buffer.from(jwk.x ?? "", "base64url");
  const seed = Buffer.from(jwk.d ?? "", "base64url");
  const type = Buffer.from("ssh-ed25519");
  const publicKey = Buffer.concat([string(type), string(publicPart)]);
  const check = Buffer.alloc(8);
  const secret = string(Buffer.concat([seed, publicPart]));
  const unpadded = Buffer.concat([check, publicKey, secret, string(Buffer.alloc(0))]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (unpadded.length % 8)) % 8);
  const none = string(Buffer.from("none"));
  const blob = Buffer.concat([
    Buffer.from(openSshMagic),
    none,
    none,
    string(Buffer.alloc(0)),
    Buffer.from([0, 0, 0, 1]),
    string(publicKey),
    string(Buffer.concat([unpadded, padding])),
  ]);
  const lines = blob.toString("base64").match(/.{1,70}/g) ?? [];
  return ["OPENSSH PRIVATE KEY"]
    .flatMap((name) => [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ""])
    .join("\n");
}

/** A `string` of RFC 4251: four bytes of length, then the bytes. */
function string(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
