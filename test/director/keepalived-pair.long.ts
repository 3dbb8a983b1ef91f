import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Client } from "../../lab/client";
import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { webHost } from "../../lab/web-host";
import { eventually } from "../host/box";
import { join } from "./pool";
import { StagedDirector, type Declared } from "./stage";

const FOLDER = "/etc/keepalived/conf.d";
const drain = { timeoutSeconds: 90, onTimeout: "fail" } as const;

describe("two directors that keepalived keeps, one of which has the VIP by VRRP", () => {
  let lab: Lab;
  let directors: readonly [StagedDirector, StagedDirector];
  let client: Client;
  let hosts: readonly [LabHost, LabHost];
  let vip: string;

  beforeAll(async () => {
    lab = await Lab.create();
    const [first, second, asking, one, two] = await Promise.all([
      ...[lab.guest("lb1"), lab.guest("lb2"), lab.client()],
      ...[webHost(lab, "rs1"), webHost(lab, "rs2")],
    ] as const);
    directors = [new StagedDirector(lab, first), new StagedDirector(lab, second)];
    [client, hosts, vip] = [asking, [one, two], lab.vips[0]];
    await Promise.all(hosts.map((host) => join(lab, host, [vip])));
    for (const [index, { guest }] of directors.entries()) {
      const vrrp =
        `vrrp_instance one {\\n interface eth0\\n virtual_router_id 51\\n priority ${100 - index}\\n` +
        ` advert_int 1\\n virtual_ipaddress {\\n ${vip}/32\\n }\\n}\\ninclude ${FOLDER}/*.conf\\n`;
      await guest.run(
        "modprobe ip_vs && echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn; " +
          `mkdir -p ${FOLDER}; printf '${vrrp}' >/etc/keepalived/keepalived.conf; systemctl start keepalived`,
      );
      if (index === 0) await has(directors[0]);
    }
  });
  afterAll(() => lab.destroy());

  const has = ({ guest }: StagedDirector) =>
    eventually(
      () => guest.run("ip -o addr show dev eth0"),
      ({ stdout }) => stdout.includes(`${vip}/32`),
      60,
    );

  it("both have weight 0 while one is drained, so nobody gets it anew after a failover", async () => {
    const [one, two] = hosts;
    const shop: Declared = {
      ...{ vip, block: {}, destinations: { [one.address]: 1, [two.address]: 1 } },
    };
    const former = Object.keys(shop.destinations);
    await Promise.all(directors.map((each) => each.serve(shop)));
    const [master, backup] = directors;
    expect(new Set(await client.hold([vip, vip]))).toEqual(new Set(["rs1", "rs2"]));
    const without = { ...shop, former, destinations: { [two.address]: 1 } };
    // Connections are the master's alone, so the backup has nothing to wait for.
    const drained = master.serve(without, drain).catch((error: unknown) => error);
    await backup.serve(without, drain);
    await eventually(
      () => master.weights(shop),
      (weights) => weights[one.address] === 0,
      60,
    );
    await master.guest.run("systemctl stop keepalived");
    await has(backup);
    expect(await backup.weights(shop)).toEqual({ [two.address]: 1 });
    for (let asked = 0; asked < 3; asked += 1)
      expect((await client.request(vip)).servedBy).toBe("rs2");
    // Its table went with keepalived, and with that what the drain was about.
    await drained;
    await master.guest.run("systemctl start keepalived");
    expect((await master.serve(without, drain)).drift).toEqual([]);
    expect(await master.weights(shop)).toEqual({ [two.address]: 1 });
    await client.finish().catch(() => undefined);
  }, 300_000);
});
