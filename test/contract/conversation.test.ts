import { accessBy } from "../../src/transport/access";
import { pulumiAdvice } from "../../src/pulumi/advice";
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";

import { converge, look, withdraw } from "../../src/operation/converge";
import type { Claim } from "../../src/plan/claim";
import type { Operation } from "../../src/operation/session";
import { RealServerError } from "../../src/domain/errors";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { connectionTo, type Changes } from "./ssh-connection";

const VIP = "203.0.113.10";
const claim: Claim = {
  owner: "web-1",
  incarnation: "0001",
  vips: [{ family: 4, address: VIP }],
  arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
  saved: [],
};
const LEAVING = { sysctls: "restore" } as const;

let lab: Lab;
beforeAll(async () => (lab = await Lab.create()));
afterAll(() => lab.destroy());

const operation = (host: LabHost, changes: Changes = {}): Operation => ({
  ...accessBy(connectionTo(lab, host, changes)),
  pins: {},
  timeouts: { connectSeconds: 20, operationSeconds: 40 },
  signal: new AbortController().signal,
  progress: () => undefined,
  warn: () => undefined,
});

/** The error of an operation that must fail. */
async function errorOf(work: Promise<unknown>): Promise<RealServerError> {
  const error: unknown = await work.then(
    () => "no error",
    (reason: unknown) => reason,
  );
  if (error instanceof RealServerError) return error;
  throw new Error(`not an error of ours: ${String(error)}`);
}

/** What of ours is on a host. */
async function traces(host: LabHost): Promise<string> {
  const lines = "ip -o addr show dev lo | grep lo:dr; ls -Ad /var/lib/lvs-dr; :";
  return (await host.run(lines)).stdout;
}

describe.each([
  { shell: "dash", ip: "iproute2", user: "root" },
  { shell: "bash", ip: "iproute2", user: "deploy" },
  { shell: "busybox", ip: "busybox", user: "operator" },
] as const)("a chatty host with $shell, the ip of $ip, and the user $user", (one) => {
  it("is understood between a banner and what its login prints", async () => {
    const host = await lab.host(`chatty-${one.shell}`, one);
    await host.run(`
      echo "Authorized use only" >/etc/banner
      echo "Banner /etc/banner" >>/etc/ssh/lab_sshd_config
      for home in /root /home/*; do echo 'echo Welcome; echo to all >&2' >$home/.bashrc; done
      echo 'echo "2 updates"; echo "can be applied" >&2' >/etc/ssh/sshrc`);
    await host.stopSsh();
    await host.startSsh();
    const sudoPassword = one.user === "operator" ? lab.passwords.login : undefined;
    const way = operation(host, { user: one.user, sudo: one.user !== "root", sudoPassword });
    const report = await converge(way, claim);
    expect(report).toMatchObject({ drift: [], bindings: [{ address: VIP }] });
    expect(await traces(host)).toContain(VIP);
    await withdraw(way, claim, LEAVING);
    expect(await traces(host)).toBe("");
  });
});

describe("becoming root", () => {
  let host: LabHost;
  beforeAll(async () => (host = await lab.host("rootless")));

  it("has no password in the process list, nor in any environment", async () => {
    const changes = { user: "operator", sudo: true, sudoPassword: lab.passwords.login };
    const seen = await look(operation(host, changes), async () => {
      const processes = "cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' ' '";
      return (await host.run(processes)).stdout;
    });
    expect(seen).toContain("base64 -d | gzip -dc");
    expect(seen).toContain("sudo -k -S -p");
    expect(seen).not.toContain(lab.passwords.login);
  });

  it.each<[string, Changes, string]>([
    ["a wrong password", { user: "operator", sudo: true, sudoPassword: "wr0ng" }, "did not accept"],
    ["no password", { user: "operator", sudo: true }, "sudo must let operator run sh"],
    ["no right to it", { user: "nobodysudo", sudo: true }, "sudo must let nobodysudo run sh"],
    ["no wish for it", { user: "deploy", sudo: false }, "set connection.sudo, or connect as root"],
  ])("is refused with %s, and says what to do", async (_, changes, text) => {
    const error = await errorOf(converge(operation(host, changes), claim));
    expect(error).toMatchObject({ kind: "privilege", aftermath: "untouched" });
    expect(error.withAdvice(pulumiAdvice)).toContain(text);
    expect(error.message).toContain("Nothing was touched.");
    expect(error.message).not.toContain("wr0ng");
    expect(await traces(host)).toBe("");
  });
});

