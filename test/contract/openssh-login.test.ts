// Who the user's own ssh logs in as, by which key, and how that user becomes root.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { command } from "../../lab/command";
import { configureSshd, failureBy, machineIdOf, seenBy, SshHome } from "./openssh";

let lab: Lab;
let home: SshHome;
let host: LabHost;
/** Signs users and hosts. */
let ca: string;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web-1");
  home = await SshHome.make(lab);
  ca = home.path("ca");
  await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-f", ca]);
  const trusted = (await readFile(`${ca}.pub`, "utf8")).trim();
  await host.run(`echo '${trusted}' >/etc/ssh/user_ca.pub`);
  await configureSshd(host, "TrustedUserCAKeys /etc/ssh/user_ca.pub");
});
afterAll(async () => {
  await lab.destroy();
  await home.remove();
});

/** A config with known hosts and no key. */
async function bare(lines = ""): Promise<{ configFile: string }> {
  const known = `  UserKnownHostsFile ${home.path("known_hosts")}\n  GlobalKnownHostsFile /dev/null\n`;
  const text = `${lines}\nHost web-1\n  HostName ${host.address}\nHost *\n${known}`;
  return { configFile: await home.file("bare", text) };
}

async function isIn(connection: Parameters<typeof seenBy>[0]): Promise<void> {
  expect(await seenBy(connection)).toBe(await machineIdOf(host));
}

/** An agent with these keys, for as long as `use` runs. */
async function withAgent<T>(
  keys: readonly (readonly string[])[],
  use: (socket: string) => Promise<T>,
): Promise<T> {
  const socket = home.path(`agent-${Math.random()}`);
  const env = { PATH: process.env["PATH"] };
  const agent = spawn("ssh-agent", ["-D", "-a", socket], {
    stdio: ["ignore", "pipe", "inherit"],
    env,
  });
  try {
    await once(agent.stdout, "data");
    for (const words of keys)
      await command("env", [`SSH_AUTH_SOCK=${socket}`, "ssh-add", "-q", ...words]);
    return await use(socket);
  } finally {
    agent.kill();
    await once(agent, "exit");
  }
}

describe("a certificate of a user", () => {
  it("beside its key lets it in", async () => {
    const privateKeyFile = await home.signed(ca, "valid", "-n", "root", "-V", "+1h");
    await isIn({ host: "web-1", user: "root", privateKeyFile, ssh: await bare() });
  });

  it("named in the config, or in an agent, does too", async () => {
    const key = await home.signed(ca, "in-config", "-n", "root", "-V", "+1h");
    const lines = `IdentityFile ${key}\nCertificateFile ${key}-cert.pub\n`;
    await isIn({ host: "web-1", user: "root", ssh: await bare(lines) });
    await withAgent([[key]], async (agentSocketPath) =>
      isIn({ host: "web-1", user: "root", agentSocketPath, ssh: await bare() }),
    );
  });

  it("that has expired, or is for somebody else, is refused", async () => {
    const expired = await home.signed(ca, "expired", "-n", "root", "-V", "20200101:20200102");
    const others = await home.signed(ca, "others", "-n", "nobody", "-V", "+1h");
    for (const privateKeyFile of [expired, others]) {
      const error = await failureBy({
        host: "web-1",
        user: "root",
        privateKeyFile,
        ssh: await bare(),
      });
      expect(error.kind).toBe("authentication");
      expect(error.message).toContain("Permission denied (publickey");
    }
  });
});

describe("a certificate of a host", () => {
  const certify = async (name: string, validity: string): Promise<void> => {
    await host.run("cp /etc/ssh/lab_host_ed25519.pub /etc/ssh/host.pub");
    const pub = await home.file("host.pub", (await host.run("cat /etc/ssh/host.pub")).stdout);
    const options = ["-h", "-I", name, "-n", `web-1,${host.address}`, "-V", validity];
    await command("ssh-keygen", ["-q", "-s", ca, ...options, pub]);
    const cert = await readFile(home.path("host-cert.pub"), "utf8");
    await host.run(`echo '${cert.trim()}' >/etc/ssh/host-cert.pub`);
  };
  const known = async (): Promise<void> => {
    await home.file("known_hosts", `@cert-authority * ${await readFile(`${ca}.pub`, "utf8")}`);
  };

  it("is as good as a known key while it is valid, and refused by name after that", async () => {
    const connection = { host: "web-1", user: "root", privateKeyFile: lab.keys.plain.path };
    try {
      await certify("valid", "+1h");
      await configureSshd(host, "HostCertificate /etc/ssh/host-cert.pub");
      await known();
      await isIn({ ...connection, ssh: await bare() });
      await certify("expired", "20200101:20200102");
      await host.stopSsh();
      await host.startSsh();
      const error = await failureBy({ ...connection, ssh: await bare() });
      expect(error.kind).toBe("host-key");
      expect(error.message).toMatch(/[Cc]ertificate.* expired/);
    } finally {
      await home.know(...lab.hosts);
    }
  });
});

