import { randomBytes } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";

import { command } from "./command";

/** A key pair that every user of every host of the lab admits. */
export interface LabKey {
  /** Where the private key is. */
  readonly path: string;
  /** The private key, as OpenSSH writes it. */
  readonly content: string;
  /** One line, `ssh-ed25519 AAAA...`. */
  readonly publicKey: string;
}

/** The keys of a lab. */
export interface LabKeys {
  /** ed25519 without a passphrase. */
  readonly plain: LabKey;
  /** ed25519 under {@link LabPasswords.keyPassphrase}. */
  readonly encrypted: LabKey;
  /** RSA, 2048 bits, without a passphrase. */
  readonly rsa: LabKey;
  /** ed25519 that no host admits. */
  readonly unknown: LabKey;
}

/** The passwords of a lab, drawn at random, so that a search for them finds only leaks. */
export interface LabPasswords {
  /** Of every user of every host, for login and for sudo. */
  readonly login: string;
  /** Of the encrypted key. */
  readonly keyPassphrase: string;
}

/** Draws passwords for a lab. */
export function drawPasswords(): LabPasswords {
  return {
    login: `login-${randomBytes(9).toString("hex")}`,
    keyPassphrase: `phrase-${randomBytes(9).toString("hex")}`,
  };
}

/** Makes the keys of a lab in a folder. */
export async function makeKeys(folder: string, passwords: LabPasswords): Promise<LabKeys> {
  const make = async (name: string, phrase: string, ...kind: string[]): Promise<LabKey> => {
    const path = join(folder, name);
    await command("ssh-keygen", ["-q", ...kind, "-N", phrase, "-C", name, "-f", path]);
    const [content, publicKey] = await Promise.all([
      readFile(path, "utf8"),
      readFile(`${path}.pub`, "utf8"),
    ]);
    return { path, content, publicKey: publicKey.trim() };
  };
  const [plain, encrypted, rsa, unknown] = await Promise.all([
    make("plain", "", "-t", "ed25519"),
    make("encrypted", passwords.keyPassphrase, "-t", "ed25519"),
    make("rsa", "", "-t", "rsa", "-b", "2048"),
    make("unknown", "", "-t", "ed25519"),
  ]);
  return { plain, encrypted, rsa, unknown };
}
