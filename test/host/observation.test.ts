import { describe, it } from "vitest";

import { Box, FLAVOURS } from "./box";
import { Session } from "./session";

const VIPS = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];

describe.concurrent.each(FLAVOURS)("an observation under $shell with the ip of $ip", (flavour) => {
  it("tells default routes, the way back to the peer and local VIPs apart", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run(`/usr/sbin/ip -batch - <<END
      link set eth0 up
      addr add 2001:db8:9::2/64 dev eth0 nodad
      route replace default via 10.9.0.254
      route add 10.9.0.1 via 10.9.0.252
      route add default via 2001:db8:9::fe dev eth0
      addr add 203.0.113.11/32 dev lo
      addr add 2001:db8::10/128 dev lo nodad
END`);
    const seen = await observe(box);
    expect(seen.sessionRoute).toEqual({ nic: "eth0", via: "10.9.0.252" });
    expect(seen.gateways).toEqual(["10.9.0.254", "2001:db8:9::fe"]);
    expect(new Set(seen.defaultNics)).toEqual(new Set(["eth0"]));
    expect(seen.local).toEqual(["203.0.113.11", "2001:db8::10"]);
  });

  it("is told to a peer whose address is of a link alone", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run("/usr/sbin/ip link set eth0 up");
    const peer = "export SSH_CONNECTION='fe80::1%eth0 50000 fe80::2%eth0 22'";
    const session = new Session((line) => box.login(`${peer}; ${line}`), { vips: VIPS });
    const seen = await session.observed();
    await session.end();
    expect(seen.session.client).toBe("fe80::1");
    if (flavour.ip !== "busybox") expect(seen.sessionRoute?.nic).toBe("eth0");
  });

  it("takes a default route that goes nowhere for none", async ({ expect }) => {
    await using box = await Box.create(flavour);
    await box.run(`/usr/sbin/ip route replace blackhole default
      /usr/sbin/ip -6 route add unreachable default`);
    const seen = await observe(box);
    expect(seen.gateways).toEqual([]);
    expect(seen.defaultNics).toEqual([]);
    expect(seen.proxied).toEqual([]);
  });
});

describe.concurrent.each(FLAVOURS)(
  "under $shell with the ip of $ip, one that is killed",
  (flavour) => {
    it("at any of its calls passes for no answer", async ({ expect }) => {
      await using box = await Box.create(flavour);
      await box.run(`/usr/sbin/ip addr add ${VIPS[0]}/32 dev lo
      /usr/sbin/ip route replace default via 10.9.0.254 src ${VIPS[0]}
      cat >/mnt/first/ip <<'END'
#!/bin/sh
case $* in -V) exec ${flavour.ip === "busybox" ? "busybox ip" : "/usr/sbin/ip"} -V ;; esac
read -r left </mnt/left
echo $((left - 1)) >/mnt/left
[ "$left" != 1 ] || kill -KILL $$
exec ${flavour.ip === "busybox" ? "busybox ip" : "/usr/sbin/ip"} "$@"
END
      chmod +x /mnt/first/ip`);
      const answerWith = async (call: number) => {
        await box.run(`echo ${call} >/mnt/left`);
        const session = box.open({ vips: VIPS, mode: "look" });
        const answer = await session.answer();
        await session.end();
        const isOver = Number((await box.run("cat /mnt/left")).stdout) > 0;
        return { ...answer, isOver, routes: answer.body.match(ROUTES) };
      };
      const { routes } = await answerWith(1000);
      expect(routes?.length).toBeGreaterThan(5);
      for (let call = 1, isOver = false; !isOver; call += 1) {
        const answer = await answerWith(call);
        ({ isOver } = answer);
        if (answer.status === "ok")
          expect({ call, routes: answer.routes }).toEqual({ call, routes });
        else
          expect(answer.body).toMatch(
            /^the addresses, the routes or the registry .* cannot be read/,
          );
      }
    });
  },
);

/** Lines of routes, but for link-local ones, which come when the kernel has looked for their doubles. */
const ROUTES = /^(default|session-|route)(?!.*fe80:).*$/gm;

// busybox shows neither.
describe.concurrent("an observation by iproute2", () => {
  it("tells each gateway of a multipath route", async ({ expect }) => {
    await using box = await Box.create();
    await box.run(
      `/usr/sbin/ip route replace default nexthop via 10.9.0.253 dev eth0 nexthop via 10.9.0.254 dev eth0`,
    );
    const seen = await observe(box);
    expect(seen.gateways).toEqual(["10.9.0.253", "10.9.0.254"]);
    expect(seen.sessionRoute?.nic).toBe("eth0");
  });

  it("tells for which addresses the host answers as a proxy", async ({ expect }) => {
    await using box = await Box.create();
    await box.run(`/usr/sbin/ip -6 neigh add proxy 2001:db8::10 dev eth0
      /usr/sbin/ip -6 route add default dev eth0`);
    const seen = await observe(box);
    expect(seen.proxied).toEqual(["2001:db8::10"]);
    expect(seen.defaultNics).toContain("eth0");
  });
});

async function observe(box: Box): ReturnType<ReturnType<Box["open"]>["observed"]> {
  const session = box.open({ vips: VIPS, mode: "look" });
  const seen = await session.observed();
  await session.end();
  return seen;
}
