import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { parseAgentKeys } from "../../../src/transport/agent-keys";
import { sshString } from "../../../src/transport/ssh-string";
import { inventory } from "../../../src/transport/ssh2/agent";

const answer = (...types: string[]): Buffer => {
  const count = Buffer.alloc(4);
  count.writeUInt32BE(types.length);
  const keys = types.map((type) =>
    Buffer.concat([sshString(Buffer.concat([sshString(type), sshString("key")])), sshString("me")]),
  );
  return Buffer.concat([Buffer.from([12]), count, ...keys]);
};
const found = (...types: string[]): string => inventory(parseAgentKeys(answer(...types)) ?? []);

describe("what an agent holds", () => {
  it("is counted, and named where it is of no use", () => {
    const rsa = "ssh-rsa-cert-v01@openssh.com";
    const sk = "sk-ssh-ed25519@openssh.com";
    expect(found()).toBe("it lists no key: is it empty, or locked?");
    expect(found("ssh-ed25519")).toBe("1 key");
    expect(found("ssh-ed25519", rsa, "ssh-rsa")).toBe(
      `2 keys; of no use here: a certificate (${rsa})`,
    );
    expect(found(sk, "ssh-dss")).toBe(
      `no keys; of no use here: a hardware key (${sk}), a key of the type ssh-dss`,
    );
  });

  it("is more than sshd hears out from six keys on", () => {
    const keys = Array.from({ length: 6 }, () => "ssh-ed25519");
    expect(found(...keys)).toContain("6 keys, and sshd hangs up after six");
    expect(found(...keys.slice(1))).toBe("5 keys");
  });

  it("is read without an error whatever the answer is, and cut nowhere unnoticed", () => {
    const whole = answer("ssh-ed25519", "ssh-rsa");
    for (let length = 0; length < whole.length; length++)
      expect(parseAgentKeys(whole.subarray(0, length))).toBeUndefined();
    fc.assert(
      fc.property(
        fc.uint8Array(),
        fc.constantFrom([12], [12, 0, 0, 0, 1], [5], []),
        (rest, head) => {
          const keys = parseAgentKeys(Buffer.from([...head, ...rest])) ?? [];
          for (const { type } of keys) expect(type).toMatch(/^[a-z0-9@. -]+$/);
        },
      ),
    );
  });
});
