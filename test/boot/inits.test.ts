import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Engine } from "../lab/engine";
import type { Guest } from "../lab/lab";
import { arpOf, NOTHING, onLo, said, Stage, stored, traces, VIP, VIP6 } from "../provider/stage";
import { witnessing } from "./witness";

const BOUND = [`${VIP6}/128`, `${VIP}/32`];

describe.each([{ init: "openrc" }, { network: "networkd" }, { network: "ifupdown" }] as const)(
  "a real server with %o",
  (options) => {
    let stage: Stage;
    let guest: Guest;
    let engine: Engine;

    beforeAll(async () => {
      stage = await Stage.create();
      [guest, engine] = await Promise.all([stage.guest("web", options), stage.engine()]);
      await guest.waitForBoot();
    });
    afterAll(() => stage.destroy());

    it("has its VIPs again after a reboot, and was silent, without drift", async () => {
      const outcome = await engine.up(stage.program(stage.args(guest)));
      expect(outcome.changes, outcome.text).toEqual({ create: 2 });
      const seen = await witnessing(stage.lab, guest, undefined, async () => {
        await guest.reboot();
        expect(await onLo(guest)).toEqual(BOUND);
        await guest.waitForBoot();
      });
      expect(seen.requests).toBeGreaterThan(50);
      expect(seen.byGuest).toBe(0);
      expect(await arpOf(guest)).toBe("1 2");
      const refreshed = await engine.refresh();
      expect(refreshed.changes, refreshed.text).toEqual({ same: 2 });
      expect((await stored(engine)).outputs.drift).toEqual([]);
      expect(said(refreshed, "warning")).toEqual([]);
    });

    it.runIf("network" in options)("keeps them when its network is set up again", async () => {
      const again =
        "network" in options && options.network === "networkd"
          ? "networkctl reload; networkctl reconfigure eth0; systemctl restart systemd-networkd"
          : "systemctl restart networking";
      const seen = await witnessing(stage.lab, guest, undefined, async () => {
        await guest.run(again);
        await guest.waitForSsh();
      });
      expect(await onLo(guest)).toEqual(BOUND);
      expect(seen.byGuest).toBe(0);
    });

    it("has nothing of ours after a destroy and a reboot", async () => {
      const outcome = await engine.destroy();
      expect(outcome.succeeded, outcome.text).toBe(true);
      await guest.reboot();
      expect(await traces(guest)).toEqual(NOTHING);
      const rest = "find / -xdev -name '*lvs-dr*' -not -path '/proc/*' -not -path '/usr/*'";
      expect((await guest.run(rest)).stdout).toBe("");
    });
  },
);
