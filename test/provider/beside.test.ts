import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, said, Stage, stored, traces, VIP, VIP6 } from "./stage";

// One life: each test goes on where the one before it ended.
describe("a VIP that was bound by hand, with routes beside it,", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    [host, engine] = await Promise.all([stage.host("web-1"), stage.engine()]);
  });
  afterAll(() => stage.destroy());

  const routes = async () => (await host.run(`ip -o route; ip -o -6 route | grep -v fe80`)).stdout;

  it("is adopted, and the routes from it stay as they are", async () => {
    await host.run(`
      ip addr add ${VIP}/32 brd ${VIP} dev lo label lo:0
      ip addr add ${VIP6}/128 dev lo noprefixroute
      ip route replace default via ${stage.lab.root.address} src ${VIP}
      ip route add ${VIP} dev lo src ${VIP}
      ip -6 route add 2001:db8:7::/64 via ${stage.lab.root.address6} src ${VIP6}`);
    const before = await routes();
    const outcome = await engine.up(stage.program(stage.args(host)));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await routes()).toBe(before);
    expect((await stored(engine)).outputs).toMatchObject({
      bindings: [
        { address: VIP, scope: "host", label: "lo:dr" },
        { address: VIP6, scope: "global", label: "" },
      ],
    });
  });

  it("is not withdrawn before the commands that the refusal names have been run", async () => {
    const before = await routes();
    const refused = await engine.destroy();
    expect(refused.succeeded).toBe(false);
    expect(await routes()).toBe(before);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    const [message = ""] = said(refused, "error");
    const commands = [...message.matchAll(/run "([^"]*)" yourself/g)].map(([, line]) => line);
    expect(commands).toHaveLength(3);
    await host.run(commands.join("\n"));
  });

  it("is withdrawn, and a destroy names the route that keeps the host from the service", async () => {
    await host.run(`ip route add ${VIP} dev lo; ip -6 route add ${VIP6} dev lo`);
    // One that somebody has taken off lo before is named as well.
    await host.run(`ip addr del ${VIP6}/128 dev lo`);
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
    const named = said(outcome, "warning").filter((text) => text.includes("by the route"));
    expect(named).toHaveLength(2);
    for (const text of named) expect(text).toContain("the host does not reach the service there");
    const commands = named.map((text) => /run "([^"]*)"/.exec(text)?.[1] ?? "false");
    await host.run(commands.join("\n"));
    expect((await host.run(`ip route get ${VIP}`)).stdout).not.toContain("dev lo");
  });

  it("is dropped by an update, which names the route and the file that have it here all the same", async () => {
    const both = await engine.up(stage.program(stage.args(host)));
    expect(both.succeeded, both.text).toBe(true);
    const folder = "/etc/network/interfaces.d";
    await host.run(`mkdir -p ${folder}; ip route add ${VIP} dev lo
      printf 'iface lo inet static\n  address ${VIP}/32\n' >${folder}/shop`);
    const one = await engine.up(stage.program(stage.args(host, { vips: [VIP6] })));
    expect(one.succeeded, one.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`]);
    const named = said(one, "warning").join("\n");
    expect(named).toContain(`${VIP} is still delivered to the host itself`);
    expect(named).toContain(`${folder}/shop line 2 binds ${VIP}`);
  });
});
