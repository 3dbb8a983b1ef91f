import type { ConfigMap } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, realServers, Stage, traces, VIP, VIP6 } from "./stage";

describe("the example", () => {
  let stage: Stage;
  let first: LabHost;
  let second: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [first, second] = await Promise.all([stage.host("first"), stage.host("second")]);
  });
  afterAll(() => stage.destroy());

  /** A program file declares at its top level, so each run needs it afresh. */
  const afresh = (load: () => Promise<object>) => async () => {
    vi.resetModules();
    return { ...(await load()) };
  };
  const vips = { value: JSON.stringify([VIP, VIP6]) };
  const bound = [`${VIP6}/128`, `${VIP}/32`];

  it("one-host binds its VIPs", async () => {
    const config: ConfigMap = {
      "lab:host": { value: first.address },
      "lab:privateKeyFile": { value: stage.lab.keys.plain.path },
      "lab:vips": vips,
    };
    const engine = await stage.engine({ config });
    const program = afresh(() => import("../../examples/one-host/index.js"));
    const outcome = await engine.up(program);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(outcome.text).toContain(VIP6);
    expect(await onLo(first)).toEqual(bound);
    expect((await engine.up(program, { refresh: true })).changes).toEqual({ same: 2 });
    await engine.destroy();
    expect(await traces(first)).toEqual(NOTHING);
  });

  it("pool binds its VIPs in batches, and withdraws from a host that leaves the config", async () => {
    const members = { "web-1": first.address, "web-2": { host: second.address, weight: 2 } };
    const config: ConfigMap = {
      "lab:realServers": { value: JSON.stringify(members) },
      "lab:privateKeyFile": { value: stage.lab.keys.plain.path },
      "lab:vips": vips,
    };
    const engine = await stage.engine({ config });
    const program = afresh(() => import("../../examples/pool/index.js"));
    const both = await engine.up(program);
    expect(both.succeeded, both.text).toBe(true);
    expect(both.text).toMatch(/converged: true/);
    expect([await onLo(first), await onLo(second)]).toEqual([bound, bound]);

    await engine.configure("lab:realServers", JSON.stringify({ "web-1": first.address }));
    expect((await engine.up(program)).changes).toEqual({ same: 3, delete: 1 });
    expect(await traces(second)).toEqual(NOTHING);
    await engine.destroy();
    expect(await traces(first)).toEqual(NOTHING);
  });

  it("pool-from-config withdraws from a host that leaves the config, and keeps the key", async () => {
    const key = stage.lab.keys.plain.content;
    const config: ConfigMap = {
      "lab:hosts": { value: JSON.stringify({ "web-1": first.address, "web-2": second.address }) },
      "lab:privateKey": { value: key, secret: true },
      "lab:vips": vips,
    };
    const engine = await stage.engine({ config });
    const program = afresh(() => import("../../examples/pool-from-config/index.js"));
    const both = await engine.up(program);
    expect(both.succeeded, both.text).toBe(true);
    expect([await onLo(first), await onLo(second)]).toEqual([bound, bound]);
    const middle = key.split("\n")[2] ?? "";
    expect(middle).not.toBe("");
    expect((await engine.stateText()) + both.text).not.toContain(middle);

    await engine.configure("lab:hosts", JSON.stringify({ "web-2": second.address }));
    const one = await engine.up(program);
    expect(one.succeeded, one.text).toBe(true);
    expect(await traces(first)).toEqual(NOTHING);
    expect(await onLo(second)).toEqual(bound);
    await engine.destroy();
    expect(await traces(second)).toEqual(NOTHING);
  });

  it("hosts-of-a-program knows no host in its preview, and connects to none in its destroy", async () => {
    const config: ConfigMap = {
      "lab:addresses": { value: JSON.stringify([first.address]) },
      "lab:privateKeyFile": { value: stage.lab.keys.plain.path },
      "lab:vips": vips,
    };
    const engine = await stage.engine({ config });
    const program = afresh(() => import("../../examples/hosts-of-a-program/index.js"));
    const preview = await engine.preview(program);
    expect(preview.succeeded, preview.text).toBe(true);
    const outcome = await engine.up(program);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(first)).toEqual(bound);

    // As if the cloud had taken the machine away.
    await first.cut();
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await realServers(engine)).toEqual([]);
    await first.mend();
  });
});
