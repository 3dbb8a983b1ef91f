import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Client } from "../../lab/client";
import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { Traffic } from "../../lab/traffic";
import { webHost } from "../../lab/web-host";
import { join, leave } from "./pool";
import { StagedDirector, type Declared } from "./stage";

const PER_SECOND = 120;
const AT_LEAST = 2000;
const drain = { timeoutSeconds: 90, onTimeout: "fail" } as const;

describe("services of a director that is operated over SSH, under traffic", () => {
  let lab: Lab;
  let director: StagedDirector;
  let client: Client;
  let servers: LabHost[];
  let vips: readonly [string, string];

  beforeAll(async () => {
    lab = await Lab.create();
    const [guest, one, ...hosts] = await Promise.all([
      lab.guest("lb"),
      lab.client(),
      ...["rs1", "rs2", "rs3"].map((name) => webHost(lab, name)),
    ]);
    director = new StagedDirector(lab, guest);
    client = one;
    servers = hosts;
    vips = [guest.address.replace(/\d+$/, "250"), guest.address6.replace(/::.*/, "::fa")];
    // Else a client's port that comes round within two minutes gets the real server that had it.
    await guest.run("modprobe ip_vs && echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn");
    await guest.run(
      `ip addr add ${vips[0]}/32 dev eth0 && ip -6 addr add ${vips[1]}/128 dev eth0 nodad preferred_lft 0`,
    );
  });
  afterAll(() => lab.destroy());

  /** Both services with these real servers: at once, as a program's two resources are. */
  async function declare(members: Readonly<Record<string, number>>): Promise<void> {
    const destinations = (name: "address" | "address6") =>
      Object.fromEntries(
        servers
          .filter((host) => members[host.name] !== undefined)
          .map((host) => [host[name], members[host.name] ?? 1]),
      );
    const shared = {
      former: [...servers.map((host) => host.address), ...servers.map((host) => host.address6)],
    };
    const both: Declared[] = [
      {
        ...shared,
        owner: "v4",
        vip: vips[0],
        scheduler: "wrr",
        destinations: destinations("address"),
      },
      {
        ...shared,
        owner: "v6",
        vip: vips[1],
        scheduler: "wrr",
        destinations: destinations("address6"),
      },
    ];
    const reports = await Promise.all(both.map((one) => director.serve(one, drain)));
    expect(reports.map((report) => report.drift)).toEqual([[], []]);
  }

  it("lose no request over joins, weights and leaves, and send none to a host that has left", async () => {
    const [rs1, rs2, rs3] = servers as [LabHost, LabHost, LabHost];
    await Promise.all([rs1, rs2].map((host) => join(lab, host, vips)));
    await declare({ rs1: 1, rs2: 1 });
    const traffic = await Traffic.start(lab, client, vips, PER_SECOND);
    const answeredBy = async (host: LabHost) => (await traffic.soFar()).answered[host.name] ?? 0;
    const serves = (host: LabHost) =>
      traffic.until(({ answered }) => (answered[host.name] ?? 0) > 0);
    /** Out of the director, then off its VIPs; and then it answers no more. */
    const goes = async (host: LabHost, rest: Readonly<Record<string, number>>) => {
      await declare(rest);
      const last = await answeredBy(host);
      await leave(lab, host, vips, {
        drain: { timeoutSeconds: 30, onTimeout: "fail" },
        progress: () => undefined,
        warn: () => undefined,
      });
      const { sent } = await traffic.soFar();
      await traffic.until((now) => now.sent >= sent + PER_SECOND);
      expect(await answeredBy(host)).toBe(last);
    };

    await join(lab, rs3, vips);
    await declare({ rs1: 1, rs2: 1, rs3: 1 });
    await serves(rs3);
    await declare({ rs1: 1, rs2: 3, rs3: 2 });
    await goes(rs1, { rs2: 3, rs3: 2 });
    await join(lab, rs1, vips);
    await declare({ rs1: 2, rs2: 3, rs3: 2 });
    await goes(rs2, { rs1: 2, rs3: 2 });
    await traffic.until(({ sent }) => sent >= AT_LEAST);

    const { requests, frames } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    expect(requests.sent).toBeGreaterThanOrEqual(AT_LEAST);
    const answered = Object.values(requests.answered).reduce((sum, count) => sum + count, 0);
    expect(answered).toBe(requests.sent);
    expect(Object.keys(frames.answers)).toEqual([director.guest.mac]);
    console.log(`${requests.sent} requests, none failed: ${JSON.stringify(requests.answered)}`);
  }, 300_000);
});
