import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { type Changes, connectionTo, dialError, userAfterLogin, withFile } from "./ssh-connection";

let lab: Lab;
let host: LabHost;
let inherited: string | undefined;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web");
});
afterAll(() => lab.destroy());

beforeEach(() => {
  inherited = process.env["SSH_AUTH_SOCK"];
  delete process.env["SSH_AUTH_SOCK"];
});
afterEach(() => {
  delete process.env["SSH_AUTH_SOCK"];
  if (inherited !== undefined) process.env["SSH_AUTH_SOCK"] = inherited;
});

const login = (changes: Changes) => userAfterLogin(connectionTo(lab, host, changes));
const failure = (changes: Changes) => dialError(connectionTo(lab, host, changes));
const noKey = { privateKey: undefined };

describe("a login by key", () => {
  it("takes the key's text", async () => {
    await expect(login({})).resolves.toBe("root");
  });

  it("takes an RSA key, and another user", async () => {
    const { content } = lab.keys.rsa;
    await expect(login({ privateKey: content, user: "deploy" })).resolves.toBe("deploy");
  });

  it("takes a key's file", async () => {
    await expect(login({ ...noKey, privateKeyFile: lab.keys.plain.path })).resolves.toBe("root");
  });

  it("decrypts a key given as text, and one in a file", async () => {
    const privateKeyPassword = lab.passwords.keyPassphrase;
    const { content, path } = lab.keys.encrypted;
    await expect(login({ privateKey: content, privateKeyPassword })).resolves.toBe("root");
    await expect(login({ ...noKey, privateKeyFile: path, privateKeyPassword })).resolves.toBe(
      "root",
    );
  });

  it.each(["ed25519", "rsa", "ecdsa"])(
    "takes PKCS#8, as tls providers write it: %s",
    async (kind) => {
      const algorithm = { ed25519: "ed25519", rsa: "rsa", ecdsa: "ec" }[kind] ?? "";
      const curve = kind === "ecdsa" ? ["-pkeyopt", "ec_paramgen_curve:P-256"] : [];
      const pem = execFileSync("openssl", ["genpkey", "-algorithm", algorithm, ...curve], {
        stdio: ["ignore", "pipe", "ignore"],
      }).toString();
      const openSsh = await withFile(pem, async (path) => {
        // ssh-keygen reads PKCS#8 of every kind but Ed25519, whose public key is its last 32 bytes.
        if (kind !== "ed25519") return (await command("ssh-keygen", ["-y", "-f", path])).stdout;
        const der = execFileSync("openssl", ["pkey", "-in", path, "-pubout", "-outform", "DER"]);
        const head = Buffer.from("0000000b7373682d6564323535313900000020", "hex");
        return `ssh-ed25519 ${Buffer.concat([head, der.subarray(-32)]).toString("base64")}\n`;
      });
      await host.run("cat >> /root/.ssh/authorized_keys", { input: openSsh });
      await expect(login({ privateKey: pem })).resolves.toBe("root");
    },
  );

  it("is refused with a key that the host does not know, by its fingerprint", async () => {
    const error = await failure({ privateKey: lab.keys.unknown.content });
    expect(error.kind).toBe("authentication");
    const fingerprint = (await command("ssh-keygen", ["-lf", lab.keys.unknown.path])).stdout;
    expect(error.message).toContain(fingerprint.split(" ")[1]);
    expect(error.message).toContain(`${host.address}:22 does not let root in`);
    expect(error.message).toContain("it takes publickey, password");
  });

  it("names a key's file that is not there, without dialling", async () => {
    const error = await dialError(
      connectionTo(lab, host, { ...noKey, privateKeyFile: "/nowhere/id", host: "203.0.113.1" }),
    );
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("/nowhere/id cannot be read: there is no such file");
  });

  it("says that a key is encrypted, or its passphrase wrong, without dialling", async () => {
    const away = { privateKey: lab.keys.encrypted.content, host: "203.0.113.1" };
    const none = await failure(away);
    expect(none.message).toContain("is encrypted, and no privateKeyPassword is given");
    const wrong = await failure({ ...away, privateKeyPassword: "not this one" });
    expect(wrong.message).toContain("cannot be decrypted with privateKeyPassword");
    expect(wrong.message).not.toContain("not this one");
  });
});

