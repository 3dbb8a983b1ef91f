import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Traffic } from "../../lab/traffic";
import type { RealServerPoolArgs } from "../../src/index";
import { NOTHING, onLo, traces } from "../provider/stage";
import { type Members, PoolStage, Steps, succeeded } from "./pool-stage";

const PER_SECOND = 60;
const AT_LEAST = 3000;
const BOTH = [80, 443].map((port) => ({ port, scheduler: "wrr" }));

describe("a pool of ten hosts and two directors, under traffic", () => {
  let pool: PoolStage;
  let added: string;

  beforeAll(async () => {
    const addedTo = (lab: PoolStage["stage"]["lab"]) => lab.vips[0].replace(/\d+$/, "251");
    pool = await PoolStage.create(12, (lab) => [addedTo(lab)]);
    added = addedTo(pool.stage.lab);
  });
  afterAll(() => pool.destroy());

  const up = async (members: Members, changes: Partial<RealServerPoolArgs> = {}) => {
    const steps = new Steps();
    const all = { services: BOTH, ...changes };
    const outcome = await succeeded(pool.up(members, all, { onEvent: steps.note }));
    expect(await pool.lost()).toEqual([]);
    return { outcome, steps };
  };
  /** Steps of one kind, each batch after all of the one before it: names of one letter. */
  const expectBatches = (steps: Steps, op: string, ...batches: string[]) => {
    const members = batches.map((batch) => batch.split(""));
    for (const [at, batch] of members.slice(1).entries())
      expect(steps.inOrder(op, members[at] ?? [], op, batch), steps.lines.join("\n")).toBe(true);
  };
  const servicesOf = (...vips: string[]) =>
    ["lb-1", "lb-2"].flatMap((lb) =>
      vips.flatMap((vip) => BOTH.map(({ port }) => `${lb}-${vip.replaceAll(":", ".")}-${port}`)),
    );

  it("loses no request, whatever happens to it, and is changed in its batches", async () => {
    const { vips } = pool.stage.lab;
    const h = (number: number) => pool.host(number);
    let members: Members = Object.fromEntries(
      Array.from("abcdefghij", (name, index) => [name, h(index + 1)]),
    );
    const made = await up(members);
    expectBatches(made.steps, "create", "a", "bc", "de", "fg", "hi", "j");
    expect(made.steps.inOrder("create", ["j"], "create", servicesOf(...vips))).toBe(true);
    const traffic = await Traffic.start(pool.stage.lab, pool.client, vips, PER_SECOND);

    expect((await up(members)).steps.lines).toEqual([]);

    const { a, ...rest } = members;
    members = { a: a ?? h(1), k: h(11), ...rest };
    const joined = await up(members);
    expect(joined.steps.of("create")).toEqual(["k"]);
    expect(joined.steps.of("update").sort()).toEqual(servicesOf(...vips).sort());
    expect(joined.steps.inOrder("create", ["k"], "update", servicesOf(...vips))).toBe(true);

    members = { ...members, b: [h(2), 3], c: [h(3), 2] };
    expect((await up(members)).outcome.changes).toEqual({ same: 13, update: 8 });

    // One leaves, and another has another host: the directors change over between them.
    const others = Object.entries(members).filter(([name]) => name !== "a");
    members = { ...Object.fromEntries(others), d: h(12) };
    const { steps } = await up(members);
    const services = servicesOf(...vips);
    expect(steps.inOrder("create-replacement", ["d"], "update", services)).toBe(true);
    expect(steps.inOrder("update", services, "delete", ["a"])).toBe(true);
    expect(steps.inOrder("update", services, "delete-replaced", ["d"])).toBe(true);
    for (const host of [h(1), h(4)]) expect(await traces(host)).toEqual(NOTHING);

    const { e, ...unnamed } = members;
    members = { ...unnamed, z: e ?? h(5) };
    const renamed = await up(members);
    expect([renamed.steps.of("create"), renamed.steps.of("delete")]).toEqual([["z"], ["e"]]);

    const more = await up(members, { vips: [...vips, added] });
    expectBatches(more.steps, "update", "k", "bc", "df", "gh", "ij", "z");
    expect(more.steps.of("create").sort()).toEqual(servicesOf(added).sort());
    expect((await pool.client.request(added)).asked).toBe(added);

    const retired = await up(members, { vips: [...vips], retiring: [added] });
    expect(retired.outcome.changes).toMatchObject({ delete: 4 });
    expect(await onLo(h(2))).toContain(`${added}/32`);
    const dropped = await up(members);
    expectBatches(dropped.steps, "update", "k", "bc", "df", "gh", "ij", "z");
    expect(await onLo(h(2))).not.toContain(`${added}/32`);

    const one = { services: BOTH.slice(0, 1) };
    const without = await up(members, one);
    expect(without.outcome.changes).toMatchObject({ delete: 4 });

    await traffic.until(({ sent }) => sent >= AT_LEAST);
    const { requests, frames } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    const answered = Object.values(requests.answered).reduce((sum, count) => sum + count, 0);
    expect(answered).toBe(requests.sent);
    const macs = Object.values(pool.directors).map(({ mac }) => mac);
    expect(Object.keys(frames.answers).sort()).toEqual(macs.sort());
    console.log(`${requests.sent} requests, none failed: ${JSON.stringify(requests.answered)}`);

    const gone = new Steps();
    await succeeded(pool.engine.destroy({ onEvent: gone.note }));
    const last = ["lb-1", "lb-2"].flatMap((lb) =>
      vips.map((vip) => `${lb}-${vip.replaceAll(":", ".")}-80`),
    );
    expect(gone.inOrder("delete", last, "delete", ["z"])).toBe(true);
    expectBatches(gone, "delete", "z", "ji", "hg", "fd", "cb", "k");
    for (const host of pool.hosts) expect(await traces(host)).toEqual(NOTHING);
    for (const name of ["lb-1", "lb-2"] as const) expect(await pool.destinations(name)).toEqual([]);
  });
});
