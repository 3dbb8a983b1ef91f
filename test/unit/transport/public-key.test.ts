import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { readHostKey } from "../../../src/transport/public-key";
import { fixtures } from "../fixtures";

const blob = "AAAAC3NzaC1lZDI1NTE5AAAAIIIx1bFNMNYUJx9mv12oLAfiFBSx3Yp8lvK1C2fGZ1aA";
const ed25519 = `ssh-ed25519 ${blob}`;
const written = (name: string): string =>
  fixtures<{ text: string }>("keys").find((one) => one.name === name)?.data.text ?? "";
const WANTED = 'a line such as "ssh-ed25519 AAAA…", as ssh-keyscan prints it after the name';

describe("a host key given as text", () => {
  it("is a public key, comment or not", () => {
    const key = { type: "ssh-ed25519", key: blob };
    expect(readHostKey(ed25519)).toEqual({ key });
    expect(readHostKey(` ${ed25519} root@web\n`)).toEqual({ key });
  });

  it.each([
    ["nothing", "", `; wanted is ${WANTED}`],
    ["words", "ask the administrator", `; wanted is ${WANTED}`],
    ["base64 alone", blob, `; wanted is ${WANTED}`],
    ["another type than its own", `ssh-rsa ${blob}`, `; wanted is ${WANTED}`],
    ["a line of ssh-keyscan", `10.0.0.11 ${ed25519}`, "; leave out what stands before its type"],
    ["all of ssh-keyscan", `# h:22 SSH-2.0\n${ed25519}\n${ed25519}`, " but 3 lines; give one key"],
    [
      "a fingerprint",
      "256 SHA256:SppiIX1lvAoXDbDVRxNvXmBe1S7T/f0NiOtQOQi28V4 root@web (ED25519)",
      ` but a fingerprint; give the key itself: ${WANTED}`,
    ],
    ["a private key", written("OpenSSH-ed25519"), " but a private key; give the host's public one"],
    [
      "a certificate",
      written("certificate-of-OpenSSH"),
      ` but a certificate; give the key itself: ${WANTED}`,
    ],
    [
      "a key of a type that is not checked",
      "ssh-dss AAAAB3NzaC1kc3MAAAAB",
      " that can be checked here: it is of the type ssh-dss",
    ],
  ])("is not %s, which is named", (_what, text, instead) => {
    expect(readHostKey(text)).toEqual({ instead });
  });

  it("is never quoted", () => {
    fc.assert(
      fc.property(
        fc.stringMatching(/^[A-Za-z0-9+/]{12,}$/),
        fc.constantFrom("", " ", "\n"),
        (secret, gap) => {
          const { instead = "" } = readHostKey(`s3cr3t${gap}${secret}`);
          expect(instead).not.toContain(secret);
          expect(instead).not.toContain("s3cr3t");
        },
      ),
    );
  });
});
