import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualService, type VirtualServiceArgs } from "../../src/index";
import type { Engine } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import { webHost } from "../../lab/web-host";
import { eventually } from "../host/box";
import { Stage, VIP } from "../provider/stage";

const FOLDER = "/etc/keepalived/conf.d";

// One life, from create to destroy: each test goes on where the one before it ended.
describe("the life of a service that keepalived has", () => {
  let stage: Stage;
  let engine: Engine;
  let guest: Guest;
  let hosts: readonly LabHost[];

  beforeAll(async () => {
    stage = await Stage.create();
    const [director, own, ...servers] = await Promise.all([
      stage.lab.guest("lb"),
      stage.engine(),
      ...["rs1", "rs2"].map((name) => webHost(stage.lab, name)),
    ]);
    [guest, engine, hosts] = [director, own, servers];
    // One that has nothing to do never tells systemd that it is ready.
    const vrrp =
      "vrrp_instance one {\\n interface eth0\\n virtual_router_id 51\\n virtual_ipaddress {\\n 192.0.2.99\\n }\\n}\\n";
    const conf = `${vrrp}include ${FOLDER}/*.conf\\n`;
    await guest.run(
      `mkdir -p ${FOLDER}; printf '${conf}' >/etc/keepalived/keepalived.conf; systemctl start keepalived`,
    );
  });
  afterAll(() => stage.destroy());

  const check = { tcp: { intervalSeconds: 1, timeoutSeconds: 1, retries: 0 } };
  const program =
    (changes: Partial<VirtualServiceArgs> = { manager: { keepalived: { check } } }) =>
    () => {
      new VirtualService("shop", {
        director: stage.connection(guest),
        ...{ vip: VIP, port: 80, owner: "shop" },
        destinations: hosts.map(({ address }, at) => ({ address, weight: at + 1 })),
        ...changes,
      });
      return Promise.resolve();
    };
  const service = async () => {
    const all = await engine.resources();
    return all.find(({ type }) => type.endsWith(":VirtualService"))?.outputs ?? {};
  };
  const weights = async () =>
    [...(await guest.run("ipvsadm -Sn")).stdout.matchAll(/ -w (\d+)/g)].map(([, weight]) => weight);

  it("is made, and is the same again", async () => {
    const created = await engine.up(program());
    expect(created.succeeded, created.text).toBe(true);
    expect(await weights()).toEqual(["1", "2"]);
    expect(await service()).toMatchObject({ failing: [], drift: [], converged: true });
    expect((await engine.up(program())).changes).toEqual({ same: 2 });
    const { stdout } = await guest.run(`head -n 1 ${FOLDER}/lvs-dr-${VIP}-80.conf`);
    expect(stdout).toBe(`# pulumi-lvs-dr keepalived 1: "shop -t ${VIP}:80"\n`);
  });

  it("shows what a check has taken out, and has nothing to repair for it", async () => {
    const [first] = hosts;
    await guest.run(`ip route add unreachable ${first?.address}`);
    await eventually(weights, (now) => now.join() === "2", 60);
    const refreshed = await engine.refresh();
    expect(refreshed.succeeded, refreshed.text).toBe(true);
    const failing = [`${first?.address}:80`];
    expect(await service()).toMatchObject({ failing, drift: [], converged: true });
    const after = await engine.up(program());
    expect(after.changes).toEqual({ same: 2 });
    await guest.run(`ip route del unreachable ${first?.address}`);
    await eventually(weights, (now) => now.length === 2, 60);
  });

  it("is not taken from keepalived without a word, and goes", async () => {
    const taken = await engine.up(program({}));
    expect(taken.succeeded).toBe(false);
    expect(taken.text).toContain("or here with manager: { keepalived: {} }");
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    const left = await guest.run(
      `ipvsadm -Sn; ls -A ${FOLDER}; ls -d /var/lib/lvs-dr-director 2>/dev/null; :`,
    );
    expect(left.stdout).toBe("");
  });
});
