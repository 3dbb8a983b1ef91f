import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { RealServer } from "../../src/index";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import {
  onLo,
  realServers,
  said,
  Stage,
  stepOf,
  stored,
  traces,
  NOTHING,
  VIP,
  VIP6,
} from "./stage";

const FORGET = "PULUMI_LVS_DR_FORGET";

describe("a host that is gone", () => {
  let stage: Stage;
  let host: LabHost;
  let other: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    [host, other] = await Promise.all([stage.host("gone"), stage.host("other")]);
  });
  afterAll(() => stage.destroy());

  beforeEach(async () => {
    engine = await stage.engine();
  });
  afterEach(async () => {
    await host.mend();
    await host.rebuild();
    await other.rebuild();
  });

  it("fails a destroy, which names the way out; the environment variable is that way", async () => {
    await engine.up(stage.program(stage.args(host)));
    await host.cut();
    const failed = await engine.destroy();
    expect(failed.succeeded).toBe(false);
    expect(said(failed, "error").join()).toContain(`${FORGET}=${host.address}`);
    expect(await realServers(engine)).toHaveLength(1);

    engine.env[FORGET] = `somebody-else, ${host.address}`;
    const forgotten = await engine.destroy();
    expect(forgotten.succeeded, forgotten.text).toBe(true);
    expect(said(forgotten, "warning").join()).toContain(host.address);
    expect(await realServers(engine)).toEqual([]);
  });

  it("is forgotten on destroy where the policy says so", async () => {
    await engine.up(stage.program(stage.args(host, { unreachableOnDestroy: "forget" })));
    await host.cut();
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "warning").join()).toContain("forgotten");
  });

  it("is not forgotten while something answers at its address", async () => {
    const timeouts = { connectSeconds: 2 };
    await engine.up(stage.program(stage.args(host, { unreachableOnDestroy: "forget", timeouts })));
    await host.stopSsh();
    const refused = await engine.destroy();
    expect(refused.succeeded, refused.text).toBe(false);
    const free = await host.fillSsh();
    const full = await engine.destroy();
    await free();
    expect(full.succeeded, full.text).toBe(false);
    expect(said(full, "error").join()).toContain("MaxStartups");
    expect(said(full, "error").join()).not.toContain(FORGET);
    expect(await realServers(engine)).toHaveLength(1);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
  });

  it("can become one to forget while it is dead", async () => {
    await engine.up(stage.program(stage.args(host)));
    await host.cut();
    const policy = await engine.up(
      stage.program(stage.args(host, { unreachableOnDestroy: "forget" })),
    );
    expect(policy.succeeded, policy.text).toBe(true);
    expect(stepOf(policy)).toBe("update");
    expect((await engine.destroy()).succeeded).toBe(true);
  });

  it("is replaced by another while it is dead, and forgotten by name", async () => {
    await engine.up(stage.program(stage.args(host)));
    await host.cut();
    const replacing = await engine.up(stage.program(stage.args(other)));
    expect(replacing.succeeded, "the delete of the old one fails").toBe(false);
    expect(await onLo(other)).toEqual([`${VIP6}/128`, `${VIP}/32`]);

    engine.env[FORGET] = host.address;
    const finished = await engine.up(stage.program(stage.args(other)));
    expect(finished.succeeded, finished.text).toBe(true);
    expect(await realServers(engine)).toHaveLength(1);
    expect((await stored(engine)).outputs.connection).toMatchObject({ host: other.address });
    await engine.destroy();
    expect(await traces(other)).toEqual(NOTHING);
  });

  it("is taken out of the state by a refresh with the environment variable", async () => {
    await engine.up(stage.program(stage.args(host)));
    await host.cut();
    engine.env[FORGET] = host.address;
    const refresh = await engine.refresh();
    expect(refresh.succeeded, refresh.text).toBe(true);
    expect(await realServers(engine)).toEqual([]);
  });

  describe("beside one that is well, under automatic refresh", () => {
    const pair = (changes: object, vips: string[]) => () => {
      new RealServer("gone", stage.args(host, changes));
      new RealServer("other", stage.args(other, { ...changes, vips }));
      return Promise.resolve();
    };

    it("blocks up, with a next step that works: to exclude it", async () => {
      await engine.up(pair({}, [VIP]));
      await host.cut();
      const blocked = await engine.up(pair({}, [VIP6]), { refresh: true });
      expect(blocked.succeeded).toBe(false);
      expect(said(blocked, "error").join()).toContain("--exclude");
      expect(await onLo(other)).toEqual([`${VIP}/32`]);

      const urn = (await realServers(engine)).find(({ urn }) => urn.endsWith("::gone"))?.urn ?? "";
      const around = await engine.up(pair({}, [VIP6]), { refresh: true, exclude: [urn] });
      expect(around.succeeded, around.text).toBe(true);
      expect(await onLo(other)).toEqual([`${VIP6}/128`]);
    });

    it("blocks nothing where what is known may be kept", async () => {
      const keep = { unreachableOnRefresh: "keep" };
      await engine.up(pair(keep, [VIP]));
      const before = (await realServers(engine)).find(({ urn }) => urn.endsWith("::gone"));
      await host.cut();
      const outcome = await engine.up(pair(keep, [VIP6]), { refresh: true });
      expect(outcome.succeeded, outcome.text).toBe(true);
      expect(said(outcome, "warning").join()).toContain(host.address);
      expect(await onLo(other)).toEqual([`${VIP6}/128`]);
      const after = (await realServers(engine)).find(({ urn }) => urn.endsWith("::gone"));
      expect(after?.outputs).toEqual(before?.outputs);
      expect(after?.inputs).toEqual(before?.inputs);
    });
  });
});
