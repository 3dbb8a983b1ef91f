import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { Client } from "../lab/client";
import { Lab, type Director, type LabHost, type RequestStream } from "../lab/lab";
import { join, leave, webHost } from "./pool";
import { count, watch } from "./wire";

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
    const capture = await watch(lab);
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await client.request(address));

    expect(answers.map(({ asked }) => asked)).toEqual(Array(4).fill(address));
    const [first = "", second = ""] = answers.map(({ servedBy }) => servedBy);
    expect([first, second].sort()).toEqual(["rs1", "rs2"]);
    expect(answers.map(({ servedBy }) => servedBy)).toEqual([first, second, first, second]);
    // The director is out of the way back: the VIP's answers come from the real servers' NICs.
    const { accepted } = await count(capture, director.vips);
    expect(accepted).toEqual({ [rs1.mac]: 2, [rs2.mac]: 2 });
    const scheduled = async () => {
      const service = (await director.stats()).find((one) => one.vip === address);
      return service?.destinations.map(({ connections }) => connections);
    };
    await expect.poll(scheduled, { timeout: 10_000 }).toEqual([2, 2]);
  });

  it("loses no request while a real server joins and another leaves", async () => {
    const [rs1, rs2, rs3] = servers as [LabHost, LabHost, LabHost];
    const capture = await watch(lab);
    const stream = await client.stream(director.vips, PER_SECOND);

    await reaches(stream, 200);
    await join(lab, rs3, director.vips);
    await director.add(rs3);
    await reaches(stream, 500);
    expect((await stream.soFar()).answered["rs3"]).toBeGreaterThan(0);

    const patient = await lab.client("patient");
    const begun: string[] = [];
    while (!begun.includes("rs1")) begun.push(...(await patient.open(director.vips, 1500)));
    await director.drain(rs1);
    const drained = await stream.soFar();
    await expect.poll(() => director.activeConnections(rs1), { timeout: 10_000 }).toBe(0);
    await director.remove(rs1);
    await leave(lab, rs1, director.vips);
    await reaches(stream, Math.max(AT_LEAST, drained.sent + 300));

    const result = await stream.stop();
    expect(result.failures).toEqual([]);
    const { rs1: first = 0, rs2: second = 0, rs3: third = 0 } = result.answered;
    expect(first + second + third).toBe(result.sent);
    expect(result.sent).toBeGreaterThanOrEqual(AT_LEAST);
    expect((await patient.finish()).map(({ servedBy }) => servedBy)).toEqual(begun);

    const seen = await count(capture, director.vips);
    expect(Object.keys(seen.answers)).toEqual([director.mac]);
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

  /** Meanwhile the client forgets whose the VIP is, and asks the wire again and again. */
  async function reaches(stream: RequestStream, sent: number): Promise<void> {
    const forget = [vip, vip6].map((address) => `ip neigh flush to ${address}`).join("; ");
    await expect
      .poll(
        async () => {
          await client.host.run(forget);
          return (await stream.soFar()).sent;
        },
        { timeout: 60_000, interval: 250 },
      )
      .toBeGreaterThanOrEqual(sent);
  }
});
