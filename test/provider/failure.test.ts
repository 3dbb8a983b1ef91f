import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer } from "../../src/index";
import type { LabHost } from "../../lab/host";
import {
  NOTHING,
  onLo,
  realServers,
  said,
  Stage,
  stepOf,
  stored,
  traces,
  VIP,
  VIP6,
} from "./stage";

describe("a failed operation", () => {
  let stage: Stage;
  let first: LabHost;
  let second: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [first, second] = await Promise.all([stage.host("first"), stage.host("second")]);
  });
  afterAll(() => stage.destroy());

  it("leaves a create out of the state and the host as it was, until the host is repaired", async () => {
    const engine = await stage.engine();
    await first.run(`ip addr add ${VIP}/32 dev eth0`);
    const failed = await engine.up(stage.program(stage.args(first)));
    expect(failed.succeeded).toBe(false);
    const [message = "", ...more] = said(failed, "error").filter((text) => text.includes(VIP));
    expect(more, "one message, once").toEqual([]);
    expect(message).toContain(first.address);
    expect(message).toContain("eth0");
    expect(message).not.toMatch(/\n\s+at /);
    expect(await realServers(engine)).toEqual([]);
    expect(await traces(first)).toEqual(NOTHING);

    await first.run(`ip addr del ${VIP}/32 dev eth0`);
    const repaired = await engine.up(stage.program(stage.args(first)));
    expect(repaired.succeeded, repaired.text).toBe(true);
    await engine.destroy();
    expect(await traces(first)).toEqual(NOTHING);
  });

  it("leaves the state of an update as it was, and the next up finishes the job", async () => {
    const engine = await stage.engine();
    await engine.up(stage.program(stage.args(first, { vips: [VIP] })));
    await first.run(`ip addr add ${VIP6}/128 dev eth0`);
    const failed = await engine.up(stage.program(stage.args(first)));
    expect(failed.succeeded).toBe(false);
    expect((await stored(engine)).outputs).toMatchObject({ vips: [VIP], converged: true });
    expect(await onLo(first)).toEqual([`${VIP}/32`]);

    await first.run(`ip addr del ${VIP6}/128 dev eth0`);
    const finished = await engine.up(stage.program(stage.args(first)));
    expect(finished.succeeded, finished.text).toBe(true);
    expect(await onLo(first)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await engine.destroy();
    expect(await traces(first)).toEqual(NOTHING);
  });

  it("leaves no trace of a mistyped host: the right one is created, nothing is deleted", async () => {
    const engine = await stage.engine();
    const mistyped = stage.args(first, {
      connection: {
        ...stage.connection(first),
        host: `${first.address}0`.replace(/\.\d+$/, ".251"),
      },
    });
    const failed = await engine.up(stage.program(mistyped));
    expect(failed.succeeded).toBe(false);
    expect(await realServers(engine)).toEqual([]);

    const right = await engine.up(stage.program(stage.args(first)));
    expect(right.succeeded, right.text).toBe(true);
    expect(stepOf(right)).toBe("create");
    expect(right.steps.map(({ op }) => op)).not.toContain("delete");
    await engine.destroy();
  });

  it("leaves no trace of a host that was only dialled when a second ^C came", async () => {
    const engine = await stage.engine();
    const args = stage.args(first, {
      connection: { ...stage.connection(first), port: 2 },
      timeouts: { connectSeconds: 60 },
    });
    let asked = false;
    const stopped = await engine.up(stage.program(args), {
      onEvent: ({ diagnosticEvent: event }) => {
        if (asked || !event?.message.includes("dialling")) return;
        asked = true;
        void engine.signal("SIGINT");
        // The engine takes two within a moment for one.
        setTimeout(() => void engine.signal("SIGINT"), 500);
      },
    });
    expect(stopped.succeeded).toBe(false);
    await engine.cancel().catch(() => undefined);
    expect(await realServers(engine)).toEqual([]);
    const next = await engine.up(stage.program(stage.args(first)));
    expect(next.succeeded, next.text).toBe(true);
    await engine.destroy();
  });

  it("does not come from a host that is not known before up", async () => {
    const engine = await stage.engine();
    const program = () => {
      const known = new RealServer("web-1", stage.args(first));
      // Any output of a resource that is not created yet is unknown in a preview.
      const host = known.machineId.apply(() => second.address);
      const connection = { ...stage.connection(second), host };
      const element = known.bindings.apply(() => "203.0.113.98");
      new RealServer("web-2", stage.args(second, { connection, vips: [element, VIP] }));
      const whole = known.machineId.apply(() => stage.connection(second));
      const vips = known.bindings.apply((bindings) => bindings.map(() => "203.0.113.99"));
      new RealServer(
        "web-3",
        stage.args(second, { connection: whole, vips: vips.apply((v) => v.slice(1)) }),
      );
      return Promise.resolve();
    };
    const preview = await engine.preview(program);
    expect(preview.succeeded, preview.text).toBe(true);
    expect(preview.changes).toEqual({ create: 4 });
    expect(await traces(first)).toEqual(NOTHING);

    const outcome = await engine.up(program);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(second)).toEqual([`${VIP}/32`, "203.0.113.98/32", "203.0.113.99/32"]);
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await traces(first)).toEqual(NOTHING);
    expect(await traces(second)).toEqual(NOTHING);
  });

  it("does not come from two siblings under one component", async () => {
    const engine = await stage.engine();
    const program = () => {
      const pool = new pulumi.ComponentResource("lab:index:Pool", "pool");
      for (const host of [first, second]) {
        new RealServer(host.name, stage.args(host), { parent: pool });
      }
      return Promise.resolve();
    };
    const preview = await engine.preview(program);
    expect(preview.succeeded, preview.text).toBe(true);
    const outcome = await engine.up(program);
    expect(outcome.succeeded, outcome.text).toBe(true);
    const owners = (await realServers(engine)).map(({ outputs }) => outputs?.["owner"]);
    expect(owners).toHaveLength(2);
    expect(String(owners[0])).toContain("lab:index:Pool$pulumi-nodejs:dynamic/lvs-dr:RealServer::");
    await engine.destroy();
    expect(await traces(second)).toEqual(NOTHING);
  });
});
