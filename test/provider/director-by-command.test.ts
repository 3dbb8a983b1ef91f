import { remote } from "@pulumi/command";
import { mkdir, readFile, symlink } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { RealServer } from "../../src/index";
import type { Engine, RunOptions } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, slowLogin, Stage, stepOf, traces, VIP } from "./stage";

const OTHER_VIP = "203.0.113.11";

// One life of the example: each test goes on where the one before it ended.
describe("a director's own tool, run by remote.Command,", () => {
  let stage: Stage;
  let first: LabHost, second: LabHost, third: LabHost;
  let director: LabHost, successor: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    [first, second, third, director, successor] = await Promise.all([
      stage.host("web-1"),
      stage.host("web-2"),
      stage.host("web-3"),
      stage.host("lb-1"),
      stage.host("lb-2"),
    ]);
    await Promise.all([director, successor].map(installTool));
    engine = await stage.engine({
      config: {
        "lab:director": { value: JSON.stringify(named(director)) },
        "lab:hosts": { value: JSON.stringify([first, second].map(named)) },
        "lab:vips": { value: JSON.stringify([VIP]) },
        "lab:privateKey": { value: stage.lab.keys.plain.content, secret: true },
      },
    });
    await installPlugin(engine);
  });
  afterAll(() => stage.destroy());

  const up = (options: RunOptions = {}) =>
    engine.up(async () => {
      // A program file declares at its top level, so each run needs it afresh.
      vi.resetModules();
      await import("../../examples/director-by-command/index.js");
    }, options);
  const configure = (key: string, value: unknown) =>
    engine.configure(`lab:${key}`, JSON.stringify(value));

  /** What both directors' tools have done since this was last asked, in its order. */
  const done = async (): Promise<string[]> => {
    const logs = await Promise.all([director, successor].map(takeLog));
    return logs
      .flat()
      .sort()
      .map((line) => line.replace(/^\d+ /, ""));
  };
  const members = async (of: LabHost, vip = VIP) =>
    (await of.run(`cat /var/lib/lbctl/${vip}`)).stdout.trim().split("\n").sort();
  const lines = (what: string, ...hosts: LabHost[]) =>
    hosts.map(({ address }) => `${what} ${address} answers`);

  it("is told of a real server once that answers for the VIP", async () => {
    await slowLogin(first);
    const outcome = await up();
    await first.run("rm /etc/ssh/sshrc");
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect((await done()).sort()).toEqual(lines(`lb-1: add ${VIP}`, first, second));
  });

  it("is not run when nothing has changed", async () => {
    expect((await up()).changes).toEqual({ same: 5 });
  });

  it("is run again, to no effect, when only the key is another", async () => {
    await engine.configure("lab:privateKey", stage.lab.keys.rsa.content);
    const outcome = await up();
    expect(outcome.changes, outcome.text).toEqual({ same: 1, update: 4 });
    expect(await done()).toEqual([]);
  });

  it("that fails leaves the old destination and its VIP, also where the engine goes on", async () => {
    await director.run("touch /var/lib/lbctl/broken");
    await configure("hosts", [third, second].map(named));
    // The second time, what the first has made is in the state beside what should have gone.
    for (const attempt of ["first", "second"]) {
      const failed = await up({ continueOnError: true });
      expect(failed.succeeded, attempt).toBe(false);
      expect(failed.text).toContain("lbctl: out of order");
      expect(await onLo(third)).toEqual([`${VIP}/32`]);
      expect(await members(director)).toEqual([first.address, second.address]);
      expect(await onLo(first), attempt).toEqual([`${VIP}/32`]);
    }
  });

  it("is told of another host before the old one, which answers until it has left", async () => {
    await director.run("rm /var/lib/lbctl/broken");
    const outcome = await up();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await done()).toEqual([
      ...lines(`lb-1: add ${VIP}`, third),
      ...lines(`lb-1: remove ${VIP}`, first),
    ]);
    expect(await traces(first)).toEqual(NOTHING);
  });

  it("is told of another VIP before the old one", async () => {
    await configure("vips", [OTHER_VIP]);
    const outcome = await up();
    expect(outcome.succeeded, outcome.text).toBe(true);
    const told = await done();
    expect(told.slice(0, 2).sort()).toEqual(lines(`lb-1: add ${OTHER_VIP}`, second, third));
    expect(told.slice(2).sort()).toEqual(lines(`lb-1: remove ${VIP}`, second, third));
  });

  it("is told of everything on another director before the old one forgets it", async () => {
    await configure("director", named(successor));
    const outcome = await up();
    expect(outcome.changes, outcome.text).toEqual({ same: 3, create: 2, delete: 2 });
    const told = await done();
    expect(told.slice(0, 2).sort()).toEqual(lines(`lb-2: add ${OTHER_VIP}`, second, third));
    expect(told.slice(2).sort()).toEqual(lines(`lb-1: remove ${OTHER_VIP}`, second, third));
  });

  it("removes a destination before it adds it anew where that is asked for", async () => {
    const resources = await engine.resources();
    const found = resources.filter(({ urn }) => urn.includes("remote:Command::"));
    const outcome = await up({ replace: found.map(({ urn }) => urn) });
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await members(successor, OTHER_VIP)).toEqual([second.address, third.address]);
    const told = await done();
    for (const host of [second, third])
      expect(told.filter((line) => line.includes(host.address))).toEqual([
        ...lines(`lb-2: remove ${OTHER_VIP}`, host),
        ...lines(`lb-2: add ${OTHER_VIP}`, host),
      ]);
  });

  it("that lets no destination go keeps the VIPs bound, also where the engine goes on", async () => {
    await successor.run("touch /var/lib/lbctl/broken");
    const failed = await engine.destroy({ continueOnError: true });
    expect(failed.succeeded).toBe(false);
    expect(await onLo(second)).toEqual([`${OTHER_VIP}/32`]);
    expect(await onLo(third)).toEqual([`${OTHER_VIP}/32`]);
  });

  it("is told of a destroy before a VIP is withdrawn", async () => {
    await successor.run("rm /var/lib/lbctl/broken");
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect((await done()).sort()).toEqual(lines(`lb-2: remove ${OTHER_VIP}`, second, third));
    for (const host of [first, second, third]) expect(await traces(host)).toEqual(NOTHING);
  });

  it("is told in the same order of a real server that is replaced and keeps its name", async () => {
    const other = await stage.engine();
    await installPlugin(other);
    const way = ({ address, hostKey }: LabHost) => {
      return { host: address, hostKey, privateKey: stage.lab.keys.plain.content };
    };
    const program = (host: LabHost) => async () => {
      const server = new RealServer("web-1", { connection: way(host), vips: [VIP] });
      const create = `lbctl add ${VIP} ${host.address}`;
      const remove = `lbctl remove ${VIP} ${host.address}`;
      const args = { connection: way(director), create, delete: remove };
      new remote.Command(`to ${host.address}`, args, { dependsOn: server });
    };
    await other.up(program(first));
    const replaced = await other.up(program(second));
    expect(replaced.succeeded, replaced.text).toBe(true);
    expect(stepOf(replaced)).toMatch(/replace/);
    expect(await done()).toEqual([
      ...lines(`lb-1: add ${VIP}`, first, second),
      ...lines(`lb-1: remove ${VIP}`, first),
    ]);
    expect(await traces(first)).toEqual(NOTHING);
  });
});

