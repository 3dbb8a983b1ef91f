import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { DIRECTOR_KIT } from "../../../src/host/director-kit";
import { REAL_SERVER_KIT } from "../../../src/host/real-server-kit";
import { fixtures } from "../fixtures";

/** SHA-256 of each file of a version of a kit. */
interface Sums {
  readonly replay: string;
  readonly systemd: string;
  readonly openrc: string;
}

const KITS = [
  { host: "a real server", kit: REAL_SERVER_KIT, folder: "boot-kit" },
  { host: "a director", kit: DIRECTOR_KIT, folder: "director-kit" },
];

// Hosts hold kits of every version there was, and of two versions of the package that share a host the
// newer one's kit stays. So a change of a file in src/host/boot or src/host/director-boot, or of a unit,
// raises the version of each kit that has it, and adds the new checksums to test/unit/fixtures; those that
// are there stay as they are.
describe.each(KITS)("the boot kit of $host", ({ kit, folder }) => {
  const { version, replay, units } = kit;
  const written = fixtures<Sums>(folder).map(({ name, data }) => ({ version: +name, ...data }));

  it("is what is written down for its version, the newest", () => {
    const newest = Math.max(...written.map((one) => one.version));
    expect(version).toBe(newest);
    const now = { replay: replay.sum, systemd: units.systemd.sum, openrc: units.openrc.sum };
    expect({ version, ...now }).toEqual(written.find((one) => one.version === newest));
  });

  it("has one set of checksums for each version from 1 on, and no file of two versions", () => {
    const versions = written.map((one) => one.version).sort((a, b) => a - b);
    expect(versions).toEqual(versions.map((_, index) => index + 1));
    const sums = written.flatMap((one) => [one.replay, one.systemd, one.openrc]);
    expect(new Set(sums).size).toBe(sums.length);
  });

  it("has no version whose checksums were ever changed", () => {
    const path = join(__dirname, "../fixtures", folder);
    const git = (...words: string[]) =>
      execFileSync("git", [...words, "--diff-filter=MDT", "--no-renames", "--", path], {
        cwd: path,
        encoding: "utf8",
      });
    expect(git("log", "--format=%h %s")).toBe("");
    expect(git("diff", "--name-only", "HEAD")).toBe("");
  });

  it("says of itself what it is, and of which version", () => {
    for (const { lines } of [replay, units.systemd, units.openrc])
      expect(lines.slice(0, 2).join()).toContain(`# pulumi-lvs-dr boot ${version}:`);
  });
});
