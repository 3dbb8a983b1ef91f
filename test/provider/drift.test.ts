import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { arpOf, onLo, said, Stage, stepOf, stored, VIP, VIP6 } from "./stage";

const ALL = "/proc/sys/net/ipv4/conf/all";
const ETH0 = "/proc/sys/net/ipv4/conf/eth0";

describe("drift", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
    const created = await engine.up(stage.program(stage.args(host)));
    expect(created.succeeded, created.text).toBe(true);
  });
  afterAll(() => stage.destroy());

  const cases: { what: string; undo: string; line: RegExp; diff?: string }[] = [
    { what: "an IPv4 VIP gone", undo: `ip addr del ${VIP}/32 dev lo`, line: /10/, diff: "vips" },
    { what: "an IPv6 VIP gone", undo: `ip addr del ${VIP6}/128 dev lo`, line: /db8/, diff: "vips" },
    {
      what: "a VIP with another scope",
      undo: `ip addr del ${VIP}/32 dev lo; ip addr add ${VIP}/32 dev lo label lo:dr`,
      line: /scope global, wanted host/,
    },
    {
      what: "a VIP with another label",
      undo: `ip addr del ${VIP}/32 dev lo; ip addr add ${VIP}/32 dev lo scope host`,
      line: /label lo, wanted lo:dr/,
    },
    {
      what: "arp_ignore undone",
      undo: `echo 0 >${ALL}/arp_ignore`,
      line: /eth0: arp_ignore 0, wanted 1/,
      diff: "arp",
    },
    {
      what: "arp_announce undone",
      undo: `echo 0 >${ALL}/arp_announce`,
      line: /eth0: arp_announce 0, wanted 2/,
      diff: "arp",
    },
    { what: "its record gone", undo: "rm -f /var/lib/lvs-dr/owners/*", line: /record/ },
    { what: "the whole registry gone", undo: "rm -rf /var/lib/lvs-dr", line: /record/ },
  ];

  it.each(cases)("is shown by a refresh and repaired by up: $what", async (one) => {
    await host.run(one.undo);
    const refresh = await engine.refresh();
    expect(refresh.succeeded, refresh.text).toBe(true);
    expect(said(refresh, "warning").join("\n")).toMatch(one.line);
    const found = await stored(engine);
    expect(found.outputs.converged).toBe(false);
    expect(found.outputs.drift.join("\n")).toMatch(one.line);
    expect(found.outputs.vips, "what is declared stays, for delete").toEqual([VIP, VIP6]);

    const repaired = await engine.up(stage.program(stage.args(host)));
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect(stepOf(repaired)).toBe("update");
    if (one.diff) expect(repaired.text).toContain(`[diff: ~${one.diff}]`);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect((await host.run("ip -o addr show dev lo")).stdout).toContain("scope host lo:dr");
    expect(await arpOf(host)).toBe("1 2");
    expect((await stored(engine)).outputs).toMatchObject({ converged: true, drift: [] });
    expect(await stage.lab.arping(VIP)).toEqual([]);
  });

  it("is nothing after all repairs: up with a refresh changes nothing", async () => {
    const outcome = await engine.up(stage.program(stage.args(host)), { refresh: true });
    expect(outcome.changes, outcome.text).toEqual({ same: 2 });
  });

  it("by a key that is not ours is shown and not repaired: up says what to set", async () => {
    await host.run(`echo 4 >${ETH0}/arp_ignore`);
    const refresh = await engine.refresh();
    expect(said(refresh, "warning").join("\n")).toContain("eth0: arp_ignore 4, wanted 1");
    const refused = await engine.up(stage.program(stage.args(host)));
    expect(refused.succeeded).toBe(false);
    expect(said(refused, "error").join()).toContain("net.ipv4.conf.eth0");
    expect(await arpOf(host, "eth0")).toBe("4 0");

    await host.run(`echo 0 >${ETH0}/arp_ignore`);
    const repaired = await engine.up(stage.program(stage.args(host)));
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect((await stored(engine)).outputs).toMatchObject({ converged: true, drift: [] });
  });

  it("leaves foreign addresses alone, and names them", async () => {
    await host.run("ip addr add 198.51.100.7/32 dev lo");
    await engine.refresh();
    expect((await stored(engine)).outputs).toMatchObject({
      converged: true,
      foreignVips: ["198.51.100.7"],
    });
    const destroyed = await engine.destroy();
    expect(await onLo(host)).toEqual(["198.51.100.7/32"]);
    // Without arp_ignore the host would answer for it: the key stays, and destroy says so.
    expect(await arpOf(host)).toBe("1 2");
    expect(said(destroyed, "warning").join()).toContain("198.51.100.7");
    await host.run("ip addr del 198.51.100.7/32 dev lo");
  });

  it("on a NIC of a list is repaired on that NIC", async () => {
    const listed = await stage.engine();
    const args = stage.args(host, { arp: { interfaces: ["eth0"] } });
    await listed.up(stage.program(args));
    expect([await arpOf(host), await arpOf(host, "eth0")]).toEqual(["0 0", "1 2"]);
    await host.run(`echo 0 >${ETH0}/arp_ignore`);
    await listed.refresh();
    expect((await stored(listed)).outputs.drift).toEqual(["eth0: arp_ignore 0, wanted 1"]);
    const repaired = await listed.up(stage.program(args));
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect([await arpOf(host), await arpOf(host, "eth0")]).toEqual(["0 0", "1 2"]);
    await listed.destroy();
    expect(await arpOf(host, "eth0")).toBe("0 0");
  });

  const ignored = [{}, { ignoreChanges: ["vips", "arp"] }, { ignoreChanges: ["vips[0]"] }];
  it.each(ignored)(
    "is marked at its place, and repaired, under the options %j",
    async (options) => {
      const mine = await stage.engine();
      const both = stage.program(stage.args(host), options);
      const created = await mine.up(both);
      expect(created.succeeded, created.text).toBe(true);
      // All of it, so that nothing declared is left; then one of two, which must not be given up.
      for (const lost of [[VIP, VIP6], [VIP]]) {
        for (const vip of lost) await host.run(`ip addr del ${vip} dev lo`);
        await host.run(`echo 0 >${ALL}/arp_ignore`);
        const preview = await mine.preview(both, { refresh: true, diff: true });
        expect(preview.succeeded, preview.text).toBe(true);
        expect(preview.text).toContain(`${VIP} (not bound)`);
        expect(preview.text).toContain("1 (0 in force)");
        expect(preview.steps.map(({ op }) => op)).toContain("update");

        await mine.refresh();
        await mine.refresh();
        const marked = (await stored(mine)).inputs;
        expect(marked).toMatchObject({
          vips: [VIP, VIP6].map((vip) => (lost.includes(vip) ? `${vip} (not bound)` : vip)),
          arp: { ignore: "1 (0 in force)", announce: 2 },
        });
        const repaired = await mine.up(both);
        expect(repaired.succeeded, repaired.text).toBe(true);
        expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
        expect(await arpOf(host)).toBe("1 2");
        const { inputs, outputs } = await stored(mine);
        expect(inputs).toMatchObject({ vips: [VIP, VIP6], arp: { ignore: 1, announce: 2 } });
        expect(outputs).toMatchObject({ converged: true, drift: [], vips: [VIP, VIP6] });
      }
      await mine.destroy();
      expect(await onLo(host)).toEqual([]);
    },
  );
});
