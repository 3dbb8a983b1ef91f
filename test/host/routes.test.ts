import { describe, it } from "vitest";

import { plan } from "../../src/plan/plan";
import { removalOf } from "../../src/observed/routes";
import { localRoutes, singleToLo } from "../../src/plan/routes";
import { giveUpRequest } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, prepare } from "./session";

const [A, B] = ["203.0.113.10", "203.0.113.11"] as const;
const A6 = "2001:db8::10";

/** By the machine's own ip, whatever that of the box is. */
const IP = "/usr/sbin/ip";

async function routesOf(box: Box): Promise<string> {
  return (
    await box.run(`${IP} -4 route show table all; ${IP} -6 route show table all | grep -v fe80`)
  ).stdout;
}

describe.concurrent.each(FLAVOURS)("routes under $shell with the ip of $ip", (flavour) => {
  it("from a VIP that was bound by hand survive its adoption, and its rollback", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await box.run(`
      ${IP} addr add ${A}/32 dev lo
      ${IP} -6 addr add ${A6}/128 dev lo nodad
      ${IP} -6 addr add 2001:db8:9::2/64 dev eth0 nodad
      ${IP} route replace default via 10.9.0.1 src ${A}
      ${IP} route add 192.0.2.0/24 via 10.9.0.1 src ${A} table 100
      ${IP} route add 192.0.3.0/24 src ${A} nexthop via 10.9.0.1 nexthop via 10.9.0.3
      ${IP} -6 route add 2001:db8:7::/64 via 2001:db8:9::1 src ${A6}`);
    const before = await routesOf(box);
    const desired = serve(claim("web", [A, B, A6]));
    const failed = box.open({ vips: [A, B, A6] });
    const { request } = await prepare(failed, desired);
    await failed.request(`${request} && ${giveUpRequest("so")}`);
    await failed.end();
    expect(await routesOf(box)).toBe(before);
    const after = await carryOut(box.open({ vips: [A, B, A6] }), desired);
    expect(plan(desired, after)).toMatchObject({ refusals: [], changes: [] });
    const kept = (await routesOf(box)).split("\n").filter((line) => / src (203|2001)/.test(line));
    for (const line of before.split("\n").filter((one) => / src (203|2001)/.test(one)))
      expect(kept).toContain(line);
  });

  it("to a VIP as ifconfig and route bind it stay with it, and its broadcast address too", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    // ifconfig lo:0 VIP broadcast VIP netmask 255.255.255.255 up; route add -host VIP dev lo:0
    await box.run(`
      ${IP} addr add ${A}/32 brd ${A} dev lo label lo:0
      ${IP} route add ${A} dev lo src ${A}`);
    const look = async () =>
      `${(await box.run(`${IP} -o -4 addr show dev lo`)).stdout}${await routesOf(box)}`;
    const before = await look();
    const web = claim("web", [A]);
    const failed = box.open({ vips: [A] });
    const { request } = await prepare(failed, serve(web));
    await failed.request(`${request} && ${giveUpRequest("so")}`);
    await failed.end();
    expect(await look()).toBe(before);
    await carryOut(box.open({ vips: [A] }), serve(web));
    const bound = before
      .replace(`brd ${A} scope global lo:0`, "scope host lo:dr")
      .replace(/^broadcast 203.*\n/m, "");
    expect(await look()).toBe(flavour.ip === "iproute2" ? bound : before);
    const refusal = await carryOut(box.open({ vips: [A] }), withdraw(web)).then(
      () => "",
      (error: unknown) => String(error),
    );
    await box.run(/run "([^"]*)" yourself/.exec(refusal)?.[1] ?? "false");
    const after = await carryOut(box.open({ vips: [A] }), withdraw(web));
    expect({ local: after.local, routes: await routesOf(box) }).toEqual({
      local: [],
      routes: expect.not.stringContaining(A) as string,
    });
  });

  it("from a VIP keep it, until the command that the refusal names has been run", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const web = claim("web", [A, A6]);
    await carryOut(box.open({ vips: [A, A6] }), serve(web));
    await box.run(`
      ${IP} -6 addr add 2001:db8:9::2/64 dev eth0 nodad
      ${IP} route replace default via 10.9.0.1 src ${A}
      ${IP} route add 192.0.2.0/24 via 10.9.0.1 src ${A} table 100
      ${IP} -6 route add 2001:db8:7::/64 via 2001:db8:9::1 src ${A6}`);
    const before = await routesOf(box);
    const refusal = await carryOut(box.open({ vips: [A, A6] }), withdraw(web)).then(
      () => "",
      (error: unknown) => String(error),
    );
    expect(await routesOf(box)).toBe(before);
    const commands = [...refusal.matchAll(/run "([^"]*)" yourself/g)].map(([, line]) => line);
    expect(commands).toHaveLength(3);
    await box.run(commands.join("\n"));
    await carryOut(box.open({ vips: [A, A6] }), withdraw(web));
    const left = await routesOf(box);
    expect(left).toMatch(/^default via 10\.9\.0\.1 dev eth0 *$/m);
    expect(left).toMatch(/^192\.0\.2\.0\/24 via 10\.9\.0\.1 dev eth0 table 100 *$/m);
    expect(left).toMatch(/^2001:db8:7::\/64 via 2001:db8:9::1 dev eth0 metric/m);
    expect(left).not.toContain(A);
  });

  it("of type local keep the sysctls when the VIP has left, as an address does", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const web = claim("web", [A]);
    await carryOut(box.open({ vips: [A] }), serve(web));
    await box.run(`
      ${IP} route add local ${A}/32 dev lo metric 5
      ${IP} route add local 198.51.100.0/24 dev lo
      ${IP} route add local default dev lo table 100`);
    const after = await carryOut(box.open({ vips: [A] }), withdraw(web));
    expect(after.all).toEqual({ arp_ignore: 1, arp_announce: 2 });
    const left = plan(withdraw(web), after);
    expect(left.notes).toHaveLength(2);
    for (const note of left.notes) {
      expect(note).toContain(`"local ${A} dev lo table local scope host metric 5"`);
      expect(note).toContain('"local 198.51.100.0/24 dev lo table local scope host"');
      expect(note).not.toContain("default");
    }
    await box.run(`${localRoutes(after).map(removalOf).join("\n")}`);
    const clean = await carryOut(box.open({ vips: [A] }), withdraw(web));
    expect(clean.all).toEqual({ arp_ignore: 0, arp_announce: 0 });
  });

  it("to lo keep the host from a service it has left, until they are removed", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const web = claim("web", [A, A6]);
    await carryOut(box.open({ vips: [A, A6] }), serve(web));
    await box.run(`
      ${IP} route add ${A} dev lo
      ${IP} -6 route add ${A6} dev lo`);
    const after = await carryOut(box.open({ vips: [A, A6] }), withdraw(web));
    expect(after.local).toEqual([A, A6]);
    const found = singleToLo(after);
    expect(found.map(({ address }) => address)).toEqual([A, A6]);
    await box.run(found.map(({ route }) => removalOf(route)).join("\n"));
    const { stdout } = await box.run(`${IP} route get ${A}`);
    expect(stdout).toContain("dev eth0");
  });
});
