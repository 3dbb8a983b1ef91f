import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Client, type WebAnswer } from "../../lab/client";
import { Lab } from "../../lab/lab";
import type { Director } from "../../lab/director";
import type { LabHost } from "../../lab/host";
import { mislead } from "../../lab/mislead";
import { Traffic } from "../../lab/traffic";
import { countVipFrames, recordVipFrames } from "../../lab/vip-frames";
import { webHost } from "../../lab/web-host";
import { join, leave } from "./pool";

const PER_SECOND = 150;
const AT_LEAST = 1000;

describe("behind a real director", () => {
  let lab: Lab;
  let director: Director;
  let client: Client;
  let servers: LabHost[];
  let vip: string;
  let vip6: string;

  beforeAll(async () => {
    lab = await Lab.create();
    const names = ["rs1", "rs2", "rs3"];
    [director, client, ...servers] = await Promise.all([
      lab.director(),
      lab.client(),
      ...names.map((name) => webHost(lab, name)),
    ]);
    [vip = "", vip6 = ""] = director.vips;
  });
  afterAll(() => lab.destroy());

  it("is fought over by hosts that got the VIP by hand", async () => {
    const [rs1, rs2] = servers as [LabHost, LabHost];
    for (const host of [rs1, rs2]) await host.run(`ip addr add ${vip}/32 dev lo`);
    expect(await lab.arping(vip)).toEqual([director.mac, rs1.mac, rs2.mac].sort());
  });

  it("misses requests of a client that believes one of these hosts", async () => {
    const [rs1, rs2] = servers as [LabHost, LabHost];
    for (const host of [rs1, rs2]) await director.add(host);
    const believed = await mislead(client, vip, [rs1, rs2]);
    const before = await director.recentConnections(vip);
    for (let i = 0; i < 10; i += 1)
      expect((await client.request(vip)).servedBy).toBe(believed.name);
    expect((await director.recentConnections(vip)) - before).toBe(0);
    for (const host of [rs1, rs2]) await director.remove(host);
  });

  it("is the only one to answer for the VIPs once the real servers converged", async () => {
    const [rs1, rs2] = servers as [LabHost, LabHost];
    await Promise.all([rs1, rs2].map((host) => join(lab, host, director.vips)));
    await director.announce();
    expect(await lab.arping(vip)).toEqual([director.mac]);
    expect(await lab.solicit(vip6)).toEqual([director.mac]);
  });

  it.each(["IPv4", "IPv6"])("hands %s requests out in turn, answered straight", async (family) => {
    const [rs1, rs2] = servers as [LabHost, LabHost];
    const address = family === "IPv4" ? vip : vip6;
    if (family === "IPv4") for (const host of [rs1, rs2]) await director.add(host);
    const capture = await recordVipFrames(lab);
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await client.request(address));

    expect(answers.map(({ asked }) => asked)).toEqual(Array(4).fill(address));
    const [first = "", second = ""] = answers.map(({ servedBy }) => servedBy);
    expect([first, second].sort()).toEqual(["rs1", "rs2"]);
    expect(answers.map(({ servedBy }) => servedBy)).toEqual([first, second, first, second]);
    // The director is out of the way back: the VIP's answers come from the real servers' NICs.
    const { accepted } = await countVipFrames(capture, director.vips);
    expect(accepted).toEqual({ [rs1.mac]: 2, [rs2.mac]: 2 });
    const scheduled = async () => {
      const service = (await director.stats()).find((one) => one.vip === address);
      return service?.destinations.map(({ connections }) => connections);
    };
    await expect.poll(scheduled, { timeout: 10_000 }).toEqual([2, 2]);
  });

  it("loses no request while a real server joins and another leaves", async () => {
    const [rs1, rs2, rs3] = servers as [LabHost, LabHost, LabHost];
    const traffic = await Traffic.start(lab, client, director.vips, PER_SECOND);

    await traffic.until(({ sent }) => sent >= 200);
    await join(lab, rs3, director.vips);
    await director.add(rs3);
    await traffic.until(({ sent, answered }) => sent >= 500 && (answered["rs3"] ?? 0) > 0);

    const patient = await lab.client("patient");
    const begun: string[] = [];
    while (!begun.includes("rs1")) begun.push(...(await patient.hold(director.vips)));
    await director.drain(rs1);
    const words: string[] = [];
    let finishing: Promise<WebAnswer[]> | undefined;
    await leave(lab, rs1, director.vips, {
      drain: { timeoutSeconds: 60, onTimeout: "fail" },
      progress: (text) => {
        words.push(text);
        if (text.startsWith("draining")) finishing ??= patient.finish();
      },
      warn: (text) => words.push(`warning: ${text}`),
    });
    await director.remove(rs1);
    expect(words.join("\n")).toMatch(/^draining \d+ connection/m);
    expect(words.join("\n")).not.toContain("warning");
    expect((await finishing)?.map(({ servedBy }) => servedBy)).toEqual(begun);
    const { sent } = await traffic.soFar();
    await traffic.until((now) => now.sent >= Math.max(AT_LEAST, sent + 300));

    const { requests: result, frames: seen } = await traffic.stop();
    expect(result.failures).toEqual([]);
    const { rs1: first = 0, rs2: second = 0, rs3: third = 0 } = result.answered;
    expect(first + second + third).toBe(result.sent);
    expect(result.sent).toBeGreaterThanOrEqual(AT_LEAST);
    expect(Object.keys(seen.answers)).toEqual([director.mac]);
    expect(seen.announcements).toEqual({});
    expect(seen.requests).toBeGreaterThan(0);
    expect(Object.keys(seen.accepted).sort()).toEqual([rs1.mac, rs2.mac, rs3.mac].sort());
    console.log(
      `${result.sent} requests (rs1 ${first}, rs2 ${second}, rs3 ${third}), none failed, the ` +
        `slowest in ${result.slowestMilliseconds} ms; on the wire ${seen.requests} requests for ` +
        `the VIPs' MAC, ${seen.answers[director.mac]} answers by the director, none by another`,
    );
  });

  it.each(["IPv4", "IPv6"])(
    "serves a host that left, asked by %s, as any client",
    async (family) => {
      const [rs1, rs2] = servers as [LabHost, LabHost];
      const address = family === "IPv4" ? vip : vip6;
      const [gone, member] = await Promise.all([Client.on(rs1), Client.on(rs2)]);
      // A member is its own service, which is why a VIP that is left behind is an outage.
      expect((await member.request(address)).servedBy).toBe("rs2");
      expect(["rs2", "rs3"]).toContain((await gone.request(address)).servedBy);
    },
  );
});
