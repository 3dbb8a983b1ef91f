import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { LookedAt, Summary } from "../../src/inspect/summary";
import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { COMMAND, typeCommand, type Run, type Surroundings } from "./command";
import { own } from "./inspection";
import { SshHome } from "./openssh";

const VIP = "203.0.113.10";
const STALE = "203.0.113.99";
/** Each host is reached at all of them, so that three make thirty. */
const PORTS = Array.from({ length: 10 }, (_, index) => 2200 + index);
/** In seconds: so long whoever is dead is dialled, and so long a busy machine may take for who is not. */
const PATIENCE = "6";
/** Nobody listens there. */
const DEAD = Array.from({ length: 19 }, (_, index) => `ssh://127.0.0.254:${9 + index}`);

let lab: Lab;
let home: string;
let fine: LabHost;
let leaking: LabHost;
let stale: LabHost;
/** On the wire, and silent. */
let gone: LabHost;
beforeAll(async () => {
  lab = await Lab.create();
  home = await mkdtemp(join(tmpdir(), "many-test-"));
  const names = ["fine", "leaking", "stale", "gone"] as const;
  [fine, leaking, stale, gone] = (await Promise.all(names.map(async (name) => lab.host(name)))) as [
    ...[LabHost, LabHost, LabHost, LabHost],
  ];
  await Promise.all([own(lab, fine, "web", [VIP]), own(lab, leaking, "web", [VIP])]);
  await Promise.all([
    leaking.run("echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore"),
    stale.run(`echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
      echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
      ip addr add ${STALE}/32 dev lo scope host`),
    gone.cut(),
    ...[fine, leaking, stale].map(async (host) => {
      // sshd has 16 sockets at most, which both families do not go into.
      const ports = [22, ...PORTS].map((port) => `\\nPort ${port}`).join("");
      await host.editSshd(`1iAddressFamily inet${ports}`);
    }),
  ]);
});
afterAll(async () => {
  await lab.destroy();
  await rm(home, { recursive: true });
});

const type = (words: readonly string[], around: Omit<Surroundings, "home"> = {}): Promise<Run> =>
  typeCommand(["inspect", "--timeout", PATIENCE, "-i", lab.keys.plain.path, ...words], {
    home,
    ...around,
  });

interface Report {
  readonly hosts: readonly LookedAt[];
  readonly summary: Summary;
}
const reportOf = ({ stdout }: Run) => JSON.parse(stdout) as Report;

describe("fifty hosts, some of them not to be reached", () => {
  const everywhere = (host: LabHost) => PORTS.map((port) => `ssh://${host.address}:${port}`);
  const named = (host: LabHost) => PORTS.map((port) => `${host.address}:${port}`);
  let run: Run;
  let json: Run;
  beforeAll(async () => {
    const list = [
      ...["# web", ...everywhere(fine), "", ...everywhere(leaking), ...everywhere(stale)],
      ...["# nobody", ...DEAD, `root@${gone.address}`, `deploy@${gone.address} # again`],
    ].join("\n");
    const file = join(home, "hosts");
    await writeFile(file, list);
    run = await type(["--at-once", "32", "--hosts", file]);
    json = await type(["--hosts", "-", "--at-once", "24", "--json"], { stdin: list });
  });

  it("make a table each, and one summary", () => {
    expect(run.stdout.match(/^\S+: machine /gm)).toHaveLength(30);
    const summary = run.stdout.slice(run.stdout.indexOf("50 hosts: "));
    expect(summary).toContain("50 hosts: 10 fine, 20 with something wrong, 20 not inspected\n");
    expect(summary).toContain(
      `${VIP}  on lo  20     ${[...named(fine), ...named(leaking)].join(" ")}\n`,
    );
    for (const host of named(leaking))
      expect(summary).toContain(`${host}  ${VIP} is on lo, and eth0 answers ARP for it`);
    for (const host of named(stale))
      expect(summary).toMatch(new RegExp(`^  ${host} +${STALE}$`, "m"));
    expect(summary).toMatch(/^ {2}127\.0\.0\.254:9 +unreachable +.*connection refused/m);
    expect(summary).toMatch(new RegExp(`^  ${gone.address} +unreachable +`, "m"));
    expect(summary).toMatch(new RegExp(`inspected once\n  ${gone.address}\n$`));
  });

  it("end with the worst of their statuses", async () => {
    expect([run.status, json.status]).toEqual([2, 2]);
    const [good, bad] = [fine.address, leaking.address];
    expect((await type([good, stale.address, bad])).status).toBe(1);
    expect((await type([good, `ssh://${good}:2200`])).status).toBe(0);
  });

  it("are one JSON document, in their order, those that were not reached with why", () => {
    const { hosts, summary } = reportOf(json);
    expect(hosts).toHaveLength(50);
    expect(hosts.slice(0, 30).map(({ host }) => host)).toEqual(
      [fine, leaking, stale].flatMap((host) => named(host)),
    );
    expect(hosts[0]?.inspection).toMatchObject({ ok: true, host: fine.address });
    expect(hosts.slice(30).map(({ error }) => error?.kind)).toEqual(
      Array.from({ length: 20 }, () => "unreachable"),
    );
    expect(summary).toMatchObject({ ok: false, fine: named(fine), repeated: [gone.address] });
    expect(summary.vips).toEqual([
      { address: VIP, onLo: [...named(fine), ...named(leaking)], missing: [], directors: [] },
      { address: STALE, onLo: named(stale), missing: [], directors: [] },
    ]);
  });
});

