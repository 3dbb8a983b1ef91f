import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RealServerArgs } from "../../src/index";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { serveWeb } from "../../lab/web";
import { NOTHING, onLo, said, Stage, stepOf, stored, traces, VIP, VIP6 } from "./stage";

const STALE = ["198.51.100.7/32", "2001:db8::99/128"];
const WIDER = "198.51.100.64/26";

describe("addresses on lo that nobody declares", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("web-1");
  });
  afterAll(() => stage.destroy());
  beforeEach(async () => {
    engine = await stage.engine();
  });
  afterEach(async () => {
    await engine.destroy();
    for (const address of [...STALE, WIDER])
      await host.run(`ip addr del ${address} dev lo`, { allowFailure: true });
    expect(await traces(host)).toEqual(NOTHING);
  });

  const program = (changes: Partial<RealServerArgs> = {}) =>
    stage.program(stage.args(host, changes));
  const leaveStale = async () => {
    for (const address of [...STALE, WIDER]) await host.run(`ip addr add ${address} dev lo`);
  };

  it("are shown by a preview that refreshes, removed by the next up, and named", async () => {
    const args = { staleVips: "withdraw" } as const;
    await engine.up(program(args));
    await leaveStale();
    const preview = await engine.preview(program(args), { refresh: true });
    expect(preview.succeeded, preview.text).toBe(true);
    expect(preview.steps.map(({ op }) => op)).toContain("update");
    for (const address of STALE)
      expect(said(preview, "warning").join()).toContain(
        `lo: ${address} bound and declared by nobody`,
      );
    expect(await onLo(host)).toHaveLength(5);

    await engine.refresh();
    expect((await stored(engine)).outputs).toMatchObject({
      converged: false,
      drift: STALE.map((address) => `lo: ${address} bound and declared by nobody`),
      foreignVips: ["198.51.100.7", WIDER, "2001:db8::99"],
    });
    const outcome = await engine.up(program(args));
    expect(outcome.succeeded, outcome.text).toBe(true);
    for (const address of STALE)
      expect(said(outcome, "warning").join()).toContain(`${address} leaves lo`);
    expect(await onLo(host)).toEqual([WIDER, `${VIP6}/128`, `${VIP}/32`]);
    expect((await stored(engine)).outputs).toMatchObject({ converged: true, foreignVips: [WIDER] });
    await host.run(`ip addr del ${WIDER} dev lo`);
  });

  it("stay, and are no drift, where they are only to be reported; withdraw is an update", async () => {
    await leaveStale();
    await engine.up(program());
    const same = await engine.up(program(), { refresh: true });
    expect(stepOf(same)).not.toBe("update");
    expect(await onLo(host)).toHaveLength(5);
    expect((await stored(engine)).outputs).toMatchObject({ converged: true, drift: [] });

    const preview = await engine.preview(program({ staleVips: "withdraw" }), { refresh: true });
    const named = STALE.map((prefix) => `${prefix} would leave lo: declared by nobody (staleVips)`);
    expect(said(preview, "warning"), preview.text).toEqual(named);
    const outcome = await engine.up(program({ staleVips: "withdraw" }));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(host)).toEqual([WIDER, `${VIP6}/128`, `${VIP}/32`]);
    await host.run(`ip addr del ${WIDER} dev lo`);
  });

  it("stay where they are excepted, whatever else is withdrawn; excepted no more, they go", async () => {
    const [kept = "", gone = ""] = STALE;
    await leaveStale();
    await engine.up(program());
    const some = { staleVips: { withdraw: true, except: [kept] } };
    const first = await engine.preview(program(some), { refresh: true });
    expect(said(first, "warning").join(), first.text).toMatch(
      new RegExp(`^${gone} would leave lo: declared by nobody \\(staleVips\\)$`),
    );
    const outcome = await engine.up(program(some));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(host)).toEqual([WIDER, kept, `${VIP6}/128`, `${VIP}/32`]);
    const { outputs } = await stored(engine);
    expect(outputs).toMatchObject({ converged: true, foreignVips: [kept.split("/")[0], WIDER] });

    const all = program({ staleVips: "withdraw" });
    const second = await engine.preview(all, { refresh: true });
    expect(said(second, "warning").join(), second.text).toContain(`${kept} would leave lo`);
    await engine.up(all);
    expect(await onLo(host)).toEqual([WIDER, `${VIP6}/128`, `${VIP}/32`]);
    await host.run(`ip addr del ${WIDER} dev lo`);
  });

  it("are none that another owner declares, and a destroy takes only its own", async () => {
    const other = await stage.engine();
    await other.up(program({ vips: ["203.0.113.20"], owner: "another" }));
    await engine.up(program({ staleVips: "withdraw" }));
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`, "203.0.113.20/32"]);
    await leaveStale();
    await engine.destroy();
    expect(await onLo(host)).toEqual([...STALE, WIDER, "203.0.113.20/32"].sort());
    for (const address of [...STALE, WIDER]) await host.run(`ip addr del ${address} dev lo`);
    await other.destroy();
  });

  it("are drained like any VIP", async () => {
    const client = await stage.lab.client();
    await client.host.run(`ip route add 198.51.100.7 via ${host.address}`);
    await host.run(`ip addr add ${STALE[0]} dev lo`);
    await serveWeb(host);
    await client.open(["198.51.100.7"], 12_000);
    const args = { staleVips: "withdraw", drain: { timeoutSeconds: 60 } } as const;
    const outcome = await engine.up(program(args));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).toContain("draining 1 connection (198.51.100.7: 1)");
    expect(await client.finish()).toHaveLength(1);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });
});
