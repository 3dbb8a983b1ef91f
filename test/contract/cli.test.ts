import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { spawn, spawnSync } from "node:child_process";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { parseCommandLine } from "../../src/cli/arguments";
import type { Inspection } from "../../src/inspect/types";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { COMMAND, typeCommand, type Run, type Surroundings } from "./command";
import { own, snapshot } from "./inspection";
import { SshHome } from "./openssh";

const VIP = "203.0.113.10";
const OTHER = "203.0.113.11";
const QUIET = `echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
  echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce`;

let lab: Lab;
/** The home of whoever types the command; no host is known there. */
let home: string;
beforeAll(async () => {
  lab = await Lab.create();
  home = await mkdtemp(join(tmpdir(), "cli-test-"));
});
afterAll(async () => {
  await lab.destroy();
  await rm(home, { recursive: true });
});

/** Types the command, as somebody whose environment is empty. */
const type = (words: readonly string[], around: Omit<Surroundings, "home"> = {}): Promise<Run> =>
  typeCommand(words, { home, ...around });

const key = (): string[] => ["-i", lab.keys.plain.path];
const at = (host: LabHost, user = "root"): string => `${user}@${host.address}`;

describe("inspect", () => {
  it("ends with 0 where nothing is wrong, and prints a table", async () => {
    const host = await lab.host("fine");
    await own(lab, host, "web", [VIP, "2001:db8::10"]);
    const { status, stdout } = await type(["inspect", ...key(), at(host)]);
    expect(status).toBe(0);
    expect(stdout).toMatch(new RegExp(`^  ${VIP}/32 +host +lo:dr +web$`, "m"));
    expect(stdout).toMatch(/^ {2}2001:db8::10\/128 +global +- +web$/m);
    expect(stdout).toMatch(/^ {2}eth0 +1 +2 +silent$/m);
    expect(stdout).toMatch(/^ {2}all arp_ignore +1 back to 0$/m);
    expect(stdout).toMatch(/^Wrong\n {2}nothing$/m);
  });

  it("ends with 1 where something leaks, and says what and why", async () => {
    const host = await lab.host("leaking");
    await own(lab, host, "web", [OTHER]);
    await host.run("echo 0 >/proc/sys/net/ipv4/conf/all/arp_announce");
    const { status, stdout } = await type(["inspect", ...key(), at(host)]);
    expect(status).toBe(1);
    expect(stdout).toContain(
      `${OTHER} is on lo, and eth0 may name it in requests of its own (effective arp_announce 0)`,
    );
  });

  it("ends with 1 where a VIP is stale, and has all of it as JSON", async () => {
    const host = await lab.host("stale");
    await host.run(`${QUIET}; ip addr add 203.0.113.20/32 dev lo scope host`);
    const { status, stdout } = await type(["inspect", "--json", ...key(), at(host)]);
    const seen = JSON.parse(stdout) as Inspection;
    expect(status).toBe(1);
    expect(Object.keys(seen)).toEqual([
      ...["ok", "host", "machineId", "hostKey", "vips", "staleVips", "owners", "boot", "nics"],
      ...["leaks", "selfRoutes", "savedSysctls", "director", "names", "warnings"],
    ]);
    expect(seen).toMatchObject({ ok: false, staleVips: ["203.0.113.20"], hostKey: host.hostKey });
  });

  it("follows names, and ends with 1 when one ends on the host's own lo", async () => {
    const host = await lab.host("names");
    await own(lab, host, "web", ["203.0.113.30"]);
    await host.run(`
      printf '203.0.113.30 own.example\\n198.51.100.1 away.example\\n' >>/etc/hosts`);
    const ask = (...names: string[]) =>
      type(["inspect", ...key(), ...names.flatMap((name) => ["--name", name]), at(host)]);
    const [harmless, trap] = [await ask("away.example"), await ask("away.example", "own.example")];
    expect(harmless.status).toBe(0);
    expect(harmless.stdout).toMatch(/^ {2}away\.example +198\.51\.100\.1 +not the host's$/m);
    expect(trap.status).toBe(1);
    // The lab's sshd listens on every address.
    expect(trap.stdout).toMatch(
      /^ {2}own\.example +203\.0\.113\.30 +on the host's own lo; TCP 22 listens$/m,
    );
    expect(trap.stdout).toContain("own.example ends on the host's own lo (203.0.113.30)");
  });

  it("ends with 2 where nobody answers, and gives no advice about stacks", async () => {
    const { status, stdout, stderr } = await type([
      ...["inspect", "--timeout", "1", "--json", ...key()],
      "127.0.0.254",
      ...["-p", "9"],
    ]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain("127.0.0.254:9 cannot be reached: connection refused");
    expect(stderr).not.toMatch(/PULUMI_LVS_DR_FORGET|--exclude/);
  });

  it("ends with 2 where the key is not let in", async () => {
    const host = await lab.host("closed");
    const { status, stderr } = await type(["inspect", "-i", lab.keys.unknown.path, at(host)]);
    expect(status).toBe(2);
    expect(stderr).toContain("does not let root in");
  });

  it("goes through a bastion and over IPv6", async () => {
    const [host, bastion] = [await lab.host("inner"), await lab.host("bastion")];
    const proxy = ["--proxy", `root@${bastion.address}:22`];
    const inner = await type(["inspect", ...key(), ...proxy, at(host)]);
    const ipv6 = await type(["inspect", ...key(), `root@[${host.address6}]`]);
    expect([inner.status, ipv6.status]).toEqual([0, 0]);
  });
});

describe("keys and passwords", () => {
  let host: LabHost;
  let known: string;
  beforeAll(async () => {
    host = await lab.host("secrets");
    known = join(home, "known");
    await writeFile(known, `${host.address} ${host.hostKey}\n`);
  });

  it("come from the user's own default key, also one that is encrypted", async () => {
    const folder = join(home, ".ssh");
    await mkdir(folder, { mode: 0o700 });
    try {
      await writeFile(join(folder, "id_ed25519"), lab.keys.encrypted.content, { mode: 0o600 });
      const without = await type(["inspect", at(host)]);
      expect(without.status).toBe(2);
      expect(without.stderr).toContain("no way to authenticate");
      const env = { PULUMI_LVS_DR_KEY_PASSPHRASE: lab.passwords.keyPassphrase };
      expect((await type(["inspect", at(host)], { env })).status).toBe(0);
      // The one that cannot be read is passed over.
      await writeFile(join(folder, "id_rsa"), lab.keys.rsa.content, { mode: 0o600 });
      expect((await type(["inspect", at(host)])).status).toBe(0);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it("come from the environment, for the login and for sudo", async () => {
    const { login } = lab.passwords;
    const env = { PULUMI_LVS_DR_PASSWORD: login, PULUMI_LVS_DR_SUDO_PASSWORD: login };
    const words = ["inspect", "--known-hosts", known, at(host, "operator")];
    expect((await type(words, { env })).status).toBe(0);
  });

  it("are not sent to a host that nobody knows", async () => {
    const env = { PULUMI_LVS_DR_PASSWORD: lab.passwords.login };
    const { status, stderr } = await type(["inspect", at(host)], { env });
    expect(status).toBe(2);
    expect(stderr).toContain("a password would go to whoever answers");
    expect(stderr).not.toContain(lab.passwords.login);
  });

  it("are not taken from the command line, nor shown again", async () => {
    const { status, stderr } = await type(["inspect", "root:hunter2@192.0.2.1"]);
    expect(status).toBe(2);
    expect(stderr).toContain("a password never stands on a command line");
    expect(stderr).not.toContain("hunter2");
  });

  it("are not needed where the host has another key than known hosts say: it is not talked to", async () => {
    const wrong = join(home, "wrong");
    await writeFile(wrong, `${host.address} ${lab.keys.unknown.publicKey}\n`);
    const { status, stderr } = await type(["inspect", "--known-hosts", wrong, ...key(), at(host)]);
    expect(status).toBe(2);
    expect(stderr).toContain("offers the host key");
  });
});

describe("what a host says", () => {
  // A title for the terminal's window, a line of its own, and an override of the reading direction.
  const HOSTILE = "\u001b]0;owned\u0007\u009b2Jweb\n  forged line\u202e\r";
  let host: LabHost;
  beforeAll(async () => {
    host = await lab.host("hostile");
    await own(lab, host, HOSTILE, [VIP]);
    await host.run(`ip addr add 203.0.113.40/32 dev lo label "$(printf 'lo:\\033[2J\\302\\233')"`);
  });

  const controls = /[^\P{Cc}\n]|[\p{Cf}\p{Zl}\p{Zp}]/u;

  it("reaches the terminal as text, each of it on its own line", async () => {
    const { status, stdout, stderr } = await type(["inspect", ...key(), at(host)]);
    expect(status).toBe(1);
    expect(stdout + stderr).not.toMatch(controls);
    expect(stdout).toContain("\\u{1b}]0;owned\\u{7}");
    expect(stdout).toContain("lo:\\u{1b}[2J");
    expect(stdout).not.toMatch(/^ *forged line/m);
  });

  it("is all there in the JSON, which is ASCII", async () => {
    const { stdout } = await type(["inspect", "--json", ...key(), at(host)]);
    expect(stdout).toMatch(/^[\n -~]*$/);
    const { owners, vips } = JSON.parse(stdout) as Inspection;
    expect(owners.map((one) => one.owner)).toEqual([HOSTILE]);
    expect(vips.map((vip) => vip.label)).toContain("lo:\u001b[2J\u009b");
  });

  it("reaches the terminal as text in an error too", async () => {
    const words = ["release", "--owner", "none", "--yes", ...key(), at(host)];
    const { status, stderr } = await type(words);
    expect(status).toBe(2);
    expect(stderr).toContain("web\\u{a}  forged line");
    expect(stderr).not.toMatch(controls);
  });
});

describe("release", () => {
  let host: LabHost;
  beforeAll(async () => {
    host = await lab.host("released");
    await own(lab, host, "first", [VIP, "2001:db8::10"]);
    await own(lab, host, "second", [VIP, OTHER], {
      arp: { ignore: 2, announce: 2, interfaces: "all", except: [] },
    });
  });
  const release = (...words: string[]) => type(["release", ...key(), ...words, at(host)]);
  const lo = async () => (await host.run("ip -o addr show dev lo")).stdout;
  /** The remote shell ends, and takes its folder with it, a moment after its last answer. */
  const left = () =>
    host.run(
      "i=0; while [ -e /var/lib/lvs-dr ]; do sleep 0.02; : $((i += 1)); [ $i -lt 500 ]; done",
      { shell: "/bin/sh -e" },
    );

  it("lists the owners when none has the name, and touches nothing", async () => {
    const before = await snapshot(host);
    const { status, stderr } = await release("--owner", "third", "--yes");
    expect(status).toBe(2);
    expect(stderr).toMatch(/^ {2}[0-9a-f]{32} first$/m);
    expect(stderr).toMatch(/^ {2}[0-9a-f]{32} second$/m);
    expect(await snapshot(host)).toBe(before);
  });

  it("does nothing where nobody can be asked, and says what it would do", async () => {
    const before = await snapshot(host);
    const { status, stderr } = await release("--owner", "second");
    expect(status).toBe(2);
    expect(stderr).toContain(`${OTHER}/32 leaves lo`);
    expect(stderr).toContain("--yes does not ask");
    expect(await snapshot(host)).toBe(before);
  });

  it("is undone by the host when it is interrupted, and says so", async () => {
    const before = await lo();
    // A sync that takes its time, so that there is a middle.
    await host.run(
      `printf '#!/bin/sh\\nsleep 1\\n' >/usr/local/bin/sync; chmod 755 /usr/local/bin/sync`,
    );
    const words = ["release", ...key(), "--owner", "second", "--yes", at(host)];
    const { status, stderr } = await type(words, { interruptedAt: "unbinding" });
    expect(status).toBe(130);
    expect(stderr).toContain("interrupted");
    // Whoever gets the lock comes after the one that was interrupted.
    await host.run("flock -x /var/lib/lvs-dr/lock rm /usr/local/bin/sync");
    expect((await lo()).split("\n").sort()).toEqual(before.split("\n").sort());
    expect((await host.run("ls /var/lib/lvs-dr/owners")).stdout.trim().split("\n")).toHaveLength(2);
  });

  it("takes back what is the owner's alone, and leaves the other as it is", async () => {
    const { stdout } = await type(["inspect", "--json", ...key(), at(host)]);
    const id = (JSON.parse(stdout) as Inspection).owners.find((one) => one.owner === "second")?.id;
    const { status, stderr } = await release("--owner", id ?? "", "--yes");
    expect(stderr).toContain("arp_ignore of all goes from 2 to 1");
    expect(stderr).toMatch(/^released$/m);
    expect(status).toBe(0);
    const after = await type(["inspect", "--json", ...key(), at(host)]);
    const seen = JSON.parse(after.stdout) as Inspection;
    expect(after.status).toBe(0);
    expect(seen.owners.map((one) => one.owner)).toEqual(["first"]);
    expect(seen.vips.map((vip) => vip.address)).toEqual([VIP, "2001:db8::10"]);
    expect(seen.nics[0]).toMatchObject({ ignore: 1, announce: 2 });
  });

  it("leaves nothing of the last owner, and the sysctls as they were", async () => {
    const { status } = await release("--owner", "first", "--yes");
    expect(status).toBe(0);
    await left();
    const { stdout } = await host.run(`ls /var/lib; ip -o addr show dev lo
      cat /proc/sys/net/ipv4/conf/all/arp_ignore /proc/sys/net/ipv4/conf/all/arp_announce`);
    expect(stdout).not.toMatch(/lvs-dr|203\.0\.113|2001:db8/);
    expect(stdout.trim().split("\n").slice(-2)).toEqual(["0", "0"]);
  });

  it("leaves the sysctls where that is asked for", async () => {
    await own(lab, host, "third", [VIP]);
    const { status, stderr } = await release("--owner", "third", "--yes", "--leave-sysctls");
    expect(status).toBe(0);
    expect(stderr).not.toContain("sysctlsOnDestroy");
    await left();
    const { stdout } = await host.run("cat /proc/sys/net/ipv4/conf/all/arp_ignore; ls /var/lib");
    expect(stdout).toBe("1\n");
  });

  it("asks at a terminal, and takes nothing but yes for a yes", async () => {
    await own(lab, host, "fourth", [VIP]);
    const line = [...COMMAND, "release", ...key(), "--owner", "fourth", at(host)].join(" ");
    const answered = async (answer: string) =>
      new Promise<{ status: number | null; text: string }>((done) => {
        const child = spawn("script", ["-qec", line, "/dev/null"], {
          env: { HOME: home, PATH: process.env["PATH"] },
        });
        let text = "";
        child.stdout.on("data", (chunk: Buffer) => {
          if (!text.includes("[y/N]") && (text + chunk.toString()).includes("[y/N]"))
            child.stdin.write(`${answer}\n`);
          text += chunk.toString();
        });
        child.on("close", (status) => done({ status, text }));
      });
    expect(await answered("")).toMatchObject({ status: 2 });
    const ended = await answered("\u0004");
    expect(ended).toMatchObject({ status: 2 });
    expect(ended.text).toContain("nothing was withdrawn");
    expect(await lo()).toContain(VIP);
    expect(await answered("y")).toMatchObject({ status: 0 });
    expect(await lo()).not.toContain(VIP);
  });
});

describe("--ssh", () => {
  it("goes by the user's own ssh and its config, for inspect and release alike", async () => {
    const host = await lab.host("by-ssh");
    await own(lab, host, "web", [VIP]);
    const ssh = await SshHome.make(lab);
    const alias = `Host web-1\n  HostName ${host.address}\n  HostKeyAlias by-ssh\n  User deploy\n`;
    const config = await ssh.config(alias);
    try {
      const seen = await type(["inspect", "--json", "-F", config, "web-1"]);
      expect(seen.stderr).toBe("");
      const inspection = JSON.parse(seen.stdout) as Inspection;
      expect(inspection).toMatchObject({ host: "web-1", vips: [{ address: VIP }] });
      expect(inspection).not.toHaveProperty("hostKey");
      const key = ["-i", lab.keys.plain.path, "--known-hosts", ssh.path("known_hosts")];
      const plain = await type(["inspect", "--ssh", ...key, at(host)]);
      expect(plain.status, plain.stderr).toBe(0);
      const released = await type(["release", "--owner", "web", "--yes", "-F", config, "web-1"]);
      expect(released.status, released.stderr).toBe(0);
      expect((await host.run("ip -o addr show dev lo")).stdout).not.toContain(VIP);
    } finally {
      await ssh.remove();
    }
  });

  it("is told sudo's password by the environment, and no other", async () => {
    const host = await lab.host("by-ssh-sudo");
    const ssh = await SshHome.make(lab);
    const key = ["-i", lab.keys.plain.path, "--known-hosts", ssh.path("known_hosts")];
    const { login } = lab.passwords;
    const env = { PULUMI_LVS_DR_SUDO_PASSWORD: login, PULUMI_LVS_DR_PASSWORD: login };
    const words = ["inspect", "--ssh", ...key, at(host, "operator")];
    const { status, stderr } = await type(words, { env });
    expect(status, stderr).toBe(0);
    await ssh.remove();
  });
});

describe("the command line", () => {
  it("explains itself, and tells its version", async () => {
    const [help, version] = [await type(["--help"]), await type(["--version"])];
    const file = await readFile(resolve(__dirname, "../../package.json"), "utf8");
    const { version: wanted, bin } = JSON.parse(file) as { version: string; bin: object };
    expect(help).toMatchObject({ status: 0, stderr: "" });
    expect(help.stdout).toContain("PULUMI_LVS_DR_SUDO_PASSWORD");
    expect(version).toMatchObject({ status: 0, stdout: `${wanted}\n` });
    expect(bin).toEqual({ "pulumi-lvs-dr": "dist/cli/cli.js" });
  });

  it.each([
    { words: [], why: "no command" },
    { words: ["destroy", "root@h"], why: "no such command" },
    { words: ["inspect"], why: "which host?" },
    { words: ["release", "--owner", "o", "a", "b"], why: "one host at a time" },
    { words: ["inspect", "--password", "x", "h"], why: "--password" },
    { words: ["inspect", "h:22"], why: "a port is given with -p, or as ssh://[user@]host:port" },
    { words: ["inspect", "-p", "x", "h"], why: "-p is not a whole number" },
    { words: ["inspect", "--yes", "h"], why: "inspect takes no --yes" },
    { words: ["inspect", "a", "root:x@b"], why: "a password never stands on a command line" },
    { words: ["inspect", "--at-once", "0", "h"], why: "--at-once is not a whole number from 1 to" },
    { words: ["release", "--hosts", "f", "h"], why: "release takes no --hosts" },
    { words: ["release", "h"], why: "release needs --owner" },
    { words: ["release", "--owner", "o", "--json", "h"], why: "release takes no --json" },
    { words: ["inspect", "-p", "70000", "h"], why: "-p is not a whole number from 1 to 65535" },
    { words: ["inspect", "-p", "0", "h"], why: "-p is not a whole number from 1 to 65535" },
    {
      words: ["inspect", "--timeout", "90000", "h"],
      why: "--timeout is not a whole number from 1",
    },
    { words: ["inspect", "ssh://root@h:0"], why: "the port is not a whole number from 1 to 65535" },
    { words: ["inspect", "ssh://root:x@h"], why: "a password never stands on a command line" },
    { words: ["inspect", "http://h/x"], why: "the host is to be [user@]host" },
    { words: ["inspect", "--ssh", "--proxy", "b", "h"], why: "--proxy does not go with --ssh" },
    { words: ["inspect", "[::1"], why: "the host is to be [user@]host" },
  ])("refuses $words", ({ words, why }) => {
    expect(() => parseCommandLine(words)).toThrow(why);
  });

  it("takes a destination as ssh does", () => {
    expect(parseCommandLine(["inspect", "ssh://deploy@[2001:db8::1]:2222"])).toMatchObject({
      hosts: [{ host: "2001:db8::1", user: "deploy", port: 2222 }],
    });
  });

  it("says in lines what Node says in lines, and nothing that a terminal would obey", async () => {
    const { status, stderr } = await type(["inspect", "-p", "-1", "h"]);
    expect(status).toBe(2);
    expect(stderr).not.toContain("\\u{a}");
    expect(stderr).toContain("-p");
  });

  it("is not done when nobody reads its report, or the disk is full", async () => {
    const host = await lab.host("report");
    const words = ["inspect", ...key(), at(host)].join(" ");
    const cli = COMMAND.join(" ");
    const env = { HOME: home, PATH: process.env["PATH"] ?? "" };
    const gone = spawnSync("bash", ["-c", `${cli} ${words} | true; echo \${PIPESTATUS[0]}`], {
      env,
    });
    expect(String(gone.stdout).trim()).toBe("2");
    expect(String(gone.stderr)).toContain("the report could not be written: nobody reads it");
    const full = spawnSync("bash", ["-c", `${cli} ${words} >/dev/full`], { env });
    expect(full.status).toBe(2);
    expect(String(full.stderr)).toContain("the report could not be written: the disk is full");
  });

  it("ends with 2, a reason and nothing on stdout where it is wrong", async () => {
    const { status, stdout, stderr } = await type(["inspect", ...key(), "--name", "$(x)", "h"]);
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr).toContain('"$(x)" is not a name to look up');
  });
});
