import { readFile } from "node:fs/promises";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import {
  type Changes,
  connectionTo,
  dialError,
  options,
  userAfterLogin,
  withFile,
  withTransport,
} from "./ssh-connection";

let lab: Lab;
let host: LabHost;
/** The host's other key, so that both kinds can be known. */
let ecdsa: string;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web");
  const { stdout } = await host.run("cat /etc/ssh/lab_host_ecdsa.pub");
  ecdsa = stdout.trim().split(" ").slice(0, 2).join(" ");
});
afterAll(() => lab.destroy());

const otherKey = () => lab.keys.unknown.publicKey.split(" ").slice(0, 2).join(" ");
const hostKey = (changes: Changes, pin?: string) =>
  withTransport(
    connectionTo(lab, host, changes),
    options({ pins: pin === undefined ? {} : { hostKey: pin } }),
    (transport) => Promise.resolve(transport.keys.hostKey),
  );
const failure = (changes: Changes, pin?: string) =>
  dialError(connectionTo(lab, host, changes), { pins: pin === undefined ? {} : { hostKey: pin } });
const withKnownHosts = <T>(content: string, use: (knownHostsFile: string) => Promise<T>) =>
  withFile(content, use);

async function fingerprintOf(key: string): Promise<string> {
  const { stdout } = await command("ssh-keygen", ["-lf", "-"], { input: `${key}\n` });
  return stdout.split(" ")[1] ?? "";
}

describe("a host that nobody knows", () => {
  it("is accepted on first contact, and its key reported for pinning", async () => {
    await expect(hostKey({})).resolves.toBe(host.hostKey);
  });
});

describe("a host known by its pin", () => {
  it("is accepted with that key, also when it has others that would be preferred", async () => {
    await expect(hostKey({}, host.hostKey)).resolves.toBe(host.hostKey);
    await expect(hostKey({}, ecdsa)).resolves.toBe(ecdsa);
  });

  it("is refused with another, by both fingerprints and what to do", async () => {
    const error = await failure({}, otherKey());
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain(await fingerprintOf(host.hostKey));
    expect(error.message).toContain(await fingerprintOf(otherKey()));
    expect(error.message).toContain("the pin from the first contact");
    expect(error.message).toContain("ssh-keyscan -p 22");
  });

  it("is refused when it has no key of the pin's type at all", async () => {
    const rsa = lab.keys.rsa.publicKey.split(" ").slice(0, 2).join(" ");
    const error = await failure({}, rsa);
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain("has no host key of a known type; known is ssh-rsa SHA256:");
    expect(error.message).toContain("; it offers ssh-ed25519, ecdsa-sha2-nistp256. ");
  });

  it("is admitted after a rebuild through known hosts, which come first", async () => {
    const line = `${host.address} ${host.hostKey}\n`;
    await withKnownHosts(line, async (knownHostsFile) => {
      await expect(hostKey({ knownHostsFile }, otherKey())).resolves.toBe(host.hostKey);
    });
  });
});

