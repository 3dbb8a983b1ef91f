import { describe, expect, it } from "vitest";
import { KIT_VERSION, REPLAY, UNITS } from "../../../src/host/boot-kit";

describe("the boot kit", () => {
  it("has a new version with every change, so that two versions of the package can share a host", () => {
    const sums = [REPLAY, UNITS.systemd, UNITS.openrc].map(({ sum }) => sum.slice(0, 16));
    // Whoever changes a file: raise KIT_VERSION once a release has the old one, then put these right.
    expect({ version: KIT_VERSION, sums }).toEqual({
      version: 1,
      sums: ["38a31808bb853b40", "61510900eb20f250", "4bffd9d9a3c389f0"],
    });
  });

  it("says of itself what it is, and of which version", () => {
    for (const { lines } of [REPLAY, UNITS.systemd, UNITS.openrc])
      expect(lines.slice(0, 2).join()).toContain(`# pulumi-lvs-dr boot ${KIT_VERSION}:`);
  });
});
