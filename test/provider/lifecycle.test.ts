import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import {
  arpOf,
  NOTHING,
  onLo,
  said,
  slowLogin,
  Stage,
  stateBytes,
  stepOf,
  stored,
  traces,
  VIP,
  VIP6,
} from "./stage";

// One life, from create to destroy: each test goes on where the one before it ended.
describe("the life of a real server", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
  });
  afterAll(() => stage.destroy());

  const up = (vips: string[]) => engine.up(stage.program(stage.args(host, { vips })));

  it("touches no host in a preview", async () => {
    const preview = await engine.preview(stage.program(stage.args(host)));
    expect(preview.succeeded, preview.text).toBe(true);
    expect(stepOf(preview)).toBe("create");
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("is created: VIPs on lo, and silence on the wire", async () => {
    const outcome = await up([VIP, VIP6]);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(host)).toEqual([VIP6 + "/128", VIP + "/32"]);
    expect(await arpOf(host)).toBe("1 2");
    expect(await stage.lab.arping(VIP)).toEqual([]);
    expect(await stage.lab.arping(host.address)).toEqual([host.mac]);
    expect(await stage.lab.solicit(VIP6)).toEqual([]);
  });

  it("tells on its row what it is doing, where that takes long", async () => {
    await slowLogin(host);
    const outcome = await up([VIP, VIP6, "203.0.113.11"]);
    expect(said(outcome, "info")).toContain("binding 1 VIP");
    const rows = new Set(outcome.said.map(({ urn }) => urn.split("::").at(-1)));
    expect(rows).toEqual(new Set(["web-1"]));
    await host.run("rm /etc/ssh/sshrc");
    await up([VIP, VIP6]);
  });

  it("has outputs that say what was read back", async () => {
    const { outputs } = await stored(engine);
    expect(outputs).toMatchObject({
      vips: [VIP, VIP6],
      bindings: [
        { address: VIP, scope: "host", label: "lo:dr" },
        { address: VIP6, scope: "global", label: "" },
      ],
      effectiveArp: { eth0: { ignore: 1, announce: 2 } },
      foreignVips: [],
      drift: [],
      converged: true,
      hostKey: host.hostKey,
      machineId: (await host.run("cat /etc/machine-id")).stdout.trim(),
    });
  });

  it("shows no diff when nothing changed, nor for another spelling or order", async () => {
    for (const vips of [
      [VIP, VIP6],
      ["2001:DB8:0:0::10/128", `${VIP}/32`],
    ]) {
      const outcome = await up(vips);
      expect(outcome.changes, outcome.text).toEqual({ same: 2 });
    }
  });

  it("leaves an unchanged VIP alone while others come and go", async () => {
    await host.run("ip monitor address >/run/monitor 2>&1 & echo $! >/run/monitor.pid");
    await up([VIP, VIP6, "203.0.113.12"]);
    await up([VIP, VIP6, "2001:db8::12"]);
    await up([VIP6, VIP]);
    const monitor = await host.run("kill $(cat /run/monitor.pid); cat /run/monitor");
    expect(monitor.stdout).toContain("203.0.113.12/32");
    expect(monitor.stdout).toContain("Deleted");
    expect(monitor.stdout).toContain("2001:db8::12/128");
    expect(monitor.stdout).not.toContain(`${VIP}/`);
    expect(monitor.stdout).not.toContain(`${VIP6}/`);
    expect(await onLo(host)).toEqual([VIP6 + "/128", VIP + "/32"]);
  });

  it("leaves nothing after destroy", async () => {
    expect((await traces(host)).files).toEqual([
      "/etc/init.d/pulumi-lvs-dr",
      "/etc/runlevels/boot/pulumi-lvs-dr",
      "/var/lib/lvs-dr",
    ]);
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });
});

it("takes at most 2,100 bytes of state with two VIPs and a key in a file", async () => {
  const stage = await Stage.create();
  try {
    const [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
    const connection = stage.connection(host, { privateKeyFile: await stage.keyAtHome(engine) });
    const args = { connection, vips: [VIP, VIP6] };
    const outcome = await engine.up(stage.program(args));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await stateBytes(engine)).toBeLessThanOrEqual(2100);
    await engine.destroy();
  } finally {
    await stage.destroy();
  }
});
