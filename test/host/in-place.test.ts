import { describe, it, type ExpectStatic } from "vitest";

import { giveUpRequest } from "../../src/protocol/program";
import type { Desired } from "../../src/plan/claim";
import { Box, eventually, FLAVOURS, type Flavour } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, TRYING, trying } from "./session";

const [A, B] = ["203.0.113.10", "203.0.113.11"] as const;
const [A6, B6] = ["2001:db8::10", "2001:db8::11"] as const;
const VIPS = [A, B, A6, B6];
const WEB = claim("web", VIPS);

/** By the machine's own ip, whatever that of the box is. */
const IP = "/usr/sbin/ip";

/** VIPs as operators bind them, and routes that have them as their source, where those may stay. */
async function boundByHand({ ip, shell }: Flavour, init: "openrc" | "none" = "none"): Promise<Box> {
  const box = await Box.create({ ip, shell, init });
  const metric = ip === "iproute2" ? "metric 77" : "";
  await box.run(`
    ${IP} addr add ${A}/32 brd ${A} dev lo label lo:0
    ${IP} addr add ${B}/32 dev lo scope link noprefixroute ${metric} label 'lo:a  "b#c*'
    ${IP} -6 addr add ${A6}/128 dev lo noprefixroute
    ${IP} -6 addr add ${B6}/128 dev lo ${metric}
    ${IP} -6 addr add 2001:db8:9::2/64 dev eth0 nodad
    while ${IP} -6 addr show dev lo tentative | grep -q .; do sleep 0.01; done
    ${IP} -6 route add 2001:db8:7::/64 via 2001:db8:9::1 src ${A6}
    ${IP} -6 route add 2001:db8:8::/64 via 2001:db8:9::1 src ${B6} table 100 metric 5 proto static`);
  if (ip === "iproute2")
    await box.run(`
      ${IP} route replace default via 10.9.0.1 src ${A}
      ${IP} route add ${A} dev lo src ${A}
      ${IP} route add 192.0.2.0/24 src ${B} table 100 nexthop via 10.9.0.1 nexthop via 10.9.0.3`);
  return box;
}

/** Addresses on lo and all routes, their order apart: what comes back stands last. */
async function told(box: Box): Promise<string[]> {
  const { stdout } = await box.run(
    `${IP} -o addr show dev lo; ${IP} -o -4 route show table all; ${IP} -o -6 route show table all`,
  );
  return stdout
    .replaceAll(" tentative ", " ")
    .split("\n")
    .filter((line) => !line.includes("fe80"))
    .sort();
}

describe.concurrent.each(FLAVOURS)("under $shell with the ip of $ip", (flavour) => {
  it("no VIP and no route from it is gone for a moment while it is adopted", async ({ expect }) => {
    await using box = await boundByHand(flavour);
    const before = await told(box);
    await box.run(`${IP} -o monitor address route >/mnt/log 2>&1 </dev/null &`);
    const log = async () => (await box.run("cat /mnt/log")).stdout;
    const mark = (address: string) =>
      eventually(
        async () => {
          await box.run(`${IP} addr add ${address} dev lo && ${IP} addr del ${address} dev lo`);
          return log();
        },
        (said) => said.includes(address),
      );
    await mark("127.9.9.1/32");
    await carryOut(box.open({ vips: VIPS }), serve(WEB));
    const lines = (await mark("127.9.9.2/32")).split("\n");
    // Without routes, what busybox binds anew is gone for the moment in between.
    const kept = flavour.ip === "iproute2" ? /203\.0\.113|192\.0\.2|default|2001/ : /2001/;
    const lost = lines.filter((line) => line.startsWith("Deleted") && kept.test(line));
    const own = /inet 203\.0\.113\.1[01](\/32| peer 127)|^Deleted (broadcast|local 127\.0\.0\.1)/;
    expect(lost.filter((line) => !own.test(line))).toEqual([]);
    const from = (all: readonly string[]) => all.filter((line) => / src (203|2001)/.test(line));
    const stay = from(before).filter((line) => !line.startsWith("broadcast"));
    expect(from(await told(box))).toEqual(expect.arrayContaining(stay));
  });

  it("an adoption that fails leaves each address and route as it was told", async ({ expect }) => {
    await using box = await boundByHand(flavour);
    await failsAndLeavesAll(box, serve(WEB), expect);
  });

  it("a withdrawal that fails leaves each address and route as it was told", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const web = claim("web", [A, A6, B6]);
    await carryOut(box.open({ vips: VIPS }), serve(web));
    const metric = flavour.ip === "iproute2" ? "metric 77" : "";
    await box.run(`
      ${IP} addr del ${A}/32 dev lo; ${IP} addr add ${A}/32 brd ${A} dev lo label lo:0
      ${IP} addr del ${A6}/128 dev lo; ${IP} addr add ${A6}/128 dev lo noprefixroute
      ${IP} addr del ${B6}/128 dev lo; ${IP} addr add ${B6}/128 dev lo ${metric}
      ${IP} route add ${A} dev lo; ${IP} -6 route add ${A6} dev lo metric 9`);
    await failsAndLeavesAll(box, withdraw(web), expect);
  });
});

