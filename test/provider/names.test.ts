import * as pulumi from "@pulumi/pulumi";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RealServer, type RealServerArgs } from "../../src/index";
import type { Engine, Outcome } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import {
  NOTHING,
  onLo,
  owners,
  realServers,
  Stage,
  stepOf,
  stored,
  traces,
  VIP,
  VIP6,
} from "./stage";

describe("another name for the same real server", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("named");
  });
  afterAll(() => stage.destroy());

  beforeEach(async () => {
    engine = await stage.engine();
    const created = await engine.up(stage.program(stage.args(host)));
    expect(created.succeeded, created.text).toBe(true);
    await host.run("ip monitor address >/run/monitor 2>&1 & echo $! >/run/monitor.pid");
  });
  afterEach(async () => {
    await host.run("kill $(cat /run/monitor.pid)");
    expect(await traces(host)).toEqual(NOTHING);
  });

  const declared =
    (name: string, opts?: pulumi.CustomResourceOptions, args?: RealServerArgs) => () =>
      Promise.resolve(void new RealServer(name, args ?? stage.args(host), opts));

  /** The record moved, and no VIP flapped. */
  const expectMoved = async (outcome: Outcome, engineNow: Engine, name: string) => {
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(stepOf(outcome, name)).toBe("update");
    expect(await owners(host)).toHaveLength(1);
    expect((await host.run("cat /run/monitor")).stdout).toBe("");
    const found = await stored(engineNow);
    expect(found.outputs.owner).toContain(found.urn);
    expect(found.outputs.converged).toBe(true);
  };

  it("by an alias moves the record", async () => {
    const program = declared("web-2", { aliases: [{ name: "web-1" }] });
    await expectMoved(await engine.up(program), engine, "web-2");
    expect((await engine.up(program)).changes).toEqual({ same: 2 });
    await engine.destroy();
  });

  it("by a new parent moves the record", async () => {
    const program = () => {
      const parent = new pulumi.ComponentResource("lab:index:Pool", "pool");
      const aliases = [{ parent: pulumi.rootStackResource }];
      return declared("web-1", { parent, aliases })();
    };
    await expectMoved(await engine.up(program), engine, "web-1");
    await engine.destroy();
  });

  it("by a renamed stack moves the record", async () => {
    const renamed = await engine.run("stack", "rename", "production", "--stack", "test");
    expect(renamed.succeeded, renamed.text).toBe(true);
    const production = await engine.other("production");
    await expectMoved(await production.up(declared("web-1")), production, "web-1");
    await production.destroy();
  });

  it("does not keep a destroy right after a stack rename from finding its record", async () => {
    await engine.run("stack", "rename", "production", "--stack", "test");
    const production = await engine.other("production");
    const destroyed = await production.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
  });

  it("by a move to another stack's state moves the record", async () => {
    const other = await engine.other("other");
    const { urn } = await stored(engine);
    const moved = await engine.run(
      ...["state", "move", "--source", "test", "--dest", "other", "--yes", urn],
    );
    expect(moved.succeeded, moved.text).toBe(true);
    expect(await realServers(engine)).toEqual([]);
    await expectMoved(await other.up(declared("web-1")), other, "web-1");
    await other.destroy();
  });

  it("of the host itself replaces the resource, and the delete takes nothing back", async () => {
    const connection = { ...stage.connection(host), host: host.address6 };
    const program = declared("web-1", {}, stage.args(host, { connection }));
    const outcome = await engine.up(program);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(outcome.changes).toMatchObject({ replace: 1 });
    expect(outcome.text).not.toContain("takes over the record");
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect((await host.run("cat /run/monitor")).stdout).toBe("");
    expect(await owners(host)).toHaveLength(1);
    expect((await engine.up(program, { refresh: true })).changes).toEqual({ same: 2 });
    await engine.destroy();
  });

  it("given by the program is kept whatever the resource is called", async () => {
    const args = stage.args(host, { owner: "ours" });
    await engine.up(declared("web-1", {}, args));
    expect(await owners(host)).toHaveLength(1);
    const program = declared("web-2", { aliases: [{ name: "web-1" }] }, args);
    expect((await engine.up(program)).changes).toEqual({ same: 2 });
    await engine.destroy();
  });

  it("that two resources of one program share is refused for the second, by name", async () => {
    await engine.destroy();
    const twice = () => {
      const names = ["web-1", "web-2", "web-3"];
      for (const [index, name] of names.entries())
        new RealServer(name, stage.args(host, { owner: "ours", vips: [`203.0.113.2${index}`] }));
      return Promise.resolve();
    };
    const outcome = await engine.up(twice);
    expect(outcome.succeeded).toBe(false);
    expect(outcome.text).toContain('another resource of this program has the owner "ours"');
    expect(await realServers(engine)).toHaveLength(1);
    await engine.destroy();
  });

  it("that is the same by mistake takes the host over; the first one then takes nothing back", async () => {
    // As from two backends: the same organization, project, stack and resource.
    const backend = await stage.engine();
    const second = await backend.up(stage.program(stage.args(host)));
    expect(second.succeeded, second.text).toBe(true);
    expect(second.text).toContain("takes over the record");
    const before = await owners(host);

    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await owners(host)).toEqual(before);

    const third = await engine.up(stage.program(stage.args(host)));
    expect(third.succeeded, third.text).toBe(true);
    const refresh = await backend.refresh();
    expect(refresh.succeeded, refresh.text).toBe(true);
    expect(await realServers(backend), "gone for the second").toEqual([]);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await engine.destroy();
  });
});
