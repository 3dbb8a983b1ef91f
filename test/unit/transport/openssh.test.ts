import fc from "fast-check";
import { describe, expect, it } from "vitest";

import { excerpt, lastWords } from "../../../src/domain/terminal";
import type { OpensshConnection } from "../../../src/transport/connection";
import { forwardArguments, sshArguments } from "../../../src/transport/openssh/arguments";
import { readClient } from "../../../src/transport/openssh/client";
import { configText, forcedOptions, sshOptionProblem } from "../../../src/transport/openssh/config";
import { sshEnvironment } from "../../../src/transport/openssh/process";
import {
  readEnd,
  readNotConnected,
  saysConnected,
  withoutLog,
} from "../../../src/transport/openssh/words";

const old = { command: "ssh", knows: () => false };
const current = { command: "ssh", knows: () => true };
const files = { config: "/config", knownHosts: undefined, shown: {} };
const least: OpensshConnection = { host: "web-1", dialErrorLimit: -1, ssh: { command: "ssh" } };

/** The options of an argument list, in their order. */
function optionsOf(words: readonly string[]): string[] {
  return words.filter((_, index) => words[index - 1] === "-o");
}

describe("the arguments of ssh", () => {
  it("are its config, what must hold, the host and the command, and nothing that is not given", () => {
    const words = sshArguments(least, current, files, "exec sh");
    expect(words.slice(0, 2)).toEqual(["-F", "/config"]);
    expect(words.slice(-3)).toEqual(["--", "web-1", "exec sh"]);
    expect(optionsOf(words)).toEqual(forcedOptions(() => true).map((option) => option.join("=")));
  });

  it("have what is given after what must hold, and the user's options after that", () => {
    const given = {
      ...{ port: 2222, user: "deploy", privateKeyFile: "/my keys/50%", agentSocketPath: "/agent" },
      ...{ knownHostsFile: "/known", perDialTimeout: 0 },
      ssh: { command: "ssh", options: ["User=x", "Compression yes"] },
    };
    const words = sshArguments({ ...least, ...given }, old, files, "c");
    expect(optionsOf(words).slice(forcedOptions(() => false).length)).toEqual([
      ...["Port=2222", 'User="deploy"', 'IdentityFile="/my keys/50%%"', "IdentitiesOnly=yes"],
      ...['IdentityAgent="/agent"', 'UserKnownHostsFile="/known"', "ConnectTimeout=none"],
      ...["User=x", "Compression yes"],
    ]);
  });

  it("leave no other source of host keys where one is given", () => {
    const given = { ...least, hostKey: "ssh-ed25519 AAAA", knownHostsFile: "/known" };
    const words = sshArguments(given, current, { ...files, knownHosts: "/only" }, "c").join(" ");
    expect(words).toContain("-o UserKnownHostsFile=/only -o GlobalKnownHostsFile=/dev/null");
    expect(words).toContain("KnownHostsCommand=none");
    expect(words).toContain("StrictHostKeyChecking=yes");
    expect(words).not.toContain("/known ");
    const before85 = sshArguments(given, old, { ...files, knownHosts: "/only" }, "c").join(" ");
    expect(before85).not.toContain("KnownHostsCommand");
  });
});

describe("the arguments of an ssh that is a connection of the host's own", () => {
  it("are those of a login but for its command, and its log tells all", () => {
    const words = forwardArguments(least, current, files, { address: "2001:db8::10", port: 80 });
    const login = sshArguments(least, current, files, "c");
    expect(words.slice(-4)).toEqual(["-W", "[2001:db8::10]:80", "--", "web-1"]);
    expect(optionsOf(words)).toEqual(["LogLevel=DEBUG2", ...optionsOf(login)]);
  });
});

