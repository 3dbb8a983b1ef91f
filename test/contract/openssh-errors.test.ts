// What is said where the user's own ssh does not get in: a kind, its own words, what to do.
import { createServer, type Server } from "node:net";
import { once } from "node:events";
import { chmod } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { pulumiAdvice } from "../../src/pulumi/advice";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { command } from "../../lab/command";
import { failureBy, machineIdOf, noSshIsLeft, seenBy, SshHome } from "./openssh";

let lab: Lab;
let home: SshHome;
let host: LabHost;
let jump: LabHost;

beforeAll(async () => {
  lab = await Lab.create();
  [host, jump] = await Promise.all([lab.host("web-1"), lab.host("jump-1")]);
  home = await SshHome.make(lab);
});
afterAll(async () => {
  await lab.destroy();
  await home.remove();
});

const quickly = { timeouts: { connectSeconds: 2, operationSeconds: 20 } };

/** The error of the host by a config with these lines before what every test's has. */
async function failureWith(lines: string, changes: Parameters<typeof failureBy>[1] = quickly) {
  const configFile = await home.config(lines);
  const error = await failureBy({ host: "web-1", ssh: { configFile } }, changes);
  await noSshIsLeft(home);
  // Whatever ssh says, it is no proof that a host is gone.
  expect(error).toMatchObject({ host: "web-1", isGone: false, aftermath: "untouched", pins: {} });
  return error;
}

/** Sends nothing, and never ends. */
async function silentServer(): Promise<{ port: number; server: Server }> {
  const server = createServer(() => undefined).listen(0, "127.0.0.1");
  await once(server, "listening");
  return { port: (server.address() as { port: number }).port, server };
}

describe("a host that is not reached is dialled again, and then unreachable:", () => {
  it.each<{ how: string; lines: string; says: RegExp }>([
    {
      how: "a name that does not resolve",
      lines: "Host web-1\n  HostName web-1.invalid\n",
      says: /by ssh: Could not resolve hostname web-1\.invalid: .* \(\d attempts in \d s\)/,
    },
    {
      how: "a port that refuses",
      lines: "Host web-1\n  Port 1\n",
      says: /connect to host \S+ port 1: Connection refused/,
    },
    {
      how: "a bastion that refuses",
      lines: "Host web-1\n  ProxyJump jump-1\nHost jump-1\n  Port 1\n",
      says: /connect to host \S+ port 1: Connection refused/,
    },
    {
      how: "a ProxyCommand that fails",
      lines: "Host web-1\n  ProxyCommand sh -c 'echo the tunnel is down >&2; exit 1'\n",
      says: /the tunnel is down/,
    },
    {
      how: "a ProxyCommand that is not there",
      lines: "Host web-1\n  ProxyCommand no-such-tunnel %h\n",
      says: /no-such-tunnel: not found/,
    },
    {
      how: "a bastion that cannot reach it",
      lines: "Host web-1\n  ProxyJump jump-1\n  Port 1\n",
      says: /stdio forwarding failed/,
    },
  ])("$how", async ({ lines, says }) => {
    const error = await failureWith(lines);
    expect(error.kind).toBe("unreachable");
    expect(error.message).toMatch(says);
    const advice = error.withAdvice(pulumiAdvice);
    expect(advice).toContain("no policy forgets it");
    expect(advice).toContain("PULUMI_LVS_DR_FORGET=web-1");
  });

  it("one that is silent, at TCP or after it, itself or its bastion", async () => {
    const { port, server } = await silentServer();
    await host.cut();
    try {
      const silent = await failureWith("");
      const behind = await failureWith("Host web-1\n  ProxyJump jump-1\n");
      const at = `HostName 127.0.0.1\n  Port ${port}\n`;
      const mute = await failureWith(`Host web-1\n  ${at}`);
      const bastion = await failureWith(`Host web-1\n  ProxyJump jump-1\nHost jump-1\n  ${at}`);
      for (const error of [silent, behind, mute, bastion]) {
        expect(error.kind).toBe("unreachable");
        expect(error.message).toMatch(/no answer for [\d.]+ s, from the host or its login shell/);
      }
      // ssh's own limit is the shorter one.
      const configFile = await home.config(`Host web-1\n  ConnectTimeout 1\n  ${at}`);
      const once = { host: "web-1", dialErrorLimit: 0, ssh: { configFile } };
      const limited = await failureBy(once);
      expect(limited.message).toMatch(/timed out/i);
    } finally {
      await host.mend();
      server.close();
    }
  });

  it("and is reached once it listens", async () => {
    const configFile = await home.config();
    await host.stopSsh();
    const said: string[] = [];
    const progress = (line: string): void => {
      said.push(line);
      if (line.includes("again")) void host.startSsh();
    };
    const machine = await seenBy({ host: "web-1", ssh: { configFile } }, { progress });
    expect(machine).toBe(await machineIdOf(host));
    expect(said[0]).toBe("dialling web-1 by ssh");
    expect(said[1]).toMatch(/^dialling web-1 by ssh again \(connect to host .*refused\)$/);
  });

  it("dialErrorLimit ends it", async () => {
    const configFile = await home.config("Host web-1\n  Port 1\n");
    const error = await failureBy({ host: "web-1", dialErrorLimit: 1, ssh: { configFile } });
    expect(error.message).toContain("(2 attempts in 1 s, as many as dialErrorLimit allows)");
  });
});