describe("a login by password", () => {
  it("takes the password", async () => {
    await expect(login({ ...noKey, password: lab.passwords.login })).resolves.toBe("root");
  });

  it("is refused with a wrong one, which the message does not repeat", async () => {
    const error = await failure({ ...noKey, password: "wrong-and-secret" });
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("tried connection.password;");
    expect(error.message).not.toContain("wrong-and-secret");
  });

  it("comes after a key that the host refuses", async () => {
    const both = { privateKey: lab.keys.unknown.content, password: lab.passwords.login };
    await expect(login(both)).resolves.toBe("root");
  });

  it("answers keyboard-interactive where the host takes only that", async () => {
    const other = await lab.host("keyboard");
    await other.run(
      "sed -i 's/^UsePAM no/UsePAM yes/; s/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/;" +
        " s/^PasswordAuthentication yes/PasswordAuthentication no/' /etc/ssh/lab_sshd_config",
    );
    await other.stopSsh();
    await other.startSsh();
    const { login: password } = lab.passwords;
    const changes = { ...noKey, password, user: "deploy" };
    await expect(userAfterLogin(connectionTo(lab, other, changes))).resolves.toBe("deploy");
    const wrong = await dialError(connectionTo(lab, other, { ...changes, password: "wrong" }));
    expect(wrong.kind).toBe("authentication");
    expect(wrong.message).toContain("it takes publickey, keyboard-interactive");
  });

  it("follows a key where the host wants both", async () => {
    const other = await lab.host("both");
    await other.run("echo 'AuthenticationMethods password,publickey' >> /etc/ssh/lab_sshd_config");
    await other.stopSsh();
    await other.startSsh();
    const both = connectionTo(lab, other, { password: lab.passwords.login });
    await expect(userAfterLogin(both)).resolves.toBe("root");
  });
});

describe("a login by agent", () => {
  let folder: string;
  let socket: string;
  let agent: ChildProcess;

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "ssh-agent-"));
    socket = join(folder, "agent");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    await once(agent.stdout as NodeJS.ReadableStream, "data");
    for (const key of [lab.keys.unknown, lab.keys.rsa]) {
      execFileSync("ssh-add", ["-q", key.path], { env: { ...process.env, SSH_AUTH_SOCK: socket } });
    }
  });
  afterAll(async () => {
    agent.kill();
    await once(agent, "exit");
    await rm(folder, { recursive: true });
  });

  it("takes the agent at agentSocketPath, key after key", async () => {
    await expect(login({ ...noKey, agentSocketPath: socket })).resolves.toBe("root");
  });

  it("takes the agent at SSH_AUTH_SOCK where none is given", async () => {
    process.env["SSH_AUTH_SOCK"] = socket;
    await expect(login(noKey)).resolves.toBe("root");
  });

  it("tries SSH_AUTH_SOCK after everything that the program gave", async () => {
    process.env["SSH_AUTH_SOCK"] = socket;
    const error = await dialError(
      connectionTo(lab, host, { ...noKey, password: "wrong", user: "nobody-here" }),
    );
    const { message } = error;
    expect(message.indexOf("connection.password")).toBeGreaterThan(0);
    expect(message.indexOf("$SSH_AUTH_SOCK")).toBeGreaterThan(
      message.indexOf("connection.password"),
    );
  });

  it("passes over a stale SSH_AUTH_SOCK, and names a given agent that does not answer", async () => {
    process.env["SSH_AUTH_SOCK"] = "/nowhere/agent";
    await expect(login({ password: lab.passwords.login, ...noKey })).resolves.toBe("root");
    const error = await failure({ ...noKey, agentSocketPath: "/nowhere/agent" });
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("/nowhere/agent (connection.agentSocketPath) does not answer");
  });
});

describe("a connection without any way to authenticate", () => {
  it("is refused with what could be given", async () => {
    const error = await failure(noKey);
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("give privateKeyFile, privateKey, agentSocketPath or password");
  });
});
