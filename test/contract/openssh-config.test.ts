// What a user's config may say: all of it does its work or no harm.
import { chmod } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { failureBy, machineIdOf, noSshIsLeft, seenBy, SshHome } from "./openssh";

let lab: Lab;
let home: SshHome;
let host: LabHost;

beforeAll(async () => {
  lab = await Lab.create();
  [host] = await Promise.all([lab.host("web-1"), lab.host("jump-1"), lab.host("jump-2")]);
  home = await SshHome.make(lab);
});
afterAll(async () => {
  await lab.destroy();
  await home.remove();
});

/** ssh reaches the host by a config with these lines before what every test's has. */
async function reaches(lines: string, alias = "web-1"): Promise<void> {
  const configFile = await home.config(lines.replaceAll("HOME", home.folder));
  expect(await seenBy({ host: alias, ssh: { configFile } })).toBe(await machineIdOf(host));
  // None outlives its operation, and no master of anybody's does.
  await noSshIsLeft(home);
}

describe("a config does its work:", () => {
  it.each<{ does: string; lines: string; alias?: string }>([
    {
      does: "aliases",
      alias: "w",
      lines: "Host w\n  HostName ADDRESS\n  Port 22\n  HostKeyAlias web-1\n",
    },
    { does: "Include", alias: "w", lines: "Include HOME/more\n" },
    {
      does: "Match exec",
      alias: "w",
      lines: 'Match host w exec "test -d HOME"\n  HostName ADDRESS\n',
    },
    { does: "ProxyJump", lines: "Host web-1\n  ProxyJump jump-1\n" },
    { does: "two jumps", lines: "Host web-1\n  ProxyJump jump-1,jump-2\n" },
    {
      does: "a jump by way of a jump",
      lines: "Host web-1\n  ProxyJump jump-2\nHost jump-2\n  ProxyJump jump-1\n",
    },
    {
      does: "ProxyCommand",
      lines: "Host web-1\n  ProxyCommand ssh -F HOME/config -W %h:%p jump-1\n",
    },
    {
      does: "a ProxyCommand that is no ssh",
      lines: "Host web-1\n  ProxyCommand busybox nc %h %p\n",
    },
  ])("$does", async ({ lines, alias }) => {
    await home.file("more", `Host w\n  HostName ${host.address}\n`);
    await reaches(lines.replaceAll("ADDRESS", host.address), alias);
  });

  it("its options give in to those of the connection, and the machine's to both", async () => {
    const configFile = await home.config("Host web-1\n  Port 1\n  User nobody\n");
    const ssh = { configFile, options: ["User=root"] };
    expect(await seenBy({ host: "web-1", port: 22, ssh })).toBe(await machineIdOf(host));
  });

  it("an option is for the host alone, and no bastion hears it", async () => {
    const configFile = await home.config(
      "Host web-1\n  ProxyJump jump-1\nHost jump-1\n  User deploy\n",
    );
    const options = ["User=root", `HostKeyAlias=${host.address}`, "HostName = " + host.address];
    expect(await seenBy({ host: "web-1", ssh: { configFile, options } })).toBe(
      await machineIdOf(host),
    );
  });
});

describe("a config does no harm:", () => {
  it.each([
    "ControlMaster auto\nControlPath HOME/cm-%C\nControlPersist 60",
    "RemoteCommand sleep 60",
    "RequestTTY force",
    "StdinNull yes",
    "SessionType none",
    "ForkAfterAuthentication yes",
    "LogVerbose *",
    "LogLevel DEBUG3",
    "LogLevel QUIET",
    "VisualHostKey yes",
    "LocalForward 127.0.0.1:1 127.0.0.1:1\nExitOnForwardFailure yes",
    "DynamicForward 127.0.0.1:1\nExitOnForwardFailure yes",
    "Tunnel yes\nExitOnForwardFailure yes",
    "ForwardAgent yes",
    "ForwardX11 yes\nForwardX11Trusted yes",
    "PermitLocalCommand yes\nLocalCommand sleep 60",
    "IgnoreUnknown UseKeychain\nUseKeychain yes",
    "EscapeChar ~",
    "BatchMode no",
    "AddKeysToAgent yes",
    "UpdateHostKeys ask",
    "SendEnv *",
    "ServerAliveInterval 0",
    "Compression yes",
    "CanonicalizeHostname always",
  ])("%s, for the host and for a bastion", async (lines) => {
    await reaches(`${lines}\nHost web-1\n  ProxyJump jump-1\n`);
  });

  it.each(["Host nobody-*", "Host nobody-*\n  RequestTTY force\nMatch host nobody"])(
    "a file that ends in a block of another host: %s",
    async (lines) => {
      await home.config();
      const configFile = await home.file("ends", `Include ${home.path("config")}\n${lines}\n`);
      expect(await seenBy({ host: "web-1", ssh: { configFile } })).toBe(await machineIdOf(host));
    },
  );
});

describe("a config file", () => {
  it("may have any name", async () => {
    await home.config();
    for (const name of ["with a blank", "50%", "[a]*?", "$HOME", "a#b"]) {
      const configFile = await home.file(name, `Include ${home.path("config")}\n`);
      expect(await seenBy({ host: "web-1", ssh: { configFile } }), name).toBe(
        await machineIdOf(host),
      );
    }
  });

  it("that is not there is missed at once", async () => {
    const error = await failureBy({ host: "web-1", ssh: { configFile: home.path("none") } });
    expect(error.kind).toBe("failed");
    expect(error.message).toBe(
      `web-1: connection.ssh.configFile: cannot read ${home.path("none")}: there is no such file. Nothing was touched.`,
    );
  });

  it("may be written by its group, as in many a work tree", async () => {
    const configFile = await home.config("", "shared");
    await chmod(configFile, 0o664);
    expect(await seenBy({ host: "web-1", ssh: { configFile } })).toBe(await machineIdOf(host));
  });

  it("that ssh cannot read is named with ssh's own words, at once", async () => {
    const configFile = await home.config("Host web-1\n  Prot 22\n", "misspelt");
    const error = await failureBy({ host: "web-1", ssh: { configFile } });
    expect(error.kind).toBe("failed");
    expect(error.message).toContain(
      `web-1: ssh cannot connect: ${configFile}: line 2: Bad configuration option: prot`,
    );
  });
});
