import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer, RealServerPool, type RealServerPoolArgs } from "../../src/index";
import type { Engine, Outcome, RunOptions } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, realServers, said, Stage, stepOf, traces, VIP, VIP6 } from "./stage";

const OTHER = "203.0.113.11";
const bound = [`${VIP6}/128`, `${VIP}/32`];

/** Members by their names in the pool, in the order of the program. */
type Members = Readonly<Record<string, LabHost>>;

describe("a pool of real servers", () => {
  let stage: Stage;
  let hosts: readonly LabHost[];

  beforeAll(async () => {
    stage = await Stage.create();
    hosts = await Promise.all(
      ["one", "two", "three", "four", "five", "six"].map((name) => stage.host(name)),
    );
  });
  afterAll(() => stage.destroy());

  const host = (at: number): LabHost => {
    const found = hosts[at];
    if (found === undefined) throw new Error(`there is no host ${at}`);
    return found;
  };
  const program =
    (
      members: Members,
      changes: Partial<RealServerPoolArgs> = {},
      options?: pulumi.ComponentResourceOptions,
    ) =>
    () => {
      const named = Object.entries(members).map(([name, { address }]) => [name, address]);
      const args = {
        vips: [VIP, VIP6],
        connection: { privateKeyFile: stage.lab.keys.plain.path },
        realServers: Object.fromEntries(named) as Record<string, string>,
        rollout: { batch: [1, 2] },
        timeouts: { connectSeconds: 2, operationSeconds: 20 },
        ...changes,
      };
      new RealServerPool("shop", args, options);
      return Promise.resolve();
    };
  const done = async (run: Promise<Outcome>): Promise<Outcome> => {
    const outcome = await run;
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };
  const members = async (engine: Engine) =>
    (await realServers(engine)).map(({ urn }) => urn.replace(/.*::shop-/, "")).sort();

  // One life, from create to destroy: each test goes on where the one before it ended.
  describe("over its life", () => {
    let engine: Engine;
    let now: Members;

    beforeAll(async () => {
      engine = await stage.engine();
      now = { a: host(0), b: host(1), c: host(2), d: host(3), e: host(4) };
    });

    const up = (next: Members, changes: Partial<RealServerPoolArgs> = {}, options?: RunOptions) =>
      done(engine.up(program((now = next), changes), options));

    it("is made in batches, each after all of the batch before it", async () => {
      const { events, onEvent } = recorded();
      await up(now, {}, { onEvent });
      const at = (event: string) => events.indexOf(event);
      for (const [before, after] of [
        ["a", "bc"],
        ["bc", "de"],
      ] as const)
        for (const earlier of before)
          for (const later of after) {
            expect(at(`end ${earlier}`), events.join()).toBeGreaterThanOrEqual(0);
            expect(at(`start ${later}`), events.join()).toBeGreaterThan(at(`end ${earlier}`));
          }
      for (const one of Object.values(now)) expect(await onLo(one)).toEqual(bound);
    });

    it("shows no other difference when a host joins in the middle, nor when the order changes", async () => {
      const { a = host(0), ...rest } = now;
      const joined = await up({ a, x: host(5), ...rest });
      expect(joined.changes, joined.text).toEqual({ same: 7, create: 1 });
      const turned = await up(Object.fromEntries(Object.entries(now).reverse()));
      expect(turned.changes, turned.text).toEqual({ same: 8 });
    });

    it.each([{ continueOnError: false }, { continueOnError: true }])(
      "goes no further than a canary that fails, deletes nothing, and goes on with the next up: %o",
      async (options) => {
        const vips = options.continueOnError ? [VIP, VIP6] : [VIP, VIP6, OTHER];
        const wanted = [...bound, ...(options.continueOnError ? [] : [`${OTHER}/32`])];
        const [canary = host(0), ...others] = Object.values(now);
        const before = await onLo(canary);
        await canary.stopSsh();
        const failed = await engine.up(program(now, { vips }), options);
        await canary.startSsh();
        expect(failed.succeeded).toBe(false);
        expect(failed.steps.filter(({ op }) => /delete|replace/.test(op))).toEqual([]);
        if (options.continueOnError)
          expect(said(failed, "warning").join()).toContain(
            `not reached, because ${Object.keys(now)[0]} failed or was left out: ${Object.keys(now).slice(1).join(", ")}.`,
          );
        expect(await members(engine)).toEqual(Object.keys(now).sort());
        for (const one of Object.values(now)) expect(await onLo(one)).toEqual(before);
        const next = await up(now, { vips });
        expect(next.changes).toEqual({ same: 2, update: others.length + 1 });
        for (const one of Object.values(now)) expect(await onLo(one)).toEqual(wanted);
      },
    );

    it("lets a member leave, be renamed, and change places with another", async () => {
      const { x = host(5), ...rest } = now;
      const left = await up(rest);
      expect(left.changes, left.text).toEqual({ same: 7, delete: 1 });
      expect(await traces(x)).toEqual(NOTHING);

      const { a = host(0), b = host(1), ...others } = rest;
      const renamed = await up({ ...others, b, z: a });
      expect(renamed.changes, renamed.text).toEqual({ same: 6, create: 1, delete: 1 });
      expect(await onLo(a)).toEqual(bound);

      const swapped = await up({ ...others, b: a, z: b });
      expect(swapped.changes, swapped.text).toEqual({ same: 5, replace: 2 });
      for (const one of Object.values(now)) expect(await onLo(one)).toEqual(bound);
      expect((await up(now)).changes).toEqual({ same: 7 });
    });

    it("keeps a VIP that retires, until it is dropped", async () => {
      const retires = await up(now, { vips: [VIP6], retiring: [VIP] });
      expect(retires.changes, retires.text).toEqual({ same: 7 });
      for (const one of Object.values(now)) expect(await onLo(one)).toEqual(bound);
      await up(now, { vips: [VIP6] });
      for (const one of Object.values(now)) expect(await onLo(one)).toEqual([`${VIP6}/128`]);
    });

    it("is refreshed without a member that is dead, and changed without it where it is left out", async () => {
      const { b = host(1) } = now;
      await b.stopSsh();
      const refreshed = await done(engine.refresh());
      expect(said(refreshed, "warning").join()).toContain("not read, what was known is kept");
      const urn =
        (await realServers(engine)).find(({ urn }) => urn.endsWith("::shop-b"))?.urn ?? "";
      const changes = { vips: [VIP6], arp: { ignore: 2 } as const };
      const others = await up(now, changes, { exclude: [urn] });
      expect(others.changes, others.text).toMatchObject({ update: Object.keys(now).length - 1 });
      expect(said(others, "warning").join()).not.toContain("not reached");
      await b.startSsh();
      expect((await up(now, changes)).changes).toMatchObject({ update: 1 });
    });

    it("leaves nothing after destroy", async () => {
      await done(engine.destroy());
      for (const one of hosts) expect(await traces(one)).toEqual(NOTHING);
    });
  });

  it("is not begun where its first member fails", async () => {
    const engine = await stage.engine();
    await host(0).stopSsh();
    const failed = await engine.up(program({ a: host(0), b: host(1), c: host(2) }));
    await host(0).startSsh();
    expect(failed.succeeded).toBe(false);
    for (const name of ["shop-b", "shop-c"]) expect(stepOf(failed, name)).toBeUndefined();
    for (const at of [0, 1, 2]) expect(await traces(host(at))).toEqual(NOTHING);
  });

  it("adopts real servers that were declared one by one, and touches no address", async () => {
    const engine = await stage.engine();
    const alone = { a: host(0), b: host(1) };
    await done(
      engine.up(async () => {
        for (const [name, one] of Object.entries(alone)) new RealServer(name, stage.args(one));
      }),
    );
    for (const one of Object.values(alone))
      await one.run("ip monitor address >/run/monitor 2>&1 & echo $! >/run/monitor.pid");
    const adopted = await done(engine.up(program(alone, {}, { transformations: [aliased] })));
    expect(adopted.changes, adopted.text).toEqual({ same: 1, create: 1, update: 2 });
    for (const one of Object.values(alone)) {
      const monitor = await one.run("kill $(cat /run/monitor.pid); cat /run/monitor");
      expect(monitor.stdout).toBe("");
      expect(await onLo(one)).toEqual(bound);
    }
    expect((await done(engine.up(program(alone)))).changes).toEqual({ same: 4 });
    await done(engine.destroy());
    for (const one of Object.values(alone)) expect(await traces(one)).toEqual(NOTHING);
  });

  it("has no service made for it while two members are one machine", async () => {
    const engine = await stage.engine();
    await host(0).run("ip addr add 198.51.100.2/32 dev eth0");
    const twice = {
      "web-1": host(0).address,
      "web-2": { host: host(0).address6, rip: "198.51.100.2" },
      "web-3": host(1).address,
    };
    // Nobody is there: the service fails before it is dialled.
    const changes = {
      realServers: twice,
      directors: { lb: "198.51.100.1" },
      services: [{ port: 80 }],
    };
    const only4 = program({}, { ...changes, vips: [VIP] });
    const failed = await engine.up(only4);
    expect(failed.succeeded).toBe(false);
    expect(failed.text).toContain("web-1 and web-2 are one machine");
    expect(failed.text).not.toContain("cannot be reached");
    expect(await members(engine)).toEqual(["web-1", "web-2", "web-3"]);
    await done(engine.destroy());
    await host(0).run("ip addr del 198.51.100.2/32 dev eth0");
    for (const at of [0, 1]) expect(await traces(host(at))).toEqual(NOTHING);
  });

  it("warns of a member whose RIP is another host's, as long as it is", async () => {
    const engine = await stage.engine();
    const at = (one: LabHost, rip: string) => ({
      realServers: { "web-1": { host: one.address, rip } },
    });
    const warned = `the RIP ${host(0).address} is no address of this host's NICs (${host(1).address})`;
    const first = await done(engine.up(program({}, at(host(0), host(0).address))));
    expect(first.text).not.toContain("the RIP ");
    // The host is another one, and its RIP was forgotten.
    const moved = await done(engine.up(program({}, at(host(1), host(0).address))));
    expect(moved.text).toContain(warned);
    expect((await done(engine.refresh())).text).toContain(warned);
    const mended = await done(engine.up(program({}, at(host(1), host(1).address))));
    expect(mended.text).not.toContain("the RIP ");
    await done(engine.destroy());
    for (const one of [0, 1]) expect(await traces(host(one))).toEqual(NOTHING);
  });
});

/** As in docs/how-to/pool.md. */
const aliased: pulumi.ResourceTransformation = ({ name, props, opts }) => {
  if (name === "shop") return undefined;
  const alone = { name: name.replace(/^shop-/, ""), parent: pulumi.rootStackResource };
  return { props, opts: pulumi.mergeOptions(opts, { aliases: [alone] }) };
};

/** The members' steps as the engine takes them: "start a", "end a". */
function recorded(): { readonly events: string[] } & Required<Pick<RunOptions, "onEvent">> {
  const events: string[] = [];
  const note = (what: string, urn = "") => {
    const [, name] = /:RealServer::shop-(.*)$/.exec(urn) ?? [];
    if (name !== undefined) events.push(`${what} ${name}`);
  };
  return {
    events,
    onEvent: ({ resourcePreEvent, resOutputsEvent }) => {
      note("start", resourcePreEvent?.metadata.urn);
      note("end", resOutputsEvent?.metadata.urn);
    },
  };
}
