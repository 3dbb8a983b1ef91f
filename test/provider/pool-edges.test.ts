import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RealServer, RealServerPool, type RealServerPoolArgs } from "../../src/index";
import type { Engine, Outcome } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, realServers, Stage, traces, VIP, VIP6 } from "./stage";

type Members = RealServerPoolArgs["realServers"];

describe("a pool that is not as most are", () => {
  let stage: Stage;
  let engine: Engine;
  let one: LabHost;
  let two: LabHost;
  let three: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [one, two, three] = await Promise.all([
      ...[stage.host("one"), stage.host("two"), stage.host("three")],
    ] as [Promise<LabHost>, Promise<LabHost>, Promise<LabHost>]);
  });
  afterAll(() => stage.destroy());

  beforeEach(async () => {
    engine = await stage.engine();
  });
  afterEach(async () => {
    await done(engine.destroy());
    for (const host of [one, two, three]) expect(await traces(host)).toEqual(NOTHING);
  });

  const args = (
    realServers: Members,
    changes: Partial<RealServerPoolArgs> = {},
  ): RealServerPoolArgs => ({
    vips: [VIP],
    connection: { privateKeyFile: stage.lab.keys.plain.path },
    realServers,
    persist: false,
    timeouts: { connectSeconds: 2, operationSeconds: 20 },
    ...changes,
  });
  const shop =
    (
      realServers: Members,
      changes: Partial<RealServerPoolArgs> = {},
      options?: pulumi.ComponentResourceOptions,
    ) =>
    () =>
      Promise.resolve(void new RealServerPool("shop", args(realServers, changes), options));
  const done = async (run: Promise<Outcome>): Promise<Outcome> => {
    const outcome = await run;
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };

  it("has members of any name", async () => {
    const long = "z".repeat(300);
    const members = {
      "a::b": one.address,
      [`$x y/é%2F#?'"\\<`]: two.address,
      [long]: three.address,
    };
    await done(engine.up(shop(members)));
    expect((await done(engine.up(shop(members), { refresh: true }))).changes["same"]).toBe(5);
    const { "a::b": left, ...others } = members;
    const strict = await done(engine.up(shop(others, { arp: { ignore: 2 } })));
    expect(strict.changes, left).toEqual({ same: 2, update: 2, delete: 1 });
    expect(await traces(one)).toEqual(NOTHING);
  });

  it("has no member at first, or none any more", async () => {
    expect((await done(engine.up(shop({})))).changes).toEqual({ create: 2 });
    await done(engine.up(shop({ a: one.address })));
    expect(await onLo(one)).toEqual([`${VIP}/32`]);
    const emptied = await done(engine.up(shop({})));
    expect(emptied.changes).toEqual({ same: 2, delete: 1 });
    expect(emptied.text).toContain(
      "the pool has no member: those that it had are withdrawn at once",
    );
    expect(await traces(one)).toEqual(NOTHING);
  });

  it("keeps the secrets of its connection and of its members' own as such", async () => {
    const [ofPool, own, later] = ["of-the-pool", "own", "later"].map((name) => `s3cret-${name}`);
    const { content } = stage.lab.keys.plain;
    const up = await done(
      engine.up(
        shop(
          {
            a: { host: one.address, connection: { sudoPassword: own ?? "" } },
            b: { host: two.address, connection: pulumi.output({ password: later ?? "" }) },
          },
          { connection: { privateKey: content, password: ofPool ?? "" } },
        ),
      ),
    );
    const state = (await engine.stateText()) + (await engine.run("stack", "export")).text + up.text;
    expect(state).toContain("shop-b");
    const line = content.split("\n")[2];
    for (const secret of [ofPool, own, later, line]) expect(state).not.toContain(secret);
  });

  it("may have the name of another below another parent, services and all", async () => {
    const preview = await done(
      engine.preview(() => {
        for (const [type, host] of [
          ["x:y:Here", one],
          ["x:y:There", two],
        ] as const) {
          const parent = new pulumi.ComponentResource(type, "parent");
          const served = { directors: { lb: "198.51.100.1" }, services: [{ port: 80 }] };
          new RealServerPool("shop", args({ a: host.address }, served), { parent });
        }
        return Promise.resolve();
      }),
    );
    expect(preview.changes).toEqual({ create: 9 });
  });

  it("gets another name or parent by an alias, and no address is touched", async () => {
    const members = { a: one.address, b: two.address };
    await done(engine.up(shop(members)));
    await one.run("ip monitor address >/run/monitor 2>&1 & echo $! >/run/monitor.pid");
    const renamed = await done(
      engine.up(() => {
        new RealServerPool("store", args(members), { aliases: [{ name: "shop" }] });
        return Promise.resolve();
      }),
    );
    expect(renamed.changes, renamed.text).toEqual({ same: 2, update: 2 });
    const moved = await done(
      engine.up(() => {
        const parent = new pulumi.ComponentResource("x:y:Here", "parent");
        const aliases = [{ parent: pulumi.rootStackResource }];
        new RealServerPool("store", args(members), { parent, aliases });
        return Promise.resolve();
      }),
    );
    expect(moved.changes, moved.text).toEqual({ same: 2, create: 1, update: 2 });
    const monitor = await one.run("kill $(cat /run/monitor.pid); cat /run/monitor");
    expect(monitor.stdout).toBe("");
  });

  it("loses no member where what it depends on fails, or what a host comes from", async () => {
    const program = (ignore: 1 | 2, vips: string[]) => () => {
      const gate = new RealServer("gate", {
        ...stage.args(one, { arp: { ignore }, persist: false }),
      });
      const named = { host: gate.hostKey.apply(() => two.address) };
      new RealServerPool("named", args({ a: named }, { vips }));
      new RealServerPool("shop", args({ b: three.address }, { vips }), { dependsOn: [gate] });
      return Promise.resolve();
    };
    await done(engine.up(program(1, [VIP])));
    await one.stopSsh();
    const failed = await engine.up(program(2, [VIP, VIP6]), { continueOnError: true });
    await one.startSsh();
    expect(failed.succeeded).toBe(false);
    expect(failed.steps.filter(({ op }) => /delete|replace/.test(op))).toEqual([]);
    expect(await realServers(engine)).toHaveLength(3);
    for (const host of [two, three]) expect(await onLo(host)).toEqual([`${VIP}/32`]);
    await done(engine.up(program(2, [VIP, VIP6])));
  });

  it("has a member replaced on its own host where the program asks for that, and its VIP stays", async () => {
    const replacing: pulumi.ResourceTransform = ({ name, props, opts }) =>
      name === "shop-a" ? { props, opts: { ...opts, replaceOnChanges: ["arp"] } } : undefined;
    const members = { a: one.address, b: two.address };
    await done(engine.up(shop(members)));
    const arp = { ignore: 2 } as const;
    const options = { transforms: [replacing] };
    const replaced = await done(engine.up(shop(members, { arp }, options)));
    expect(replaced.changes, replaced.text).toEqual({ same: 2, update: 1, replace: 1 });
    expect(await onLo(one)).toEqual([`${VIP}/32`]);
    expect((await done(engine.up(shop(members, { arp }), { refresh: true }))).changes["same"]).toBe(
      4,
    );
  });
});
