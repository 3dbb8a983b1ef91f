import { dirname } from "node:path";
import { describe, it } from "vitest";

import { REAL_SERVER_KIT } from "../../src/host/real-server-kit";
import { plan } from "../../src/plan/plan";
import { Box, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare } from "./session";

const [A, B] = ["203.0.113.10", "203.0.113.11"] as const;
const PERSIST = { persist: true };

const PLACES = {
  systemd: {
    unit: "/etc/systemd/system/pulumi-lvs-dr.service",
    link: "/etc/systemd/system/multi-user.target.wants/pulumi-lvs-dr.service",
    mode: "644",
  },
  openrc: {
    unit: "/etc/init.d/pulumi-lvs-dr",
    link: "/etc/runlevels/boot/pulumi-lvs-dr",
    mode: "755",
  },
} as const;

const CASES = FLAVOURS.flatMap((flavour) =>
  (["systemd", "openrc"] as const).map((init) => ({ ...flavour, init })),
);

describe.concurrent.each(CASES)("the boot kit under $shell, $ip, $init", ({ init, ...flavour }) => {
  const { unit, link, mode } = PLACES[init];

  it("comes with the first owner that wants it, and goes with the last", async ({ expect }) => {
    await using box = await Box.create({ ...flavour, init });
    const clean = await box.snapshot();
    await carryOut(box.open({ vips: [B] }), serve(claim("plain", [B])));
    const plain = await box.snapshot();
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));

    const { stdout } = await box.run(
      `sha256sum <${unit}; sha256sum </var/lib/lvs-dr/replay; stat -c %a ${unit}; readlink ${link}`,
    );
    expect(stdout).toBe(
      `${REAL_SERVER_KIT.units[init].sum}  -\n${REAL_SERVER_KIT.replay.sum}  -\n${mode}\n${unit}\n`,
    );
    await carryOut(box.open({ vips: [A] }), withdraw(claim("web", [A], PERSIST)));
    expect(await box.snapshot()).toBe(plain);
    await carryOut(box.open({ vips: [B] }), withdraw(claim("plain", [B])));
    expect(await box.snapshot()).toBe(clean);
  });

  it("goes when its owner no longer wants it, and its VIPs stay", async ({ expect }) => {
    await using box = await Box.create({ ...flavour, init });
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    const without = (await box.snapshot()).replace(/^.*owners.*$/gm, "");
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    expect((await box.snapshot()).replace(/^.*owners.*$/gm, "")).not.toBe(without);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    expect((await box.snapshot()).replace(/^.*owners.*$/gm, "")).toBe(without);
  });

  it("is undone with everything else", async ({ expect }) => {
    await using box = await Box.create({ ...flavour, init });
    const clean = await box.snapshot();
    const session = box.open({ vips: [A] });
    const { request } = await prepare(session, serve(claim("web", [A], PERSIST)));
    ok(await session.request(request));
    expect(await box.snapshot()).toContain(unit);
    await session.end();
    expect(await box.snapshot()).toBe(clean);

    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    const served = await box.snapshot();
    const leaving = box.open({ vips: [A] });
    const { request: gone } = await prepare(leaving, withdraw(claim("web", [A], PERSIST)));
    ok(await leaving.request(gone));
    expect(await box.snapshot()).not.toContain(unit);
    await leaving.end();
    expect(await box.snapshot()).toBe(served);
  });

  it("is made right where it is changed or older, and left where it is newer", async ({
    expect,
  }) => {
    await using box = await Box.create({ ...flavour, init });
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    const served = await box.snapshot();
    await box.run(`echo '# mine' >>${unit}; rm ${link}; echo exit >>/var/lib/lvs-dr/replay`);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    expect(await box.snapshot()).toBe(served);
    if (init === "openrc") {
      await box.run(`chmod 644 ${unit}`);
      await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
      expect(await box.snapshot()).toBe(served);
    }

    for (const older of [1, REAL_SERVER_KIT.version - 1]) {
      await box.run(
        `sed -i 's/pulumi-lvs-dr boot [0-9]*:/pulumi-lvs-dr boot ${older}:/' ${unit} /var/lib/lvs-dr/replay`,
      );
      await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
      expect(await box.snapshot()).toBe(served);
    }

    await box.run(`sed -i 's/pulumi-lvs-dr boot [0-9]*:/pulumi-lvs-dr boot 999:/' ${unit}`);
    await box.run(
      `sed -i 's/pulumi-lvs-dr boot [0-9]*:/pulumi-lvs-dr boot 999:/' /var/lib/lvs-dr/replay`,
    );
    const newer = await box.snapshot();
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    expect(await box.snapshot()).toBe(newer);
  });

  it("is refused in the place of somebody else's unit", async ({ expect }) => {
    await using box = await Box.create({ ...flavour, init });
    await box.run(`echo theirs >${unit}`);
    const before = await box.snapshot();
    const wanted = prepare(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    await expect(wanted).rejects.toThrow("did not write");
    expect(await box.snapshot()).toBe(before);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await carryOut(box.open({ vips: [A] }), withdraw(claim("web", [A])));
    expect(await box.snapshot()).toBe(before);
  });
});

