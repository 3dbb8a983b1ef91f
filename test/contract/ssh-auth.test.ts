import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, copyFile, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { fixtures } from "../unit/fixtures";
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
const writtenKey = (name: string): { readonly text: string } => {
  const found = fixtures<{ text: string }>("keys").find((one) => one.name === name);
  if (found === undefined) throw new Error(`there is no fixture ${name}`);
  return found.data;
};

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

  it.each(["PuTTY-2-rsa", "PEM-ecdsa-after-its-parameters", "PEM-between-bags-of-PKCS12"])(
    "takes what other tools write: %s",
    async (name) => {
      const { text } = writtenKey(name);
      const key = await withFile(text, async (path) => {
        // ssh-keygen reads none of PuTTY's; this one is the same key.
        const pem = name === "PuTTY-2-rsa" ? writtenKey("PEM-rsa").text : text;
        await writeFile(path, pem);
        return (await command("ssh-keygen", ["-y", "-f", path])).stdout;
      });
      await host.run("cat >> /root/.ssh/authorized_keys", { input: key });
      await expect(login({ privateKey: text })).resolves.toBe("root");
    },
  );

  it("takes a key that has been through Windows", async () => {
    const privateKey = `\ufeff${lab.keys.plain.content.replaceAll("\n", "\r\n")}`;
    await expect(login({ privateKey })).resolves.toBe("root");
    await withFile(privateKey, (privateKeyFile) =>
      expect(login({ ...noKey, privateKeyFile })).resolves.toBe("root"),
    );
  });

  it("names a key in a file that is of no use, without dialling", async () => {
    const away = { ...noKey, host: "203.0.113.1" };
    for (const [name, words] of [
      ["OpenSSH-ed25519-sk", "is a hardware key (sk-ssh-ed25519@openssh.com)"],
      ["OpenSSH-dsa", "is a DSA key"],
      ["PuTTY-3-ed25519", "convert it: puttygen key.ppk -O private-openssh -o key"],
      ["certificate-of-OpenSSH", "is a certificate; the private key that it certifies is needed"],
    ] as const) {
      const error = await withFile(writtenKey(name).text, (privateKeyFile) =>
        failure({ ...away, privateKeyFile }),
      );
      expect(error.kind).toBe("authentication");
      expect(error.message).toContain(words);
    }
  });

  it("says of a certificate beside a refused key's file that it is not used", async () => {
    const folder = await mkdtemp(join(tmpdir(), "certified-"));
    try {
      const file = join(folder, "id");
      await copyFile(lab.keys.unknown.path, file);
      await writeFile(`${file}.pub`, `${lab.keys.unknown.publicKey}\n`);
      await command("ssh-keygen", ["-q", "-s", lab.keys.rsa.path, "-I", "id", `${file}.pub`]);
      const error = await failure({ ...noKey, privateKeyFile: file });
      expect(error.message).toContain(`; its certificate ${file}-cert.pub is of no use here)`);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("is not blamed where the host accepts it and wants more", async () => {
    const other = await lab.host("more");
    await other.run("echo 'AuthenticationMethods publickey,password' >> /etc/ssh/lab_sshd_config");
    await other.stopSsh();
    await other.startSsh();
    const error = await dialError(connectionTo(lab, other));
    expect(error.message).toMatch(
      /accepted connection\.privateKey \(SHA256:\S+\), which is not enough;/,
    );
    expect(error.message).toContain("it takes password");
    expect(error.message).not.toContain("authorized_keys");
  });

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
      "sed -i 's/^KbdInteractiveAuthentication no/KbdInteractiveAuthentication yes/;" +
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

describe("an agent that is of no help", () => {
  let folder: string;
  let socket: string;
  let agent: ChildProcess;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "ssh-agent-"));
    socket = join(folder, "agent");
    agent = spawn("ssh-agent", ["-D", "-a", socket], { stdio: ["ignore", "pipe", "ignore"] });
    await once(agent.stdout as NodeJS.ReadableStream, "data");
  });
  afterEach(async () => {
    if (agent.exitCode === null && agent.signalCode === null) {
      agent.kill();
      await once(agent, "exit");
    }
    await rm(folder, { recursive: true });
  });

  const ofAgent = () => failure({ ...noKey, agentSocketPath: socket });
  const add = async (...words: string[]): Promise<void> => {
    const options = { env: { ...process.env, SSH_AUTH_SOCK: socket }, stdio: "ignore" as const };
    execFileSync("ssh-add", ["-q", ...words], options);
  };
  const addText = (text: string) => withFile(text, (path) => add(path));

  it("is named as empty, without dialling where it was asked for alone", async () => {
    const alone = await failure({ ...noKey, agentSocketPath: socket, host: "203.0.113.1" });
    expect(alone.kind).toBe("authentication");
    expect(alone.message).toContain(
      `there is no key to log in with: the agent at ${socket} (connection.agentSocketPath) ` +
        `(it lists no key: is it empty, or locked?). Add one (ssh-add)`,
    );
    process.env["SSH_AUTH_SOCK"] = socket;
    const last = await failure({ privateKey: lab.keys.unknown.content });
    expect(last.message).toMatch(
      /tried connection\.privateKey \(SHA256:\S+\); not tried: the agent at \$SSH_AUTH_SOCK \(it lists no key/,
    );
  });

  it("does not keep another way from its turn", async () => {
    const { login: password } = lab.passwords;
    await expect(login({ ...noKey, password, agentSocketPath: socket })).resolves.toBe("root");
    process.env["SSH_AUTH_SOCK"] = socket;
    await expect(login({ ...noKey, password })).resolves.toBe("root");
  });

  it("is named by what it holds instead of keys: a certificate, a hardware key", async () => {
    await addText(writtenKey("OpenSSH-ed25519-sk").text);
    const hardware = await ofAgent();
    expect(hardware.message).toContain(
      "no keys; of no use here: a hardware key (sk-ssh-ed25519@openssh.com)",
    );
    const file = join(folder, "id");
    await copyFile(lab.keys.unknown.path, file);
    await writeFile(`${file}.pub`, `${lab.keys.unknown.publicKey}\n`);
    await command("ssh-keygen", ["-q", "-s", lab.keys.rsa.path, "-I", "id", `${file}.pub`]);
    await add(file);
    const both = await ofAgent();
    expect(both.message).toContain(
      `tried the agent at ${socket} (connection.agentSocketPath) (1 key; of no use here: ` +
        "a hardware key (sk-ssh-ed25519@openssh.com), a certificate (ssh-ed25519-cert-v01@openssh.com))",
    );
  });

  it("is named as locked, when it has keys and shows none", async () => {
    await add(lab.keys.plain.path);
    await withFile("#!/bin/sh\necho word\n", async (askpass) => {
      await chmod(askpass, 0o700);
      const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass };
      execFileSync("setsid", ["ssh-add", "-x"], {
        env: { ...env, SSH_ASKPASS_REQUIRE: "force" },
        stdio: "ignore",
      });
    });
    expect((await ofAgent()).message).toContain("is it empty, or locked?");
  });

  it("is named where it does not sign with a key that the host takes", async () => {
    // Nobody is there to confirm.
    await add("-c", lab.keys.plain.path);
    const { message } = await ofAgent();
    expect(message).toMatch(/\(1 key; it did not sign with SHA256:\S{43}\)/);
  });

  it("is named where it has more keys than sshd hears out", async () => {
    const keys = Array.from({ length: 7 }, (_, index) => join(folder, `key-${index}`));
    for (const key of keys)
      await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", key]);
    await add(...keys, lab.keys.plain.path);
    const { message } = await ofAgent();
    expect(message).toContain("8 keys, and sshd hangs up after six: name one as privateKeyFile");
    expect(message).toContain("it says: Too many authentication failures");
  });

  it.each([
    ["a file", "it is not a socket", "file"],
    ["a folder", "it is not a socket", ""],
    ["what it has left behind", "nobody listens there any more", "agent"],
    ["nothing", "there is no such file", "nothing"],
  ])("is told from %s", async (_what, words, name) => {
    agent.kill("SIGKILL");
    await once(agent, "exit");
    await writeFile(join(folder, "file"), "");
    const path = join(folder, name);
    const error = await failure({ ...noKey, agentSocketPath: path });
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain(`does not answer: ${words}`);
    process.env["SSH_AUTH_SOCK"] = path;
    const last = await failure({ privateKey: lab.keys.unknown.content });
    expect(last.message).toContain(`not tried: the agent at $SSH_AUTH_SOCK (${words}`);
  });

  it("is told from another program that listens there", async () => {
    const path = join(folder, "other");
    const server = createServer((peer) => peer.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await new Promise<void>((resolve) => server.listen(path, resolve));
    try {
      const error = await failure({ ...noKey, agentSocketPath: path });
      expect(error.message).toContain("what listens there does not answer as an agent does");
    } finally {
      server.close();
    }
  });

  it("is blamed, and not the host, while it waits for somebody", async () => {
    const path = join(folder, "other");
    const server = createServer(() => undefined);
    await new Promise<void>((resolve) => server.listen(path, resolve));
    process.env["SSH_AUTH_SOCK"] = path;
    try {
      const error = await dialError(connectionTo(lab, host, noKey), { connectSeconds: 2 });
      expect(error.kind).toBe("authentication");
      expect(error.message).toContain(
        "the agent at $SSH_AUTH_SOCK was asked to list its keys, and did not answer in time",
      );
    } finally {
      server.close();
    }
  });
});

describe("a connection without any way to authenticate", () => {
  it("is refused with what could be given", async () => {
    const error = await failure(noKey);
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("give privateKeyFile, privateKey, agentSocketPath or password");
  });
});