function named({ address, hostKey }: LabHost): { address: string; hostKey: string } {
  return { address, hostKey };
}

async function installTool(host: LabHost): Promise<void> {
  const input = await readFile(join(__dirname, "lbctl.sh"), "utf8");
  await host.run("cat >/usr/local/bin/lbctl; chmod 755 /usr/local/bin/lbctl", { input });
}

/**
 * Where the engine looks for version 1.2.1 of the plugin `command`: the stand-in, or the real one where
 * PULUMI_RESOURCE_COMMAND says which file that is.
 */
async function installPlugin(engine: Engine): Promise<void> {
  const folder = join(engine.home, ".pulumi/plugins/resource-command-v1.2.1");
  await mkdir(folder, { recursive: true });
  const name = "pulumi-resource-command";
  const real = process.env["PULUMI_RESOURCE_COMMAND"];
  await symlink(real ?? join(__dirname, "command-plugin", name), join(folder, name));
}

/** What the director's tool has done since it was last asked, each line with its time. */
async function takeLog(host: LabHost): Promise<string[]> {
  const line = "mkdir -p /var/lib/lbctl; cd /var/lib/lbctl; touch log; cat log; : >log";
  const { stdout } = await host.run(line);
  return stdout
    .split("\n")
    .filter((one) => one !== "")
    .map((one) => one.replace(" ", ` ${host.name}: `));
}
