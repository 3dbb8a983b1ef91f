import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { KIT_VERSION, REPLAY, UNITS } from "../../../src/host/boot-kit";
import { fixtures } from "../fixtures";

/** SHA-256 of each file of a version of the kit. */
interface Sums {
  readonly replay: string;
  readonly systemd: string;
  readonly openrc: string;
}

const WRITTEN = fixtures<Sums>("boot-kit").map(({ name, data }) => ({ version: +name, ...data }));

// Hosts hold kits of every version there was, and of two versions of the package that share a host the
// newer one's kit stays. So a change of a file in src/host/boot, or of a unit, raises KIT_VERSION and
// adds the new checksums to test/unit/fixtures/boot-kit; those that are there stay as they are.
describe("the boot kit", () => {
  it("is what is written down for its version, the newest", () => {
    const newest = Math.max(...WRITTEN.map(({ version }) => version));
    expect(KIT_VERSION).toBe(newest);
    const now = { replay: REPLAY.sum, systemd: UNITS.systemd.sum, openrc: UNITS.openrc.sum };
    expect({ version: KIT_VERSION, ...now }).toEqual(WRITTEN.find((one) => one.version === newest));
  });

  it("has one set of checksums for each version from 1 on, and no file of two versions", () => {
    const versions = WRITTEN.map(({ version }) => version).sort((a, b) => a - b);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    const sums = WRITTEN.flatMap(({ replay, systemd, openrc }) => [replay, systemd, openrc]);
    expect(new Set(sums).size).toBe(sums.length);
  });

  it("has no version whose checksums were ever changed", () => {
    const folder = join(__dirname, "../fixtures/boot-kit");
    const git = (...words: string[]) =>
      execFileSync("git", [...words, "--diff-filter=MDT", "--no-renames", "--", folder], {
        cwd: folder,
        encoding: "utf8",
      });
    expect(git("log", "--format=%h %s")).toBe("");
    expect(git("diff", "--name-only", "HEAD")).toBe("");
  });

  it("says of itself what it is, and of which version", () => {
    for (const { lines } of [REPLAY, UNITS.systemd, UNITS.openrc])
      expect(lines.slice(0, 2).join()).toContain(`# pulumi-lvs-dr boot ${KIT_VERSION}:`);
  });
});