describe("a list of one host", () => {
  it("is a list, so that a program gets one form whatever is in its file", async () => {
    const { status, stdout } = await type(["--json", "--hosts", "-"], { stdin: fine.address });
    const report = JSON.parse(stdout) as Report;
    expect(status).toBe(0);
    expect(Object.keys(report)).toEqual(["hosts", "summary"]);
    expect(report.summary).toMatchObject({ ok: true, fine: [fine.address] });
  });
});

describe("several hosts", () => {
  it("are reached by one's own ssh and its aliases, too", async () => {
    const ssh = await SshHome.make(lab);
    const alias = (name: string, host: LabHost) =>
      `Host ${name}\n  HostName ${host.address}\n  HostKeyAlias ${host.name}\n  User deploy\n`;
    const config = await ssh.config(alias("web-1", fine) + alias("web-2", leaking));
    const words = ["inspect", "--json", "--timeout", PATIENCE, "-F", config, "web-1", "web-2"];
    const run = await typeCommand(words, { home });
    await ssh.remove();
    expect(run.status, run.stderr).toBe(1);
    expect(reportOf(run).hosts.map(({ host, inspection }) => [host, inspection?.ok])).toEqual([
      ["web-1", true],
      ["web-2", false],
    ]);
  });

  it("get no password where one of them is not known, and the others are looked at", async () => {
    const known = join(home, "known");
    await writeFile(known, `${fine.address} ${fine.hostKey}\n`);
    const { login } = lab.passwords;
    const env = { PULUMI_LVS_DR_PASSWORD: login, PULUMI_LVS_DR_SUDO_PASSWORD: login };
    const hosts = [`operator@${fine.address}`, `operator@${stale.address}`];
    const words = ["inspect", "--json", "--known-hosts", known, ...hosts];
    const run = await typeCommand(words, { home, env });
    expect(run.status).toBe(2);
    const [first, second] = reportOf(run).hosts;
    expect(first?.inspection).toMatchObject({ ok: true });
    expect(second?.error).toMatchObject({
      kind: "refused",
      message: expect.stringContaining("a password would go to whoever answers") as string,
    });
  });

  it("are not looked at where one of them cannot be one, and it is named where it stands", async () => {
    const run = await type([fine.address, "a,b"]);
    expect(run).toMatchObject({ status: 2, stdout: "" });
    expect(run.stderr).toContain("host 2 on the command line: the host is not a host name");
  });

  it("end with 130, without a report, where they are interrupted", async () => {
    // The warning of a host key that is not known comes before the host is dialled.
    const around = { interruptedAt: `${gone.address}:22 is not in` };
    const run = await type(["--timeout", "60", gone.address, fine.address], around);
    expect(run).toMatchObject({ status: 130, stdout: "" });
    expect(run.stderr).toContain("interrupted");
  });

  it("show at a terminal how far it is, once it takes longer than a second", async () => {
    const words = ["inspect", "--timeout", PATIENCE, "-i", lab.keys.plain.path];
    const line = [...COMMAND, ...words, fine.address, gone.address].join(" ");
    const env = { HOME: home, PATH: process.env["PATH"] };
    const child = spawn("script", ["-qec", line, "/dev/null"], { env });
    let text = "";
    child.stdout.on("data", (chunk: Buffer) => (text += chunk.toString()));
    await new Promise((done) => child.on("close", done));
    expect(text).toContain(`1 of 2 hosts done; waiting for ${gone.address}\r\n`);
    expect(text).toContain("2 hosts: 1 fine, 0 with something wrong, 1 not inspected");
  });
});
