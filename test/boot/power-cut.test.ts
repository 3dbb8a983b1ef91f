import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Engine, Outcome } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import { NOTHING, onLo, slowLogin, Stage, stored, traces, VIP, VIP6 } from "../provider/stage";
import { witnessing } from "./witness";

const BOUND = [`${VIP6}/128`, `${VIP}/32`];
const MORE = "203.0.113.11";

describe("a power cut in the middle", () => {
  let stage: Stage;
  let guest: Guest;
  let engine: Engine;
  const program = (vips = [VIP, VIP6]) => stage.program(stage.args(guest, { vips }));

  beforeAll(async () => {
    stage = await Stage.create();
    [guest, engine] = await Promise.all([stage.guest("web"), stage.engine()]);
    await guest.waitForBoot();
    await slowLogin(guest);
  });
  afterAll(() => stage.destroy());

  /** Cuts the power when a row says this, and switches it on again; the wire must be silent. */
  async function cutAt(
    words: string,
    operation: (onEvent: NonNullable<Parameters<Engine["destroy"]>[0]>) => Promise<Outcome>,
  ): Promise<Outcome> {
    let cut: Promise<void> | undefined;
    let outcome: Outcome | undefined;
    const seen = await witnessing(stage.lab, guest, undefined, async () => {
      outcome = await operation({
        onEvent: ({ diagnosticEvent: event }) => {
          if (event?.message.includes(words)) cut ??= guest.powerCut();
        },
      });
      if (cut === undefined) throw new Error(`no row said ${words}: ${outcome.text}`);
      await cut;
      await guest.powerOn();
      await guest.waitForBoot();
    });
    expect(seen.requests).toBeGreaterThan(50);
    expect(seen.byGuest).toBe(0);
    return outcome!;
  }

  it("of a first up leaves nothing at the next boot, and the next up finishes", async () => {
    const outcome = await cutAt("binding 2 VIPs", (options) => engine.up(program(), options));
    expect(outcome.succeeded).toBe(false);
    expect(await traces(guest)).toEqual(NOTHING);
    const again = await engine.up(program());
    expect(again.succeeded, again.text).toBe(true);
    expect(await onLo(guest)).toEqual(BOUND);
    expect((await stored(engine)).outputs.converged).toBe(true);
  });

  it("of an update leaves what was before, and the next up finishes", async () => {
    const vips = [VIP, MORE, VIP6];
    const outcome = await cutAt("binding 1 VIP", (options) => engine.up(program(vips), options));
    expect(outcome.succeeded).toBe(false);
    expect(await onLo(guest)).toEqual(BOUND);
    const again = await engine.up(program(vips));
    expect(again.succeeded, again.text).toBe(true);
    expect(await onLo(guest)).toEqual([...BOUND, `${MORE}/32`].sort());
  });

  it("just before the commit of an update is as one in its middle", async () => {
    const outcome = await cutAt("verified, committing", (options) => {
      return engine.up(program(), options);
    });
    const again = await engine.up(program(), { refresh: true });
    expect(again.succeeded, `${outcome.text}${again.text}`).toBe(true);
    expect(await onLo(guest)).toEqual(BOUND);
    expect((await engine.refresh()).changes).toEqual({ same: 2 });
  });

  it("of a destroy has the next destroy finish, and nothing comes back", async () => {
    const outcome = await cutAt("unbinding 2 VIPs", (options) => engine.destroy(options));
    expect(outcome.succeeded).toBe(false);
    const again = await engine.destroy();
    expect(again.succeeded, again.text).toBe(true);
    expect(await traces(guest)).toEqual(NOTHING);
    await guest.reboot();
    expect(await traces(guest)).toEqual(NOTHING);
  });
});
