import { describe, it } from "vitest";

import { Box, eventually, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut } from "./session";

const VIPS = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];

describe.concurrent.each(FLAVOURS)("an operation under $shell with the ip of $ip", (flavour) => {
  it("converges, verifies and commits, and withdraws until nothing is left", async ({ expect }) => {
    await using box = await Box.create(flavour);
    const before = await box.snapshot();
    const web = claim("web", VIPS);
    const after = await carryOut(box.open({ vips: VIPS }), serve(web));
    expect(
      after.addresses.filter((one) => one.scope === "host" && one.label === "lo:dr"),
    ).toHaveLength(2);
    expect(after.all).toEqual({ arp_ignore: 1, arp_announce: 2 });
    await carryOut(box.open({ vips: VIPS }), withdraw(web));
    expect(await box.snapshot()).toBe(before);
    expect(
      await eventually(
        () => box.processes(),
        (left) => left.length === 0,
        0.5,
      ),
    ).toEqual([]);
  });
});
