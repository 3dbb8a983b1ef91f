import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer, VirtualService } from "../../src/index";
import type { Client } from "../../lab/client";
import { makeDirector } from "../../lab/director-guest";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import type { Engine } from "../../lab/engine";
import { Traffic } from "../../lab/traffic";
import { webHost } from "../../lab/web-host";
import { NOTHING, Stage, traces } from "../provider/stage";

const PER_SECOND = 120;
const AT_LEAST = 2000;
const drain = { timeoutSeconds: 90, onTimeout: "fail" } as const;

/** Who is in the pool: by the name in the program, the machine that it is on, and its weight. */
type Members = Readonly<Record<string, readonly [machine: string, weight: number]>>;

describe("a stack of real servers and a director's services, under traffic", () => {
  let stage: Stage;
  let engine: Engine;
  let guest: Guest;
  let client: Client;
  let machines: Readonly<Record<string, LabHost>>;
  let vips: readonly [string, string];

  beforeAll(async () => {
    stage = await Stage.create();
    const { lab } = stage;
    const names = ["rs1", "rs2", "rs3", "rs4"];
    const [director, one, own, ...hosts] = await Promise.all([
      lab.guest("lb"),
      lab.client(),
      stage.engine(),
      ...names.map((name) => webHost(lab, name)),
    ]);
    [guest, client, engine] = [director, one, own];
    machines = Object.fromEntries(hosts.map((host) => [host.name, host]));
    vips = lab.vips;
    await makeDirector(guest, vips);
  });
  afterAll(() => stage.destroy());

  function program(members: Members) {
    return () => {
      const pool = Object.entries(members).map(([name, [machine, weight]]) => {
        const host = machineAt(machine);
        const args = { connection: stage.connection(host), vips: [...vips], drain, persist: false };
        return { host, weight, server: new RealServer(name, args) };
      });
      for (const [name, vip, rip] of [
        ["shop-v4", vips[0], "address"],
        ["shop-v6", vips[1], "address6"],
      ] as const)
        new VirtualService(
          name,
          {
            director: stage.connection(guest),
            ...{ vip, port: 80, scheduler: "wrr", drain },
            destinations: pool.map(({ host, weight }) => ({ address: host[rip], weight })),
          },
          { dependsOn: pool.map(({ server }) => server) },
        );
      return Promise.resolve();
    };
  }

  function machineAt(name: string): LabHost {
    const host = machines[name];
    if (host === undefined) throw new Error(`there is no machine ${name}`);
    return host;
  }

  async function up(members: Members) {
    const outcome = await engine.up(program(members));
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  }

  it("loses no request over joins, weights, leaves and a replaced host, and sends none to a host that has left", async () => {
    await up({ a: ["rs1", 1], b: ["rs2", 1] });
    const traffic = await Traffic.start(stage.lab, client, vips, PER_SECOND);
    const answeredBy = async (name: string) => (await traffic.soFar()).answered[name] ?? 0;
    const serves = (name: string) => traffic.until(({ answered }) => (answered[name] ?? 0) > 0);
    /** Declared no more: off the director, then off its VIPs; and then it answers no more. */
    const goes = async (name: string, rest: Members) => {
      await up(rest);
      expect(await traces(machineAt(name))).toEqual(NOTHING);
      const last = await answeredBy(name);
      const { sent } = await traffic.soFar();
      await traffic.until((now) => now.sent >= sent + PER_SECOND);
      expect(await answeredBy(name)).toBe(last);
    };

    await up({ a: ["rs1", 1], b: ["rs2", 1], c: ["rs3", 1] });
    await serves("rs3");
    const weighted = await up({ a: ["rs1", 1], b: ["rs2", 3], c: ["rs3", 2] });
    expect(weighted.changes).toEqual({ same: 4, update: 2 });
    await goes("rs1", { b: ["rs2", 3], c: ["rs3", 2] });
    await goes("rs2", { b: ["rs4", 3], c: ["rs3", 2] });
    await serves("rs4");
    await up({ a: ["rs1", 2], b: ["rs4", 3], c: ["rs3", 2] });
    await goes("rs3", { a: ["rs1", 2], b: ["rs4", 3] });
    await traffic.until(({ sent }) => sent >= AT_LEAST);

    const { requests, frames } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    expect(requests.sent).toBeGreaterThanOrEqual(AT_LEAST);
    const answered = Object.values(requests.answered).reduce((sum, count) => sum + count, 0);
    expect(answered).toBe(requests.sent);
    expect(Object.keys(frames.answers)).toEqual([guest.mac]);
    console.log(`${requests.sent} requests, none failed: ${JSON.stringify(requests.answered)}`);

    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    const deleted = destroyed.steps
      .filter(({ op }) => op === "delete")
      .map(({ urn }) => urn.replace(/.*::/, ""));
    expect(deleted.slice(0, 2).sort(), "the director goes first").toEqual(["shop-v4", "shop-v6"]);
    const left = await guest.run("ipvsadm -Sn; ls -d /var/lib/lvs-dr-director 2>/dev/null; :");
    expect(left.stdout).toBe("");
    for (const name of ["rs1", "rs4"]) expect(await traces(machineAt(name))).toEqual(NOTHING);
  }, 300_000);
});
