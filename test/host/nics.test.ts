import { describe, it } from "vitest";

import { parseObservation } from "../../src/observed/observed";
import { call } from "../../src/protocol/program";
import { Box, FLAVOURS } from "./box";
import { ok } from "./session";

const CONF = "/proc/sys/net/ipv4/conf";
const LOOKS = 12;

describe.concurrent.each(FLAVOURS)("under $shell with the ip of $ip", (flavour) => {
  it("a NIC that comes and goes while we look is passed over", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run(`seq 60 | sed 's/.*/link add n& type bridge/' | /usr/sbin/ip -batch -
      touch /mnt/busy
      while [ -e /mnt/busy ]; do
        /usr/sbin/ip link add zz0 type veth peer name zz1
        /usr/sbin/ip link del zz0
      done >/dev/null 2>&1 </dev/null &`);
    const session = box.open({ mode: "look" });
    const first = await session.observed();
    expect(first.nics.length).toBeGreaterThan(60);
    for (let looks = 0; looks < LOOKS; looks += 1) {
      const { nics } = parseObservation(ok(await session.request(call("observe"))));
      expect(nics.length).toBeGreaterThan(60);
    }
    await session.end();
    await box.run("rm /mnt/busy");
  });

  it("a bridge's port hears no ARP, the bridge does, and a veth is told by its other end", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    await box.run(`/usr/sbin/ip -batch - <<END
      link add br1 type bridge
      link add port1 type veth peer name wire1
      link set port1 master br1
      link set wire1 up
      link set br1 up
      link add link eth0 name eth0.7 up type vlan id 7
END
      cd ${CONF}; for nic in eth0 wire0 wire1 br1 eth0.7; do
        [ ! -d $nic ] || { echo 1 >$nic/arp_ignore; echo 2 >$nic/arp_announce; }
      done; echo 1 >wire0/proxy_arp`);
    const session = box.open();
    const seen = await session.observed();
    const told = (name: string) => seen.nics.find((nic) => nic.name === name);
    expect(told("port1")).toMatchObject({ hearsArp: false, offWire: false });
    expect(told("br1")).toMatchObject({ hearsArp: true, offWire: false });
    const pairs = seen.nics.filter((nic) => nic.unnumberedPair).map((nic) => nic.name);
    expect(pairs).toEqual(["wire1"]);
    ok(await session.request(call("quiet", "all")));
    await box.run(`echo 0 >${CONF}/br1/arp_ignore`);
    const { body } = await session.request(call("quiet", "all"));
    expect(body).toContain("br1 would leak");
    await session.end();
  });

  it("a NIC that is gone when it is to be quiet is named, and one whose values go back is not missed", async ({
    expect,
  }) => {
    await using box = await Box.create(flavour);
    const session = box.open();
    ok(await session.answer());
    ok(await session.request(call("sysctl", "gone0", "arp_ignore", "1", "0")));
    const answer = await session.request(call("sysctl", "gone0", "arp_ignore", "0", "1"));
    expect(answer.body).toBe("gone0 is gone, and was there a moment ago");
    await session.end();
  });

  it("a NIC that is gone when it is to be undone is not missed", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const session = box.open();
    ok(await session.answer());
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    ok(
      await session.request(
        `${call("begin", "")} && ${call("sysctl", "late0", "arp_ignore", "0", "1")}`,
      ),
    );
    await box.run("/usr/sbin/ip link del late0");
    await session.end();
    expect((await box.run(`ls ${CONF} /var/lib`)).stdout).not.toMatch(/late0|lvs-dr/);
  });
});