describe("a host in known hosts", () => {
  it("is accepted by its name, and asked for the types listed there only", async () => {
    await withKnownHosts(`${host.address} ${ecdsa}\n`, async (knownHostsFile) => {
      await expect(hostKey({ knownHostsFile })).resolves.toBe(ecdsa);
    });
  });

  it("is accepted as ssh itself wrote it down, hashed", async () => {
    await withKnownHosts("", async (knownHostsFile) => {
      const ssh = ["-o", "StrictHostKeyChecking=accept-new", "-o", "HashKnownHosts=yes"];
      const files = ["-o", `UserKnownHostsFile=${knownHostsFile}`, "-i", lab.keys.plain.path];
      await command("ssh", [...ssh, ...files, `root@${host.address}`, "true"]);
      expect(await readFile(knownHostsFile, "utf8")).toMatch(/^\|1\|/);
      await expect(hostKey({ knownHostsFile }, otherKey())).resolves.toBe(host.hostKey);
    });
  });

  it("is refused with another key, by file and line", async () => {
    const lines = `# a comment\nelsewhere ${host.hostKey}\n${host.address} ${otherKey()}\n`;
    await withKnownHosts(lines, async (knownHostsFile) => {
      const error = await failure({ knownHostsFile }, host.hostKey);
      expect(error.kind).toBe("host-key");
      expect(error.message).toContain(`${knownHostsFile} line 3`);
      expect(error.message).toContain(await fingerprintOf(host.hostKey));
      expect(error.message).toContain(await fingerprintOf(otherKey()));
      expect(error.message).toContain(`-R '${host.address}'`);
    });
  });

  it("is refused with a revoked key, even when it is pinned", async () => {
    await withKnownHosts(`@revoked * ${host.hostKey}\n`, async (knownHostsFile) => {
      const error = await failure({ knownHostsFile }, host.hostKey);
      expect(error.kind).toBe("host-key");
      expect(error.message).toContain(`${knownHostsFile} line 1 revokes`);
      await expect(hostKey({ knownHostsFile }, ecdsa)).resolves.toBe(ecdsa);
    });
  });

  it("is looked up as [host]:port on another port", async () => {
    await host.run("/usr/sbin/sshd -f /etc/ssh/lab_sshd_config -p 2222 -o PidFile=/run/other.pid");
    const wrong = `${host.address} ${otherKey()}\n`;
    const right = `[${host.address}]:2222 ${host.hostKey}\n`;
    await withKnownHosts(wrong + right, async (knownHostsFile) => {
      await expect(hostKey({ port: 2222, knownHostsFile })).resolves.toBe(host.hostKey);
    });
    await withKnownHosts(wrong, async (knownHostsFile) => {
      await expect(hostKey({ port: 2222, knownHostsFile })).resolves.toBe(host.hostKey);
    });
    await withKnownHosts(`[${host.address}]:2222 ${otherKey()}\n`, async (knownHostsFile) => {
      const error = await failure({ port: 2222, knownHostsFile });
      expect(error.message).toContain(`-R '[${host.address}]:2222'`);
    });
  });

  it("makes no difference when the file cannot be read: that is an error", async () => {
    const error = await failure({ knownHostsFile: "/etc" });
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain("cannot read known hosts /etc: it is a folder");
  });
});

describe("a host whose key the connection gives", () => {
  it("is accepted with it, comment or not, whatever known hosts and the pin say", async () => {
    const line = `${host.address} ${otherKey()}\n`;
    await withKnownHosts(line, async (knownHostsFile) => {
      const given = { knownHostsFile, hostKey: `${host.hostKey} root@web\n` };
      await expect(hostKey(given, otherKey())).resolves.toBe(host.hostKey);
    });
    await expect(hostKey({ hostKey: ecdsa })).resolves.toBe(ecdsa);
  });

  it("is refused with another", async () => {
    const error = await failure({ hostKey: otherKey() });
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain("(connection.hostKey)");
    expect(error.message).toContain("put its new key in connection.hostKey");
    expect(error.observed).toBe(`ssh-ed25519 ${await fingerprintOf(host.hostKey)}`);
    expect(error.wanted).toBe(
      `ssh-ed25519 ${await fingerprintOf(otherKey())} (connection.hostKey)`,
    );
  });

  it("cannot be given as anything but a public key", async () => {
    const error = await failure({ hostKey: await fingerprintOf(host.hostKey) });
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain("connection.hostKey is not a host key");
  });
});

it("an RSA host key signs with SHA-2 and is known as ssh-rsa", async () => {
  const rsa = await lab.host("rsa");
  await rsa.run(
    "ssh-keygen -q -t rsa -b 2048 -N '' -f /etc/ssh/lab_host_rsa;" +
      "sed -i 's/^HostKey.*ed25519$/HostKey \\/etc\\/ssh\\/lab_host_rsa/; /ecdsa/d' /etc/ssh/lab_sshd_config",
  );
  await rsa.stopSsh();
  await rsa.startSsh();
  const key = (await rsa.run("cat /etc/ssh/lab_host_rsa.pub")).stdout;
  const connection = connectionTo(lab, rsa, { hostKey: key });
  await expect(userAfterLogin(connection)).resolves.toBe("root");
});