describe("a host key", () => {
  const cases: { how: string; key: () => string; says: RegExp; jumps?: boolean }[] = [
    {
      how: "unknown",
      key: () => "",
      says: /Host key verification failed\..* A key that ssh says nothing more of is one that it does not know/,
    },
    {
      how: "changed",
      key: () => `web-1,${host.address} ${jump.hostKey}\n`,
      says: /Host key for .* has changed/,
    },
    {
      how: "revoked",
      key: () => `@revoked * ${host.hostKey}\nweb-1,${host.address} ${host.hostKey}\n`,
      says: /revoked/i,
    },
    {
      how: "of a bastion, unknown",
      key: () => `web-1,${host.address} ${host.hostKey}\n`,
      says: /Host key verification failed\..* A key that ssh says nothing more of is one that it does not know/,
      jumps: true,
    },
  ];
  it.each(cases)("that is $how is refused at once", async ({ key, says, jumps }) => {
    await home.file("known_hosts", key());
    const lines = jumps ? "Host web-1\n  ProxyJump jump-1\n" : "";
    const error = await failureWith(lines, {}).finally(() => home.know(...lab.hosts));
    expect(error.kind).toBe("host-key");
    expect(error.message).toMatch(says);
    expect(error.message).toContain("ompare the fingerprint on the host's console");
  });

  it("that the connection names is the only one, whatever known hosts say", async () => {
    const configFile = await home.config(
      "Host *\n  VerifyHostKeyDNS yes\n  StrictHostKeyChecking no\n",
    );
    const ssh = { configFile };
    await home.file("known_hosts", `* ${jump.hostKey}\n`);
    const { hostKey } = host;
    expect(await seenBy({ host: "web-1", hostKey, ssh })).toBe(await machineIdOf(host));
    await home.know(host, jump);
    const error = await failureBy({ host: "web-1", hostKey: jump.hostKey, ssh });
    expect(error.kind).toBe("host-key");
    expect(error.message).toContain("put its new key in connection.hostKey");
  });

  it("that the connection names is not the bastion's", async () => {
    const configFile = await home.config("Host web-1\n  ProxyJump jump-1\n");
    const { hostKey } = host;
    const ssh = { configFile };
    expect(await seenBy({ host: "web-1", hostKey, ssh })).toBe(await machineIdOf(host));
    // The bastion is still judged, by known hosts.
    await home.know(host);
    const error = await failureBy({ host: "web-1", hostKey, ssh }).finally(() =>
      home.know(...lab.hosts),
    );
    expect(error.kind).toBe("host-key");
  });

  it("of a bastion is asked of nobody, in a terminal and with an askpass set", async () => {
    const asked = home.path("asked");
    const askpass = await home.file("askpass", `#!/bin/sh\ntouch ${asked}\necho yes\n`);
    await chmod(askpass, 0o700);
    await home.know(host);
    const configFile = await home.config("Host web-1\n  ProxyJump jump-1\n");
    const environment = `SSH_ASKPASS=${askpass} SSH_ASKPASS_REQUIRE=force DISPLAY=:9`;
    const words = ["src/cli/cli.ts", "inspect", "-F", configFile, "--timeout", "20", "web-1"];
    const line = `${environment} ${process.execPath} --import tsx ${words.join(" ")}`;
    const started = performance.now();
    // The terminal has somebody who says yes to all.
    const { stdout, status } = await command("script", ["-qec", line, "/dev/null"], {
      input: "yes\n".repeat(20),
      allowFailure: true,
    }).finally(() => home.know(...lab.hosts));
    expect(status).toBe(2);
    expect(stdout).toContain("Host key verification failed");
    expect(stdout).not.toContain("continue connecting");
    expect(performance.now() - started).toBeLessThan(20_000);
    await expect(command("test", ["-e", asked])).rejects.toThrow();
  });
});

describe("a login that is refused", () => {
  it("is not tried again, and says what is missing", async () => {
    const unknown = await failureWith(
      `Host web-1\n  IdentityFile ${lab.keys.unknown.path}\n  IdentitiesOnly yes\n  User nobodyknows\n`,
      {},
    );
    expect(unknown.kind).toBe("authentication");
    expect(unknown.message).toMatch(
      /^web-1 does not let ssh in: nobodyknows@\S+: Permission denied \(publickey,password\)\. Does "ssh web-1" work/,
    );
  });

  it("at a bastion is one, too", async () => {
    const error = await failureWith(
      "Host web-1\n  ProxyJump jump-1\nHost jump-1\n  User nobodyknows\n",
      {},
    );
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("nobodyknows@");
  });

  it("for want of a passphrase, which nobody is asked for", async () => {
    const configFile = await home.file(
      "bare",
      `Host *\n  UserKnownHostsFile ${home.path("known_hosts")}\n`,
    );
    const privateKeyFile = lab.keys.encrypted.path;
    const connection = { host: host.address, user: "root", privateKeyFile, ssh: { configFile } };
    const error = await failureBy(connection);
    expect(error.kind).toBe("authentication");
    expect(error.message).toContain("a passphrase");
  });
});

describe("an ssh", () => {
  it("that is not there is missed by name", async () => {
    const error = await failureBy({ host: "web-1", ssh: { command: "no-such-ssh" } });
    expect(error.kind).toBe("unsupported");
    expect(error.message).toContain("there is no no-such-ssh: install the OpenSSH client");
  });

  it.each([
    ["OpenSSH_7.5p1 Debian-10, OpenSSL 1.0.2", "is OpenSSH_7.5p1 Debian-10"],
    ["Dropbear v2022.83", "is Dropbear v2022.83"],
    ["", "silent about its version"],
  ])("that says %j is too old, or none", async (version, says) => {
    const ssh = await home.file("old-ssh", `#!/bin/sh\necho '${version}' >&2\n`);
    await chmod(ssh, 0o700);
    const error = await failureBy({ host: "web-1", ssh: { command: ssh } });
    expect(error.kind).toBe("unsupported");
    expect(error.message).toContain("connection.ssh needs OpenSSH 7.6 or later");
    expect(error.message).toContain(says);
  });
});
