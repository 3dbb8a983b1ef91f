// The file format of OpenSSH's private keys, PROTOCOL.key in its sources.
import type { KeyObject } from "node:crypto";
import { readSshString, sshString, typeOfKey } from "./ssh-string";

/** What a key file says in clear, encrypted or not. */
export interface OpenSshHeader {
  /** What it is encrypted with, such as `aes256-ctr`; `none`. */
  readonly cipher: string;
  /** Of the key: `ssh-ed25519`, `sk-ssh-ed25519@openssh.com` and the like. */
  readonly type: string;
}

/** With what the content of every such file begins. */
export const OPENSSH_MAGIC = "openssh-key-v1\0";

/** Reads the header; undefined when the content is damaged or cut off. */
export function readOpenSshHeader(content: Buffer): OpenSshHeader | undefined {
  if (content.toString("latin1", 0, OPENSSH_MAGIC.length) !== OPENSSH_MAGIC) return undefined;
  const cipher = readSshString(content, OPENSSH_MAGIC.length);
  const derivation = cipher && readSshString(content, cipher.end);
  const options = derivation && readSshString(content, derivation.end);
  // Between them is the number of keys, which is 1.
  const publicKey = options && readSshString(content, options.end + 4);
  const privateKey = publicKey && readSshString(content, publicKey.end);
  if (privateKey === undefined) return undefined;
  const name = cipher?.bytes.toString("latin1") ?? "";
  const type = typeOfKey(publicKey?.bytes ?? Buffer.alloc(0));
  if (type === undefined || !/^[a-z0-9@.-]{1,64}$/.test(name)) return undefined;
  return { cipher: name, type };
}

/** An Ed25519 key as such a file, unencrypted and in memory only. */
export function openSshEd25519(key: KeyObject): string {
  const jwk = key.export({ format: "jwk" });
  const publicPart = Buffer.from(jwk.x ?? "", "base64url");
  const seed = Buffer.from(jwk.d ?? "", "base64url");
  const publicKey = Buffer.concat([sshString("ssh-ed25519"), sshString(publicPart)]);
  const check = Buffer.alloc(8);
  const secret = sshString(Buffer.concat([seed, publicPart]));
  const unpadded = Buffer.concat([check, publicKey, secret, sshString("")]);
  const padding = Buffer.from([1, 2, 3, 4, 5, 6, 7]).subarray(0, (8 - (unpadded.length % 8)) % 8);
  const content = Buffer.concat([
    Buffer.from(OPENSSH_MAGIC),
    sshString("none"),
    sshString("none"),
    sshString(""),
    Buffer.from([0, 0, 0, 1]),
    sshString(publicKey),
    sshString(Buffer.concat([unpadded, padding])),
  ]);
  const lines = content.toString("base64").match(/.{1,70}/g) ?? [];
  const name = "OPENSSH PRIVATE KEY";
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ""].join("\n");
}
