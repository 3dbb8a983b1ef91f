import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RealServerArgs } from "../../src/index";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { editState, NOTHING, Stage, stepOf, stored, traces, VIP, VIP6 } from "./stage";

// After a downgrade, or where two people have different versions. One life: each test goes on.
describe("what a later version wrote", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  const later = { laterOutputs: [{ name: "ipip0" }], laterMode: "dr" };
  const up = (changes: Partial<RealServerArgs> = {}) =>
    engine.up(stage.program(stage.args(host, changes)));

  beforeAll(async () => {
    stage = await Stage.create();
    [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
    const created = await up();
    expect(created.succeeded, created.text).toBe(true);
    await editState(engine, (one) => ({ ...one, outputs: { ...one.outputs, ...later } }));
    await host.run("cd /var/lib/lvs-dr && sed -i '$i x-later ipip0' owners/*");
  });
  afterAll(() => stage.destroy());

  const expectKept = async () => {
    const { outputs, inputs } = await stored(engine);
    expect(outputs).toMatchObject({ ...later, converged: true, drift: [] });
    for (const name of Object.keys(later)) expect(inputs).not.toHaveProperty(name);
    const { stdout } = await host.run("tail -n 2 /var/lib/lvs-dr/owners/*");
    expect(stdout).toBe("x-later ipip0\nend\n");
  };

  it("is no difference, neither to a program nor to a refresh", async () => {
    expect((await up()).changes).toEqual({ same: 2 });
    const refreshed = await engine.refresh();
    expect(refreshed.changes, refreshed.text).toEqual({ same: 2 });
    await expectKept();
  });

  it.each<[string, Partial<RealServerArgs>]>([
    ["leaves the host alone", { unreachableOnRefresh: "keep" }],
    ["changes the host", { vips: [VIP, VIP6, "203.0.113.11"] }],
  ])("is kept by an update that %s", async (_, changes) => {
    const outcome = await up(changes);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(stepOf(outcome)).toBe("update");
    await expectKept();
  });

  it("moves with the record of a renamed owner", async () => {
    const outcome = await up({ owner: "another name" });
    expect(outcome.succeeded, outcome.text).toBe(true);
    await expectKept();
  });

  it("stops every operation where it is of a later format, and the host stays as it is", async () => {
    await host.run("sed -i '1s/1$/2/' /var/lib/lvs-dr/owners/*");
    const before = await traces(host);
    for (const outcome of [await up({ vips: [VIP] }), await engine.destroy()]) {
      expect(outcome.succeeded).toBe(false);
      expect(outcome.text).toMatch(/registry file owners\/[0-9a-f]{32} has format 2/);
      expect(outcome.text).toContain("npm install pulumi-lvs-dr@latest");
      expect(outcome.text).toContain("Nothing was touched.");
    }
    expect(await traces(host)).toEqual(before);
    await host.run("sed -i '1s/2$/1/' /var/lib/lvs-dr/owners/*");
  });

  it("goes with its owner", async () => {
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });
});