describe("an agent", () => {
  it("with seven keys is refused by a server that takes six, and not with the right one named", async () => {
    const many = await Promise.all(
      Array.from({ length: 7 }, (_, number) => home.signed(ca, `many-${number}`, "-n", "nobody")),
    );
    // Without their certificates.
    const keys = many.map((key) => ["-k", key]);
    await withAgent([...keys, [lab.keys.plain.path]], async (agentSocketPath) => {
      const connection = { host: "web-1", user: "root", agentSocketPath };
      const error = await failureBy({ ...connection, ssh: await bare() });
      expect(error.kind).toBe("authentication");
      expect(error.message).toContain("Too many authentication failures");
      const privateKeyFile = `${lab.keys.plain.path}.pub`;
      await isIn({ ...connection, privateKeyFile, ssh: await bare() });
      const lines = `IdentityFile ${privateKeyFile}\nIdentitiesOnly yes\n`;
      await isIn({ ...connection, ssh: await bare(lines) });
    });
  });

  it("that refuses to sign is named with the key", async () => {
    // To be confirmed by somebody, and nobody is there.
    await withAgent([["-c", lab.keys.plain.path]], async (agentSocketPath) => {
      const connection = { host: "web-1", user: "root", agentSocketPath };
      const error = await failureBy({ ...connection, ssh: await bare() });
      expect(error.kind).toBe("authentication");
      expect(error.message).toMatch(/signing failed for ED25519 .* agent refused operation/);
    });
  });
});

describe("a hardware key", () => {
  it("whose device is not there is named as what it is", async () => {
    const fixture = path.join(__dirname, "../unit/fixtures/keys/OpenSSH-ed25519-sk.json");
    const { text } = JSON.parse(await readFile(fixture, "utf8")) as { text: string };
    const privateKeyFile = await home.file("sk", text);
    const { stdout } = await command("ssh-keygen", ["-y", "-f", privateKeyFile]);
    await host.run(`echo '${stdout.trim()}' >>/root/.ssh/authorized_keys`);
    const error = await failureBy({
      host: "web-1",
      user: "root",
      privateKeyFile,
      ssh: await bare(),
    });
    expect(error.kind).toBe("authentication");
    expect(error.message).toMatch(/signing failed for ED25519-SK .*device not found/);
  });
});

describe("a login", () => {
  const by = async (user: string | undefined, more: object = {}) => ({
    host: "web-1",
    ...(user !== undefined && { user }),
    privateKeyFile: lab.keys.plain.path,
    ssh: await bare(),
    ...more,
  });

  it("that is not given is ssh_config's, and becomes root where it is not", async () => {
    const key = lab.keys.plain.path;
    for (const user of ["root", "deploy"]) {
      const ssh = await bare(`Host web-1\n  User ${user}\n  IdentityFile ${key}\n`);
      await isIn({ host: "web-1", ssh });
    }
  });

  it("of root, and of others who may become it, with a password and without", async () => {
    const sudoPassword = lab.passwords.login;
    await isIn(await by("root"));
    await isIn(await by("root", { sudo: false }));
    await isIn(await by("root", { sudoPassword }));
    await isIn(await by("deploy", { sudo: true }));
    await isIn(await by("operator", { sudoPassword }));
  });

  it("that cannot become root says why", async () => {
    const asked = await failureBy(await by("operator"));
    expect(asked.kind).toBe("privilege");
    expect(asked.message).toContain("sudo: a password is required");
    const wrong = await failureBy(await by("operator", { sudoPassword: "wrong" }));
    expect(wrong.kind).toBe("privilege");
    expect(wrong.message).toContain("sudo did not accept the password");
    const none = await failureBy(await by("deploy", { sudo: false }));
    expect(none.kind).toBe("privilege");
    expect(none.message).toContain("deploy is not root there");
    const unnamed = await bare(
      `Host web-1\n  User operator\n  IdentityFile ${lab.keys.plain.path}\n`,
    );
    const error = await failureBy({ host: "web-1", ssh: unnamed });
    expect(error.message).toContain("sudo must let the user that ssh logs in as run sh");
  });
});

describe("a login shell", () => {
  it.each(["tcsh", "fish"])("that is %s hands the command on like any other", async (shell) => {
    await host.run(`usermod -s "$(command -v ${shell})" operator`);
    const { login: sudoPassword } = lab.passwords;
    const privateKeyFile = lab.keys.plain.path;
    await isIn({
      host: "web-1",
      user: "operator",
      sudoPassword,
      privateKeyFile,
      ssh: await bare(),
    });
  });

  it("that lets nobody in is told from an ssh that does not get in", async () => {
    await host.run("usermod -s /bin/false nobodysudo");
    const privateKeyFile = lab.keys.plain.path;
    const connection = { host: "web-1", user: "nobodysudo", privateKeyFile };
    const error = await failureBy({ ...connection, ssh: await bare() });
    expect(error.kind).toBe("failed");
    expect(error.message).toContain(
      "web-1: the login shell of nobodysudo did not run our command: it ended with status 1",
    );
  });

  it("that is noisy before it runs anything does no harm", async () => {
    await host.run("printf 'printf welcome; printf warning >&2\\n' >>/etc/ssh/sshrc");
    await isIn({
      ...{ host: "web-1", user: "root", privateKeyFile: lab.keys.plain.path },
      ssh: await bare(),
    });
    await host.run("rm /etc/ssh/sshrc");
  });
});

describe("a server that takes no long command", () => {
  it("takes ours, which goes over stdin", async () => {
    const small = await lab.host("dropbear");
    await small.stopSsh();
    await small.run(`
      mkdir -p /etc/dropbear /run/dropbear
      dropbearkey -t ed25519 -f /etc/dropbear/key >/dev/null 2>&1
      dropbear -E -p 22 -r /etc/dropbear/key -P /run/dropbear/pid >/dev/null 2>&1`);
    const ssh = await bare("StrictHostKeyChecking no\nHost *\n  UserKnownHostsFile /dev/null\n");
    const connection = { host: small.address, privateKeyFile: lab.keys.plain.path };
    expect(await seenBy({ ...connection, user: "root", ssh })).toBe(await machineIdOf(small));
  });
});