async function failsAndLeavesAll(box: Box, desired: Desired, expect: ExpectStatic): Promise<void> {
  const before = await told(box);
  const session = box.open({ vips: VIPS });
  const { request } = await prepare(session, desired);
  const { status } = await session.request(`${request} && ${giveUpRequest("so")}`);
  await session.end();
  expect({ status, told: await told(box) }).toEqual({ status: "rolled-back", told: before });
}

describe.concurrent.each(FLAVOURS.filter(({ ip }) => ip === "iproute2"))(
  "the entry in between is removed, and what was there is back, under $shell,",
  (flavour) => {
    // Four lines a VIP: nothing yet, each state of the first, the second in the midst.
    const CUTS = [0, 1, 2, 3, 4, 6];

    it("by the shell, wherever its ip was killed", async ({ expect }) => {
      await using box = await boundByHand(flavour);
      await box.wrapIp(KILLED);
      const before = await told(box);
      for (const cut of CUTS) {
        const session = box.open({ vips: VIPS });
        const { request } = await prepare(session, serve(WEB));
        await box.run(`echo ${cut} >/mnt/on`);
        expect((await session.request(request)).status).toBe("rolled-back");
        await session.end();
        await box.run("rm /mnt/on");
        expect(await told(box), `${cut} lines`).toEqual(before);
      }
    });

    it("by the watchdog of a shell that was killed with its ip", async ({ expect }) => {
      await using box = await boundByHand(flavour);
      await box.wrapIp(KILLED_TOO);
      const before = await told(box);
      const session = box.open({ vips: VIPS, program: TRYING });
      const { request } = await prepare(session, serve(WEB));
      await session.request(`${trying("echo $$ >/mnt/shell; echo 1 >/mnt/on")} && ${request}`);
      await eventually(
        () => box.processes(),
        (left) => left.length === 0,
      );
      expect(await told(box)).toEqual(before);
    });

    it("by a boot's replay that is still at it, and finds only a journal", async ({ expect }) => {
      await using box = await boundByHand(flavour, "openrc");
      const other = claim("other", ["203.0.113.12"], { persist: true });
      await carryOut(box.open({ vips: other.vips.map(({ address }) => address) }), serve(other));
      await box.wrapIp(KILLED_TOO);
      const before = await told(box);
      for (const cut of CUTS.slice(1)) {
        const session = box.open({ vips: VIPS, program: TRYING });
        const { request } = await prepare(session, serve(WEB));
        ok(await session.request(trying('echo "$watchdog $$" >/mnt/shell')));
        await box.run(`echo ${cut} >/mnt/on`);
        await session.request(request);
        const { stdout } = await box.run("/bin/sh /var/lib/lvs-dr/replay </dev/null 2>&1");
        expect(stdout).toContain("undoing an operation that was cut off");
        expect(await told(box), `${cut} lines`).toEqual(before);
        await box.run("pkill -f '[l]vs-dr/replay'");
      }
    });

    it("by the next operation, which finds only a journal", async ({ expect }) => {
      await using box = await boundByHand(flavour);
      await box.wrapIp(KILLED_TOO);
      const before = await told(box);
      for (const cut of CUTS) {
        const session = box.open({ vips: VIPS, program: TRYING });
        const { request } = await prepare(session, serve(WEB));
        const noted = trying('echo "$watchdog $$" >/mnt/shell');
        ok(await session.request(noted));
        await box.run(`echo ${cut} >/mnt/on`);
        await session.request(request);
        if (cut > 0) expect(await told(box), `${cut} lines`).not.toEqual(before);
        const reader = box.open({ mode: "share", vips: VIPS });
        ok(await reader.answer());
        expect(reader.notes).toContain("undoing an operation that was cut off");
        await reader.end();
        expect(await told(box), `${cut} lines`).toEqual(before);
      }
    });
  },
);

/** It carries out as many lines of the first batch as /mnt/on says, and dies. */
const KILLED = `case "$*" in *batch*) head -n "$(cat /mnt/on)" | "$ip" -batch -; kill -9 $$ ;; esac`;

/** And those of /mnt/shell with it. */
const KILLED_TOO = `case "$*" in "-batch -")
  head -n "$(cat /mnt/on)" | "$ip" -batch -; rm /mnt/on; kill -9 $(cat /mnt/shell) $$ ;; esac`;