describe("the config file", () => {
  it("has what must hold first, then the user's and the machine's, then the defaults for everybody", () => {
    const text = configText({
      forced: [["BatchMode", "yes"]],
      includes: ["~/.ssh/config", "/b c"],
    });
    expect(text.split("\n")).toEqual([
      ...["BatchMode yes", 'Include "~/.ssh/config"', 'Include "/b c"', "Match all"],
      ...["ConnectTimeout 15", "ServerAliveInterval 5", "ServerAliveCountMax 3", ""],
    ]);
  });
});

describe("a client", () => {
  const listing = "host localhost\nstdinnull no\nsessiontype default\nlogverbose none\n";

  it.each([
    ["OpenSSH_9.2p1 Debian-2+deb12u10, OpenSSL 3.0.19", true],
    ["OpenSSH_8.7p1, OpenSSL 3.0.1", true],
    ["OpenSSH_8.6p1", false],
    ["OpenSSH_10.0p2", true],
    ["OpenSSH_for_Windows_8.1p1, LibreSSL 3.0.2", false],
  ])("that is %s has ForkAfterAuthentication: %s", (version, has) => {
    const client = readClient(version, listing);
    expect(client?.knows("ForkAfterAuthentication")).toBe(has);
    expect(client?.knows("StdinNull")).toBe(true);
    expect(readClient(version, "host localhost\n")?.knows("StdinNull")).toBe(false);
  });

  it.each(["OpenSSH_7.5p1", "OpenSSH_6.6.1", "Dropbear v2022.83", "", "OpenSSH_x"])(
    "that says %j is none for us",
    (version) => expect(readClient(version, listing)).toBeUndefined(),
  );
});

describe("an option of the user's", () => {
  it.each(["ConnectTimeout=20", "HostName = 10.0.0.1", "Compression yes", "batchmode=YES"])(
    "may be %j",
    (option) => expect(sshOptionProblem(option)).toBeUndefined(),
  );

  it.each([
    ["ControlMaster=auto", 'has no effect: "ControlMaster no" always holds here'],
    ["requesttty force", 'has no effect: "requesttty no" always holds here'],
    ["Host=x", "belongs in a file; give it as configFile"],
    ["Match all", "belongs in a file; give it as configFile"],
    ["-v", "is not an option as in ssh_config, Keyword=value"],
    ["", "is not an option as in ssh_config, Keyword=value"],
    ["User=a\nb", "is not an option as in ssh_config, Keyword=value"],
    ["User=a\u0007b", "holds a line break or another control character"],
  ])("may not be %j", (option, problem) => expect(sshOptionProblem(option)).toBe(problem));
});

describe("the last words of ssh", () => {
  it.each([
    ["root@h: Permission denied (publickey,password).", "authentication"],
    [
      "Received disconnect from 10.0.0.1 port 22:2: Too many authentication failures",
      "authentication",
    ],
    ["Host key verification failed.", "host-key"],
    ["Host key verification failed.\nConnection closed by UNKNOWN port 65535", "host-key"],
    [
      "/c: line 3: Bad configuration option: prot\n/c: terminating, 1 bad configuration options",
      "failed",
    ],
    ['/c line 3: unsupported option "x".', "failed"],
    ["command-line line 0: Bad number '-1'.", "failed"],
    ["Bad owner or permissions on /home/u/.ssh/config", "failed"],
    ["stdio forwarding failed\nConnection closed by UNKNOWN port 65535", "again"],
    ["Unable to negotiate with 10.0.0.1 port 22: no matching host key type found.", "unsupported"],
    ["ssh: connect to host h port 22: Connection refused", "again"],
    [
      "/bin/bash: line 1: exec: tunnel: not found\nConnection closed by UNKNOWN port 65535",
      "again",
    ],
    ["sh: 1: /opt/tunnel: Permission denied\nConnection closed by UNKNOWN port 65535", "again"],
    ["", "again"],
    ["root@h: Permission denied (keyboard-interactive).", "authentication"],
    ["kex_exchange_identification: Connection closed by remote host", "again"],
    [
      "stdio forwarding failed\nkex_exchange_identification: Connection closed by remote host",
      "again",
    ],
  ])("%j are of the kind %s", (printed, kind) => {
    const end = readEnd(printed, "status 255");
    expect(end.kind).toBe(kind);
    expect(end.hungUp).toBe(printed.startsWith("kex_"));
    expect(end.asksForMore).toBe(printed.includes("(keyboard-interactive)"));
  });

  it("are quoted without what frames them, and its end is told where there are none", () => {
    const frame = "@".repeat(59);
    const printed = `${frame}\n@    WARNING: CHANGED    @\n${frame}\nssh: the fingerprint\r\n`;
    expect(readEnd(printed, "status 255").words).toBe("the fingerprint");
    expect(readEnd(" \n", "SIGKILL").words).toBe("it ended with SIGKILL, and says nothing");
  });

  it("are fit for a terminal, whatever they are", () => {
    const printed = fc.string({ unit: "binary", maxLength: 9000 });
    fc.assert(
      fc.property(printed, (text) => {
        const { words } = readEnd(text, "status 255");
        expect(lastWords(words)).toBe(words);
        expect(words).not.toBe("");
        expect(excerpt(words).length).toBeGreaterThan(0);
      }),
    );
  });
});

