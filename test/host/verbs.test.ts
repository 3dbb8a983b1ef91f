import { gzipSync } from "node:zlib";
import { describe, it } from "vitest";

import { call } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare } from "./session";

const CONF = "/proc/sys/net/ipv4/conf";

describe.concurrent.each(FLAVOURS)("under $shell with the ip of $ip", (flavour) => {
  it("quiet goes by the larger of all and the NIC, on NICs that hear ARP", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run(
      "ip link del wire0 2>/dev/null || :; /usr/sbin/ip link add eth0 type veth peer name p0",
    );
    // all ignore, all announce, eth0 ignore, eth0 announce: is it quiet?
    const table: [string, boolean][] = [
      ["1 2 0 0", true],
      ["0 0 1 2", true],
      ["2 0 0 2", true],
      ["3 2 0 0", true],
      ["1 2 3 0", true],
      ["0 2 0 0", false],
      ["1 0 0 1", false],
      ["1 2 4 0", false],
      ["4 2 1 0", false],
      ["8 2 0 0", false],
      ["1 2 8 0", false],
      ["1 3 0 2", false],
      ["1 2 0 3", false],
    ];
    const session = box.open();
    ok(await session.answer());
    for (const [values, isQuiet] of table) {
      const [ignore, announce, ownIgnore, ownAnnounce] = values.split(" ");
      await box.run(
        `cd ${CONF}; echo ${ignore} >all/arp_ignore; echo ${announce} >all/arp_announce
        echo ${ownIgnore} >eth0/arp_ignore; echo ${ownAnnounce} >eth0/arp_announce`,
      );
      const answer = await session.request(call("quiet", "eth0"));
      expect(answer.status, values).toBe(isQuiet ? "ok" : "rolled-back");
      if (!isQuiet)
        expect(answer.body).toMatch(
          /^eth0 would leak: arp_ignore is \d and arp_announce \d there$/,
        );
    }
    await session.end();
  });

  it("a verb that is not listed fails, and what was done before is undone", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const web = serve(claim("web", ["203.0.113.10"]));
    const packed = gzipSync("undo").toString("base64");
    for (const line of [
      ...["undo", "rm '-rf' '/var/lib/lvs-dr'", "observe; commit", "put 'x", ""],
      ...[`packed ${packed}`, `packed ${packed.slice(0, -8)}`, "packed x", "packed "],
    ]) {
      const session = box.open({ vips: ["203.0.113.10"] });
      const { request } = await prepare(session, web);
      ok(await session.request(request));
      const { status, body } = await session.request(line);
      expect(status).toBe("rolled-back");
      expect(body).toMatch(/^(there is no verb .*|the request cannot be read)$/);
      await session.end();
      expect(await box.snapshot()).toBe(before);
    }
  });

  it("quiet passes over lo and NOARP devices, and over NICs that are gone", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run(`/usr/sbin/ip -batch - <<END
      link add dummy0 type dummy
      link set dummy0 up
END
      cd ${CONF}; echo 1 >all/arp_ignore; echo 2 >all/arp_announce; echo 8 >dummy0/arp_ignore; echo 8 >lo/arp_ignore`);
    const session = box.open();
    ok(await session.answer());
    ok(await session.request(call("quiet", "all")));
    ok(await session.request(call("quiet", "dummy0", "lo", "gone0", "eth0")));
    await box.run(`echo 4 >${CONF}/eth0/arp_ignore`);
    expect((await session.request(call("quiet", "all"))).body).toContain(
      "eth0 would leak: arp_ignore is 4",
    );
    await session.end();
  });

  it("NICs may have dots, quotes, stars and backslashes in their names", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const names = ["eth0.100", "a'b", 'c"d', "e*f", "g\\h", "$(i)"];
    for (const name of names)
      await box.run(`/usr/sbin/ip link add '${name.replaceAll("'", "'\\''")}' type veth`);
    const web = claim("web", ["203.0.113.10"], {
      arp: { ignore: 1, announce: 2, interfaces: names, except: ["*"] },
    });
    const after = await carryOut(box.open({ vips: ["203.0.113.10"] }), serve(web));
    for (const name of names) {
      const nic = after.nics.find((one) => one.name === name);
      expect(nic?.own, name).toEqual({ arp_ignore: 1, arp_announce: 2 });
    }
    expect(after.all).toEqual({ arp_ignore: 0, arp_announce: 0 });
  });
});

describe.concurrent("with iproute2", () => {
  it.for([
    { shell: "dash", persist: false, creating: 20, reading: 8 },
    { shell: "bash", persist: false, creating: 32, reading: 10 },
    { shell: "busybox", persist: false, creating: 20, reading: 8 },
    { shell: "dash", persist: true, creating: 32, reading: 9 },
    { shell: "bash", persist: true, creating: 48, reading: 12 },
    { shell: "busybox", persist: true, creating: 32, reading: 9 },
  ] as const)(
    "$shell starts at most $creating processes for a create with persist: $persist, $reading for a read",
    async ({ shell, persist, creating, reading }, { expect }) => {
      await using box = await Box.create({ shell, init: "systemd" });
      const vips = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];
      const web = claim("web", vips, { persist });
      const count = async (work: () => Promise<unknown>) => {
        const last = async () => Number((await box.run("cat /proc/sys/kernel/ns_last_pid")).stdout);
        const [before, own] = [await last(), await last()];
        const started = Date.now();
        await work();
        // The watchdog naps for a second at a time.
        const naps = Math.floor((Date.now() - started) / 1000);
        return (await last()) - own - (own - before) - naps;
      };
      const read = async () => {
        const session = box.open({ mode: "share", vips });
        await session.observed();
        await session.end();
      };
      const [creates, reads]: [number[], number[]] = [[], []];
      for (let turn = 0; turn < 3; turn++) {
        creates.push(await count(async () => carryOut(box.open({ vips }), serve(web))));
        reads.push(await count(read));
        await carryOut(box.open({ vips }), withdraw(web));
      }
      expect(Math.min(...creates)).toBeLessThanOrEqual(creating);
      expect(Math.min(...reads)).toBeLessThanOrEqual(reading);
    },
  );

  it("the number of processes does not grow with the number of VIPs", async ({ expect }) => {
    const counts: number[] = [];
    for (const number of [2, 60]) {
      await using box = await Box.create();
      await box.run(
        `printf '#!/bin/sh\\necho >>/mnt/count\\nexec /usr/sbin/ip "$@"\\n' >/mnt/first/ip; chmod +x /mnt/first/ip`,
      );
      const vips = Array.from({ length: number }, (_, i) =>
        i % 2 ? `2001:db8::${i}` : `203.0.113.${i}`,
      );
      const after = await carryOut(box.open({ vips }), serve(claim("web", vips)));
      expect(after.local.length).toBe(number);
      counts.push(Number((await box.run("grep -c '' /mnt/count")).stdout));
    }
    expect(counts[1]).toBe(counts[0]);
  });
});