describe("a host that lacks what is needed", () => {
  it.each([
    { lacks: ["flock"], text: "the host lacks flock: install" },
    { lacks: ["ip", "sha256sum"], text: "the host lacks ip and sha256sum: install" },
  ])("is refused by name: $lacks", async ({ lacks, text }) => {
    const host = await lab.host(`without-${lacks.join("-")}`, { withoutTools: lacks });
    const error = await errorOf(converge(operation(host), claim));
    expect(error).toMatchObject({ kind: "unsupported", aftermath: "untouched" });
    expect(error.message).toContain(text);
    expect((await host.run("ls /var/lib")).stdout).toBe("");
  });

  it("is refused where its sshd does not tell who connects", async () => {
    const host = await lab.host("without-session", { shell: "bash" });
    await host.run("echo unset SSH_CONNECTION >/root/.bashrc");
    const error = await errorOf(converge(operation(host), claim));
    expect(error).toMatchObject({ kind: "unsupported", aftermath: "untouched" });
    expect(error.message).toContain("SSH_CONNECTION");
    expect(await traces(host)).toBe("");
  });
});

describe("an answer that gets lost", () => {
  let host: LabHost;
  beforeAll(async () => {
    host = await lab.host("lossy");
    // Each line of an answer passes here once, as $line; what /run/act does with it happens once.
    await host.run(`
      cat >/usr/local/bin/lossy <<'END'
#!/bin/bash
sh -c "$SSH_ORIGINAL_COMMAND" | while IFS= read -r line; do
  [ ! -e /run/act ] || . /run/act
  printf '%s\\n' "$line"
done
END
      chmod 755 /usr/local/bin/lossy
      echo 'ForceCommand /usr/local/bin/lossy' >>/etc/ssh/lab_sshd_config`);
    await host.stopSsh();
    await host.startSsh();
  });
  beforeEach(async () => {
    await withdraw(operation(host), claim, LEAVING);
    // Where nothing was to be withdrawn, the lock's folder goes with the shell, a moment later.
    await vi.waitFor(async () => expect(await traces(host)).toBe(""), { timeout: 5000 });
  });

  const on = (line: string, act: string) =>
    host.run("cat >/run/act", { input: `case $line in ${line}) rm /run/act; ${act};; esac\n` });
  const COMMITTED = "committed";
  const APPLIED = `*lo:dr*`;
  const GARBLE = "line=0";
  const DROP =
    'for p in $(pgrep sshd); do [ "$p" = "$(cat /run/sshd.pid)" ] || kill -9 "$p"; done; exit';

  it.each([
    ["garbled", GARBLE],
    ["dropped with the connection", DROP],
  ])("is asked for again when the commit's is %s", async (_, act) => {
    await on(COMMITTED, act);
    const report = await converge(operation(host), claim);
    expect(report).toMatchObject({ drift: [], bindings: [{ address: VIP }] });
    expect(await traces(host)).toContain(VIP);
  });

  it.each([
    ["garbled", GARBLE],
    ["dropped with the connection", DROP],
  ])("leaves the host as it was when it is %s before the commit", async (_, act) => {
    await on(APPLIED, act);
    const error = await errorOf(converge(operation(host), claim));
    expect(error).toMatchObject({ kind: "failed", aftermath: "rolled-back" });
    expect(error.message).toContain("The host was rolled back to what it was before.");
    expect(await traces(host)).toBe("");
  });

  it("does not make a commit a rollback when the host has drifted since", async () => {
    await on(COMMITTED, `ip addr del ${VIP}/32 dev lo; ${GARBLE}`);
    const report = await converge(operation(host), claim);
    expect(report.drift).toEqual([`lo: ${VIP}/32 not bound`]);
    expect(report.record).toBe("ours");
  });
});

describe("what would bite later", () => {
  it("is a warning, and the host converges all the same", async () => {
    const host = await lab.host("biting");
    await host.run(`
      ip addr add ${VIP}/32 dev lo
      echo 1 >/proc/sys/net/ipv6/conf/eth0/proxy_ndp
      printf '# ours\\nnet.ipv4.conf.all.arp_ignore = 0\\n' >/etc/sysctl.d/99-mine.conf`);
    const said: string[] = [];
    const way = { ...operation(host), warn: (text: string) => void said.push(text) };
    const vips = [...claim.vips, { family: 6, address: "2001:db8::10" }] as const;
    const report = await converge(way, { ...claim, vips });
    expect(report.drift).toEqual([]);
    expect(said).toEqual([
      expect.stringContaining("/etc/sysctl.d/99-mine.conf line 2 sets all arp_ignore to 0"),
      expect.stringContaining("proxy_ndp is set on eth0"),
      expect.stringContaining(`until now the host answered for ${VIP} on eth0`),
    ]);
  });
});