describe.each(["systemd", "openrc"] as const)("a host of %s that takes no units", (init) => {
  const { unit } = PLACES[init];
  const folder = dirname(unit);
  const freeze = `mount --bind ${folder} ${folder}; mount -o remount,bind,ro ${folder}`;
  const web = claim("web", [A], PERSIST);

  it("has nothing done to it where VIPs are to be bound again at boot", async ({ expect }) => {
    await using box = await Box.create({ init });
    await box.run(freeze);
    const before = await box.snapshot();
    const session = box.open({ vips: [A] });
    await expect(carryOut(session, serve(web))).rejects.toThrow(
      /cannot be written: .*Read-only file system; set persist to false/,
    );
    await session.end();
    expect(session.notes).toEqual([]);
    expect(await box.snapshot()).toBe(before);
    await carryOut(box.open({ vips: [A] }), serve(claim("web", [A])));
    await carryOut(box.open({ vips: [A] }), withdraw(claim("web", [A])));
    expect(await box.snapshot()).toBe(before);
  });

  it("is served and left all the same where it took ours before, which stays and is named", async ({
    expect,
  }) => {
    await using box = await Box.create({ init });
    await carryOut(box.open({ vips: [A] }), serve(web));
    await box.run(`sed -i 's/boot [0-9]*:/boot 1:/' ${unit}; ${freeze}`);
    const more = claim("web", [A, B], PERSIST);
    await carryOut(box.open({ vips: [A, B] }), serve(more));
    const after = await carryOut(box.open({ vips: [A, B] }), withdraw(more));
    expect(plan(withdraw(more), after).notes).toEqual([
      expect.stringContaining(`${unit} stays, and what enables it`),
    ]);
    expect(after.boot).toMatchObject({ enabled: true, replay: undefined, fixed: unit });
    expect(await box.snapshot()).not.toMatch(/lo:dr|owners|replay/);
    expect((await box.run("ls -A /var/lib")).stdout.trim()).toBe("");
  });
});

describe("a host with neither systemd nor OpenRC", () => {
  it("is refused where VIPs are to be bound again at boot", async ({ expect }) => {
    await using box = await Box.create();
    const wanted = prepare(box.open({ vips: [A] }), serve(claim("web", [A], PERSIST)));
    await expect(wanted).rejects.toThrow("set persist to false");
  });
});

describe("a profile of NetworkManager for lo", () => {
  it("is seen where NetworkManager runs", async ({ expect }) => {
    await using box = await Box.create();
    const folder = "/etc/NetworkManager/system-connections";
    await box.run(`mkdir -p ${folder}
      printf '[connection]\\nid=x\\ntype=ethernet\\n' >${folder}/eth.nmconnection
      printf '[connection]\\nid=lo\\ntype=loopback\\n' >${folder}/lo.nmconnection`);
    const seen = async () => {
      const session = box.open({ mode: "look" });
      const { loProfiles } = await session.observed();
      await session.end();
      return loProfiles;
    };
    expect(await seen()).toEqual([]);
    await box.run("mkdir /run/NetworkManager");
    expect(await seen()).toEqual([`${folder}/lo.nmconnection`]);
  });
});
