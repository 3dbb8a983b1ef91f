import { generateKeyPairSync } from "node:crypto";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { privateKeyProblem } from "../../../src/transport/ssh2/auth";
import { readPrivateKey, readPublicKey } from "../../../src/transport/keys";

const pkcs8 = (passphrase?: string): string =>
  generateKeyPairSync("ed25519")
    .privateKey.export({
      type: "pkcs8",
      format: "pem",
      ...(passphrase === undefined ? {} : { cipher: "aes-256-cbc", passphrase }),
    })
    .toString();

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
        ]).toContain(problem);
      }),
    );
  });
});

const publicLine =
  "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIx1bFNMNYUJx9mv12oLAfiFBSx3Yp8lvK1C2fGZ1aA root@web";

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
