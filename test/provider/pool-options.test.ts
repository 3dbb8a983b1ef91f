import type * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServerPool, type RealServerPoolArgs } from "../../src/index";
import type { Engine, Outcome, RunOptions } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { arpOf, NOTHING, onLo, realServers, said, Stage, stepOf, traces, VIP } from "./stage";

/** Members by their names in the pool, in the order of the program: each a batch of its own. */
type Members = Readonly<Record<string, LabHost>>;
type Changes = Partial<RealServerPoolArgs>;

const STRICT = { arp: { ignore: 2 } } as const;

// One life, from create to destroy: each test goes on where the one before it ended.
describe("a pool of which not all is to be changed", () => {
  let stage: Stage;
  let engine: Engine;
  let a: LabHost;
  let b: LabHost;
  let c: LabHost;
  let spare: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [engine, a, b, c, spare] = await Promise.all([
      stage.engine(),
      ...(["one", "two", "three", "four"] as const).map((name) => stage.host(name)),
    ] as [Promise<Engine>, ...Promise<LabHost>[]] as [
      ...[Promise<Engine>, Promise<LabHost>, Promise<LabHost>, Promise<LabHost>, Promise<LabHost>],
    ]);
    await done(run({ a, b }));
  });
  afterAll(() => stage.destroy());

  const run = (
    members: Members,
    changes: Changes = {},
    options: RunOptions = {},
    of: pulumi.ComponentResourceOptions = {},
  ) => {
    const named = Object.entries(members).map(([name, { address }]) => [name, address]);
    const args = {
      vips: [VIP],
      connection: { privateKeyFile: stage.lab.keys.plain.path },
      realServers: Object.fromEntries(named) as Record<string, string>,
      rollout: { batch: 1 },
      persist: false,
      timeouts: { connectSeconds: 2, operationSeconds: 20 },
      ...changes,
    };
    return engine.up(() => Promise.resolve(void new RealServerPool("shop", args, of)), options);
  };
  const done = async (running: Promise<Outcome>): Promise<Outcome> => {
    const outcome = await running;
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };
  const members = async () =>
    (await realServers(engine)).map(({ urn }) => urn.replace(/.*::shop-/, "")).sort();
  /** Also of one that is not there yet. */
  const urn = async (name: string) =>
    ((await realServers(engine))[0]?.urn ?? "").replace(/::[^:]*$/, `::shop-${name}`);
  const ignores = async () => (await Promise.all([a, b, c].map((host) => arpOf(host)))).join(", ");

  it("makes a member by --target only where those of earlier batches are there, or come along", async () => {
    const joining = { a, b, y: spare, z: c };
    const failed = await run(joining, {}, { target: [await urn("z")] });
    expect(failed.succeeded).toBe(false);
    expect(await members()).toEqual(["a", "b"]);
    for (const host of [spare, c]) expect(await traces(host)).toEqual(NOTHING);
    await done(run(joining, {}, { target: [await urn("y"), await urn("z")] }));
    for (const host of [spare, c]) expect(await onLo(host)).toEqual([`${VIP}/32`]);
    await done(run({ a, b, c }));
    expect(await members()).toEqual(["a", "b", "c"]);
    expect(await traces(spare)).toEqual(NOTHING);
  });

  it("changes a member alone by --target, and all later batches with --target-dependents", async () => {
    const target = [await urn("b")];
    const one = await done(run({ a, b, c }, STRICT, { target }));
    expect(one.changes["update"], one.text).toBe(1);
    expect(await ignores()).toBe("1 2, 2 2, 1 2");
    const later = await done(run({ a, b, c }, STRICT, { target, targetDependents: true }));
    expect(later.changes["update"], later.text).toBe(1);
    expect(await ignores()).toBe("1 2, 2 2, 2 2");
  });

  it("goes on past a member that is left out by --exclude", async () => {
    const without = await done(run({ a, b, c }, {}, { exclude: [await urn("b")] }));
    expect(without.changes["update"], without.text).toBe(1);
    expect(await ignores()).toBe("1 2, 2 2, 1 2");
  });

  it("loses no member where one is left out that is not there yet, but has to have its state repaired", async () => {
    // Pulumi 3.274 lets b depend on n in the state, where n is not, and then reads that state no more.
    const excluded = await run({ a, n: spare, b, c }, {}, { exclude: [await urn("n")] });
    expect(await traces(spare), excluded.text).toEqual(NOTHING);
    const repaired = await engine.run("state", "repair", "--yes", "--stack", "test");
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect(await members()).toEqual(["a", "b", "c"]);
    await done(run({ a, b, c }));
    expect(await ignores()).toBe("1 2, 1 2, 1 2");
  });

  it("is destroyed by --target only together with the later batches", async () => {
    const target = [await urn("b")];
    const failed = await engine.destroy({ target });
    expect(failed.succeeded, failed.text).toBe(false);
    expect(await members()).toEqual(["a", "b", "c"]);
    await done(engine.destroy({ target, targetDependents: true }));
    expect(await members()).toEqual(["a"]);
    for (const host of [b, c]) expect(await traces(host)).toEqual(NOTHING);
  });

  describe("protect", () => {
    const protecting = (name: string): pulumi.ComponentResourceOptions => ({
      transforms: [
        ({ name: resource, props, opts }) =>
          resource === name ? { props, opts: { ...opts, protect: true } } : undefined,
      ],
    });

    it("keeps a member that was removed or has another host, with its VIP, until it is taken off", async () => {
      await done(run({ a, b, c }, {}, {}, protecting("shop-b")));
      const removed = await run({ a, c }, STRICT);
      expect(removed.succeeded).toBe(false);
      expect(removed.text).toContain("protect");
      expect(await members()).toEqual(["a", "b", "c"]);
      const replaced = await run({ a, b: spare, c }, {}, {}, protecting("shop-b"));
      expect(replaced.succeeded).toBe(false);
      expect(await traces(spare)).toEqual(NOTHING);
      expect(await onLo(b)).toEqual([`${VIP}/32`]);
      // Off in one up, and then it may leave.
      await done(run({ a, b, c }));
      expect(stepOf(await done(run({ a, c })), "shop-b")).toBe("delete");
      expect(await traces(b)).toEqual(NOTHING);
    });

    it("of the pool is that of all its resources", async () => {
      await done(run({ a, b, c }, {}, {}, { protect: true }));
      const destroyed = await engine.destroy();
      expect(destroyed.succeeded).toBe(false);
      expect(await onLo(a)).toEqual([`${VIP}/32`]);
      await done(run({ a, b, c }));
    });
  });

  it("has the old host withdrawn from first with deleteBeforeReplace, and replaces no other", async () => {
    const first: pulumi.ResourceTransform = ({ name, props, opts }) =>
      name === "shop-b" ? { props, opts: { ...opts, deleteBeforeReplace: true } } : undefined;
    const replaced = await done(run({ a, b: spare, c }, {}, {}, { transforms: [first] }));
    const ofB = replaced.steps.filter((step) => step.urn.endsWith("::shop-b"));
    const ops = ofB.map(({ op }) => op);
    expect(ops.indexOf("create-replacement")).toBeGreaterThan(ops.indexOf("delete-replaced"));
    expect(["a", "c"].map((name) => stepOf(replaced, `shop-${name}`))).toEqual(["same", "same"]);
    expect(await traces(b)).toEqual(NOTHING);
    await done(run({ a, b, c }));
  });

  it("gives its members what transforms change, as if the program had said it", async () => {
    const one: pulumi.ResourceTransform = ({ name, props, opts }) =>
      name === "shop-c" ? { props: { ...props, ...STRICT }, opts } : undefined;
    const changed = await done(run({ a, b, c }, {}, {}, { transforms: [one] }));
    expect(changed.changes["update"], changed.text).toBe(1);
    expect(await ignores()).toBe("1 2, 1 2, 2 2");
    await done(run({ a, b, c }));
  });

  describe("a member that is dead, with a refresh before each up", () => {
    const refresh = { refresh: true };
    beforeAll(() => b.cut());

    it("is kept while it has nothing to change, and holds up later batches when it has", async () => {
      const kept = await done(run({ a, b, c }, {}, refresh));
      expect(said(kept, "warning").join()).toContain("not read, what was known is kept");
      expect(kept.changes["same"], kept.text).toBe(5);
      const failed = await run({ a, b, c }, STRICT, refresh);
      expect(failed.succeeded).toBe(false);
      expect(await Promise.all([a, c].map((host) => arpOf(host)))).toEqual(["2 2", "1 2"]);
    });

    it("is removed while the others go on, as soon as it is named as gone", async () => {
      const failed = await run({ a, c }, STRICT, refresh);
      expect(failed.succeeded).toBe(false);
      expect(await Promise.all([a, c].map((host) => arpOf(host)))).toEqual(["2 2", "2 2"]);
      expect(await members()).toEqual(["a", "b", "c"]);
      engine.env["PULUMI_LVS_DR_FORGET"] = b.address;
      const removed = await done(run({ a, c }, STRICT, refresh));
      expect(removed.changes["same"], removed.text).toBe(4);
      expect(await members()).toEqual(["a", "c"]);
    });
  });
});
