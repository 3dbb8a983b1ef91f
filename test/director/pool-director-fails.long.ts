import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { RunOptions } from "../../lab/engine";
import { NOTHING, traces } from "../provider/stage";
import { type Members, PoolStage, succeeded } from "./pool-stage";

const HELD = 6;

// One life: each run goes on from where the one before it was mended.
describe("a pool of which one director fails while it drains who leaves and who is replaced", () => {
  let pool: PoolStage;

  beforeAll(async () => {
    pool = await PoolStage.create(4, () => []);
    await succeeded(up({ a: pool.host(1), b: pool.host(2), c: pool.host(3) }));
  });
  afterAll(() => pool.destroy());

  const vip = () => pool.stage.lab.vips[1];
  const up = (members: Members, options?: RunOptions) =>
    pool.up(members, { vips: [vip()] }, options);

  const urnsOf = async (...names: string[]) =>
    (await pool.engine.resources())
      .map(({ urn }) => urn)
      .filter((urn) => names.some((name) => urn.endsWith(`::shop-${name}`)));

  it.each([
    { mode: "plainly", from: 2, to: 4, options: () => Promise.resolve({}) },
    {
      ...{ mode: "with --continue-on-error", from: 4, to: 2 },
      options: () => Promise.resolve({ continueOnError: true }),
    },
    {
      ...{ mode: "with --target and --target-dependents", from: 2, to: 4 },
      options: async () => ({ target: await urnsOf("b", "c"), targetDependents: true }),
    },
  ])(
    "keeps the VIPs of every host that it may still send to, $mode",
    async ({ from, to, options }) => {
      const [a, old, next, c] = [pool.host(1), pool.host(from), pool.host(to), pool.host(3)];
      const director = pool.directors["lb-2"];
      // So that its drain goes on until it is cut off.
      const held = await pool.client.hold(Array.from({ length: HELD }, vip));
      expect([...new Set(held)].sort()).toEqual([a, old, c].map(({ name }) => name).sort());
      let cut: Promise<unknown> | undefined;
      const onEvent: RunOptions["onEvent"] = ({ diagnosticEvent }) => {
        const { message = "", urn = "" } = diagnosticEvent ?? {};
        if (message.startsWith("draining") && urn.includes("::shop-lb-2-"))
          cut ??= director.run("systemctl stop ssh.socket ssh.service; pkill -9 sshd; :");
      };
      const failed = await up({ a, b: next }, { ...(await options()), onEvent });
      expect(cut, failed.text).toBeDefined();
      await cut;
      expect(failed.succeeded, failed.text).toBe(false);
      expect(await pool.lost()).toEqual([]);
      expect(await pool.destinations("lb-2")).toEqual(
        expect.arrayContaining([old.address6, c.address6]),
      );
      await pool.client.finish();
      await director.run("systemctl start ssh.service");
      await succeeded(up({ a, b: next, c }));
      expect(await pool.lost()).toEqual([]);
      expect(await traces(old)).toEqual(NOTHING);
    },
  );

  it("keeps the VIPs of a member that was removed and is named by --target without its services", async () => {
    const rest = { a: pool.host(1), b: pool.host(4) };
    // The engine does not delete what others depend on in the state, and says nothing of it.
    const outcome = await succeeded(up(rest, { target: await urnsOf("c") }));
    expect(outcome.changes["delete"]).toBeUndefined();
    expect(await pool.lost()).toEqual([]);
    await succeeded(up(rest));
    expect(await traces(pool.host(3))).toEqual(NOTHING);
  });

  it("is rid of it all once its directors can be reached", async () => {
    await succeeded(pool.engine.destroy());
    for (const host of pool.hosts) expect(await traces(host)).toEqual(NOTHING);
    for (const name of ["lb-1", "lb-2"] as const) expect(await pool.destinations(name)).toEqual([]);
  });
});
