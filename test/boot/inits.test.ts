import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Engine } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import { arpOf, NOTHING, onLo, said, Stage, stored, traces, VIP, VIP6 } from "../provider/stage";
import { witnessing } from "./witness";

const BOUND = [`${VIP6}/128`, `${VIP}/32`];

const KINDS = [{ init: "openrc" }, { network: "networkd" }, { network: "ifupdown" }] as const;

/** What an administrator does to a network that runs. */
const SET_UP_AGAIN = {
  networkd:
    "networkctl reload && networkctl reconfigure lo eth0 && systemctl restart systemd-networkd",
  ifupdown: "systemctl restart networking",
};

/** Whoever manages lo, too, has an address of its own there. */
const LO_IS_MANAGED =
  "printf '[Match]\\nName=lo\\n[Network]\\nAddress=198.51.100.7/32\\n' " +
  ">/etc/systemd/network/05-lo.network";

/** What an operator had who bound the VIPs by hand before. */
const BOUND_BY_IFUPDOWN = `
auto lo:0
iface lo:0 inet static
  address ${VIP}
  netmask 255.255.255.255
iface lo inet6 static
  address 2001:DB8:0:0::10/128
`;

describe.each(KINDS)("a real server with %o", (options) => {
  let stage: Stage;
  let guest: Guest;
  let engine: Engine;
  let booted: string;

  beforeAll(async () => {
    stage = await Stage.create();
    [guest, engine] = await Promise.all([stage.guest("web", options), stage.engine()]);
    booted = await guest.waitForBoot();
  });
  afterAll(() => stage.destroy());

  it("starts everything that its init has to, and is on the wire", async () => {
    expect(booted).toBe("network" in options ? "running" : "default");
    expect(await stage.lab.arping(guest.address)).toEqual([guest.mac]);
    await guest.run("ip -6 addr show dev eth0 | grep -q fd5c:");
  });

  it("has its VIPs again after a reboot, and was silent, without drift", async () => {
    const outcome = await engine.up(stage.program(stage.args(guest)));
    expect(outcome.changes, outcome.text).toEqual({ create: 2 });
    const before = await guest.bootId();
    const seen = await witnessing(stage.lab, guest, undefined, async () => {
      await guest.reboot();
      expect(await onLo(guest)).toEqual(BOUND);
      await guest.waitForBoot();
    });
    expect(seen.requests).toBeGreaterThan(50);
    expect(seen.byGuest).toBe(0);
    expect(await guest.bootId()).not.toBe(before);
    expect(await arpOf(guest)).toBe("1 2");
    const refreshed = await engine.refresh();
    expect(refreshed.changes, refreshed.text).toEqual({ same: 2 });
    expect((await stored(engine)).outputs.drift).toEqual([]);
    expect(said(refreshed, "warning")).toEqual([]);
  });

  if ("network" in options)
    it("keeps them when its network is set up again, also by one who manages lo", async () => {
      const { network } = options;
      const again = async () => {
        const seen = await witnessing(stage.lab, guest, undefined, async () => {
          await guest.run(SET_UP_AGAIN[network]);
          await guest.waitForSsh();
        });
        expect(seen.byGuest).toBe(0);
      };
      await again();
      expect(await onLo(guest)).toEqual(BOUND);
      if (network !== "networkd") return;
      await guest.run(LO_IS_MANAGED);
      await again();
      expect(await onLo(guest)).toEqual(["198.51.100.7/32", ...BOUND].sort());
      await guest.run("rm /etc/systemd/network/05-lo.network; networkctl reload");
    });

  if ("network" in options && options.network === "ifupdown")
    it("leaves to ifupdown the VIPs that it binds itself, and is silent", async () => {
      await guest.run("cat >>/etc/network/interfaces; sync", { input: BOUND_BY_IFUPDOWN });
      const seen = await witnessing(stage.lab, guest, undefined, async () => {
        await guest.reboot();
        expect(await onLo(guest)).toEqual(BOUND);
        expect(await guest.waitForBoot()).toBe("running");
      });
      expect(seen.requests).toBeGreaterThan(50);
      expect(seen.byGuest).toBe(0);
      await guest.run("systemctl is-active networking.service pulumi-lvs-dr.service");
      const label = "until ip addr show dev lo | grep -q 'scope host lo:dr$'; do sleep 0.2; done";
      await guest.run(`timeout 30 sh -c "${label}"`);
      const refreshed = await engine.refresh();
      expect((await stored(engine)).outputs.drift).toEqual([]);
      expect(said(refreshed, "warning").join()).toMatch(/network\/interfaces line \d+ binds/);
      await guest.run("sed -i '/^auto lo:0/,$d' /etc/network/interfaces; sync");
    });

  it("has nothing of ours after a destroy and a reboot", async () => {
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    await guest.reboot();
    expect(await traces(guest)).toEqual(NOTHING);
    const rest = "find / -xdev -name '*lvs-dr*' -not -path '/proc/*' -not -path '/usr/*'";
    expect((await guest.run(rest)).stdout).toBe("");
  });
});
