import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Keepalived, KEEPALIVED_FOLDER } from "../../lab/keepalived";
import { Traffic } from "../../lab/traffic";
import type { RealServerPoolArgs } from "../../src/index";
import { NOTHING, onLo, traces } from "../provider/stage";
import { type Members, PoolStage, Steps, succeeded } from "./pool-stage";

const PER_SECOND = 60;
const AT_LEAST = 2000;
const check = { tcp: { intervalSeconds: 1, timeoutSeconds: 5 } };

describe("a pool whose directors' tables keepalived keeps", () => {
  let pool: PoolStage;
  let keepers: readonly Keepalived[];
  let extra: string;

  beforeAll(async () => {
    const extraOf = (lab: PoolStage["stage"]["lab"]) => lab.vips[0].replace(/\d+$/, "251");
    pool = await PoolStage.create(4, (lab) => [extraOf(lab)]);
    extra = extraOf(pool.stage.lab);
    const guests = Object.values(pool.directors);
    keepers = await Promise.all(guests.map((guest, at) => Keepalived.start(guest, 51 + at)));
  });
  afterAll(() => pool.destroy());

  const up = async (members: Members, changes: Partial<RealServerPoolArgs> = {}) => {
    const steps = new Steps();
    const services = [{ port: 80, scheduler: "wrr", manager: { keepalived: { check } } }];
    const outcome = await succeeded(
      pool.up(members, { services, ...changes }, { onEvent: steps.note }),
    );
    expect(await pool.lost()).toEqual([]);
    return { outcome, steps };
  };
  const perDirector = <T>(look: (keeper: Keepalived) => Promise<T>) =>
    Promise.all(keepers.map(look));
  const files = () =>
    perDirector(async ({ guest }) => {
      const { stdout } = await guest.run(`ls -A ${KEEPALIVED_FOLDER}`);
      return stdout.split("\n").filter((name) => name !== "");
    });
  const servicesOf = (...vips: string[]) =>
    ["lb-1", "lb-2"].flatMap((lb) => vips.map((vip) => `${lb}-${vip.replaceAll(":", ".")}-80`));

  it("loses no request while hosts join, leave and are replaced and a VIP retires, and leaves nothing", async () => {
    const { vips } = pool.stage.lab;
    const [a, b, c, next] = [pool.host(1), pool.host(2), pool.host(3), pool.host(4)];
    const all = { vips: [...vips, extra] };
    await up({ a, b }, all);
    for (const names of await files())
      expect(names).toEqual([...vips, extra].map((vip) => `lvs-dr-${vip}-80.conf`).sort());
    // keepalived has its checkers from the first service on.
    const running = await perDirector((keeper) => keeper.processes());
    const traffic = await Traffic.start(pool.stage.lab, pool.client, vips, PER_SECOND);
    expect((await up({ a, b }, all)).steps.lines).toEqual([]);

    const joined = await up({ a, b, c: [c, 2] }, all);
    expect(joined.steps.inOrder("create", ["c"], "update", servicesOf(...vips, extra))).toBe(true);
    expect((await pool.client.request(extra)).asked).toBe(extra);

    const { steps } = await up({ b: next, c: [c, 2] }, { vips: [...vips], retiring: [extra] });
    const services = servicesOf(...vips);
    expect(steps.inOrder("create-replacement", ["b"], "update", services)).toBe(true);
    expect(steps.inOrder("update", services, "delete", ["a"])).toBe(true);
    expect(steps.inOrder("update", services, "delete-replaced", ["b"])).toBe(true);
    for (const host of [a, b]) expect(await traces(host)).toEqual(NOTHING);
    for (const names of await files())
      expect(names).toEqual(vips.map((vip) => `lvs-dr-${vip}-80.conf`).sort());
    expect(await onLo(c)).toContain(`${extra}/32`);
    await up({ b: next, c: [c, 2] });
    expect(await onLo(c)).not.toContain(`${extra}/32`);

    await traffic.until(({ sent }) => sent >= AT_LEAST);
    const { requests } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    expect(Object.values(requests.answered).reduce((sum, one) => sum + one, 0)).toBe(requests.sent);
    console.log(`${requests.sent} requests, none failed: ${JSON.stringify(requests.answered)}`);
    expect(await perDirector((keeper) => keeper.processes())).toEqual(running);

    await succeeded(pool.engine.destroy());
    for (const host of pool.hosts) expect(await traces(host)).toEqual(NOTHING);
    for (const name of ["lb-1", "lb-2"] as const) expect(await pool.destinations(name)).toEqual([]);
    expect(await files()).toEqual([[], []]);
    const parents = async () =>
      (await perDirector((keeper) => keeper.processes())).map((pids) => pids.split(" ", 1));
    expect(await parents()).toEqual(running.map((pids) => pids.split(" ", 1)));
  });
});