describe("what ssh -W prints at DEBUG2", () => {
  const before =
    "debug1: Connecting to 10.0.0.1 port 22.\r\ndebug2: fd 3 setting O_NONBLOCK\r\n" +
    'Authenticated to 10.0.0.1 ([10.0.0.1]:22) using "publickey".\r\n';
  const confirmed = "debug2: channel 0: open confirm rwindow 2097152 rmax 32768\r\n";

  it("says that the host is connected, in a line of its own", () => {
    expect(saysConnected(before + confirmed)).toBe(true);
    expect(saysConnected(before)).toBe(false);
    expect(saysConnected(`${before}banner: ${confirmed}`)).toBe(false);
  });

  it.each([
    [
      "channel 0: open failed: connect failed: Connection refused\r\nstdio forwarding failed\r\n",
      { kind: "not-connected", words: "Connection refused" },
    ],
    [
      "channel 0: open failed: connect failed\r\n",
      { kind: "not-connected", words: "connect failed" },
    ],
    [
      "channel 0: open failed: administratively prohibited: open failed\r\nstdio forwarding failed\r\n",
      { kind: "forbidden", words: "administratively prohibited: open failed" },
    ],
    ["ssh: connect to host h port 22: Connection refused\r\n", undefined],
    // A jump has said so, and not the host.
    ["stdio forwarding failed\r\nConnection closed by UNKNOWN port 65535\r\n", undefined],
  ])("says of a host that is not: %j", (printed, told) => {
    expect(readNotConnected(before + printed)).toEqual(told);
  });

  it("has ssh's words without its log", () => {
    const words = "root@h: Permission denied (publickey).\r\n";
    expect(withoutLog(before + words + "debug1: Exit status -1\r\n")).toBe(words);
  });
});

describe("the environment of ssh", () => {
  it("has nothing of Pulumi's and of the command's, and nobody to ask", () => {
    const environment = {
      ...{ PATH: "/bin", SSH_AUTH_SOCK: "/agent", AWS_PROFILE: "p", DISPLAY: ":0" },
      ...{ PULUMI_CONFIG_PASSPHRASE: "s", PULUMI_LVS_DR_SUDO_PASSWORD: "s", SSH_ASKPASS: "/x" },
      SSH_ASKPASS_REQUIRE: "force",
    };
    expect(sshEnvironment(environment)).toEqual({
      ...{ PATH: "/bin", SSH_AUTH_SOCK: "/agent", AWS_PROFILE: "p", DISPLAY: ":0" },
      SSH_ASKPASS_REQUIRE: "never",
    });
  });
});
