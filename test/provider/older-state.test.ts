import { readFile } from "node:fs/promises";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Exported, Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import type { ConnectionArgs, RealServerArgs } from "../../src/index";
import { PROVIDER_SOURCE } from "../../src/pulumi/provider-source";
import { editState, NOTHING, onLo, Stage, stateBytes, stored, traces, VIP, VIP6 } from "./stage";

// Before 0.1.0 the state held each default twice, and a longer text that loads the provider. One life:
// each test goes on.
describe("a state of before 0.1.0", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;
  let connection: ConnectionArgs;

  const program = (changes: Partial<RealServerArgs> = {}) =>
    stage.program({ connection, vips: [VIP, VIP6], ...changes });

  beforeAll(async () => {
    stage = await Stage.create();
    [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
    connection = stage.connection(host, { privateKeyFile: await stage.keyAtHome(engine) });
    const created = await engine.up(program());
    expect(created.succeeded, created.text).toBe(true);
    await beOfBefore();
  });
  afterAll(() => stage.destroy());

  /** Puts the fixture into the state, with what differs from host to host. */
  const beOfBefore = async () => {
    const file = path.join(__dirname, "fixtures/state-with-defaults.json");
    const before = JSON.parse(await readFile(file, "utf8")) as Required<Exported>;
    await editState(engine, ({ outputs: { hostKey, machineId } = {}, ...one }) => ({
      ...one,
      inputs: { ...before.inputs, connection },
      outputs: { ...before.outputs, connection, hostKey, machineId },
    }));
    expect(await stateBytes(engine)).toBeGreaterThan(2800);
  };

  it("shows no difference to a preview, an up or a refresh, in any order", async () => {
    const same = { same: 2 };
    const all = [
      () => engine.preview(program()),
      () => engine.refresh(),
      () => engine.preview(program(), { refresh: true }),
      () => engine.up(program()),
      () => engine.refresh(),
      () => engine.up(program(), { refresh: true }),
    ];
    for (const one of all) {
      const outcome = await one();
      expect(outcome.succeeded, outcome.text).toBe(true);
      // The types of the Automation API have none of them for a preview.
      const ops = outcome.steps.map(({ op }) => op).filter((op) => !/same|refresh|read/.test(op));
      expect(ops, outcome.text).toEqual([]);
      if (Object.keys(outcome.changes).length > 0) expect(outcome.changes).toEqual(same);
    }
  });

  it.each<[string, Partial<RealServerArgs>]>([
    ["leaves the host alone", { unreachableOnRefresh: "keep" }],
    ["changes the host", { vips: [VIP] }],
  ])("shrinks with an update that %s", async (_, changes) => {
    await beOfBefore();
    const updated = await engine.up(program(changes));
    expect(updated.changes, updated.text).toEqual({ same: 1, update: 1 });
    const { inputs, outputs } = await stored(engine);
    for (const properties of [inputs, outputs]) {
      expect(properties).toMatchObject({ __provider: PROVIDER_SOURCE, ...changes });
      expect(properties).not.toHaveProperty("timeouts");
      expect(properties).not.toHaveProperty("arp");
    }
    expect(await stateBytes(engine)).toBeLessThan(2200);
    expect((await engine.up(program(changes))).changes).toEqual({ same: 2 });
    const back = await engine.up(program());
    expect(back.changes, back.text).toEqual({ same: 1, update: 1 });
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });

  it("is destroyed", async () => {
    await beOfBefore();
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });
});
