import { describe, expect, it } from "vitest";

import type { Allowed } from "./allowed";
import { judge, type Case } from "./judge";
import { shortfall } from "./oracle";
import { KIT_PATHS, OUTCOME } from "./kit";
import type { Snapshot } from "./snapshot";

const NOTHING: Allowed = {
  frames: { atFirst: undefined, drift: undefined, meanwhile: undefined },
  ...{ either: new Map(), strict: undefined, journal: undefined },
  ...{ stopped: undefined, changed: undefined },
};
const EMPTY: Snapshot = new Map([
  ["sysctl all arp_ignore", "0"],
  ["file /root/notes", "600 root"],
]);
const VIP = "lo 203.0.113.1/32";
const and = (snapshot: Snapshot, name: string, value: string) =>
  new Map([...snapshot, [name, value]]);
const bound = and(EMPTY, VIP, "host lo:dr forever forever");
const strict = and(EMPTY, "sysctl all arp_ignore", "1");
const both = and(bound, "sysctl all arp_ignore", "1");
const journalled = and(bound, "registry journal", "bound 4");

const FAILED = { kind: "failed", message: "rolled back" } as const;
const judged = (one: Partial<Case>) =>
  judge({
    ...{ allowed: NOTHING, befores: [EMPTY], after: EMPTY, missing: ["a VIP"], outcome: FAILED },
    ...one,
  });
const promises = (one: Partial<Case>) => judged(one).violations.map(({ promise }) => promise);

describe("an operation that something befell", () => {
  it("is rolled back where the host is as before, and said so", () => {
    expect(judged({})).toEqual({ ending: "rolled back", violations: [], forgiven: [] });
  });
  it("is completed where nothing is missing, and said so", () => {
    const done = { after: bound, missing: [], outcome: { kind: "done" } } as const;
    expect(judged(done)).toEqual({ ending: "completed", violations: [], forgiven: [] });
  });
  it("breaks I2 where the host is neither", () => {
    expect(promises({ after: bound })).toEqual(["I2"]);
  });
  it("breaks I2 where it changes a host of which nothing was asked", () => {
    expect(promises({ after: bound, missing: undefined, outcome: { kind: "done" } })).toEqual([
      "I2",
    ]);
  });
  it("breaks I2 where done is said, and it is not", () => {
    expect(promises({ outcome: { kind: "done" } })).toEqual(["I2"]);
  });
  it("breaks I2 where failed is said, and it is done", () => {
    expect(promises({ after: bound, missing: [] })).toEqual(["I2"]);
    expect(
      promises({ after: bound, missing: [], outcome: { ...FAILED, kind: "unknown" } }),
    ).toEqual([]);
  });
  it("may be as in any look from before", () => {
    expect(promises({ befores: [EMPTY, bound], after: bound })).toEqual([]);
  });
  it("breaks I2 where it leaves a journal, unless it may", () => {
    expect(promises({ after: journalled })).toEqual(["I2"]);
    const left = judged({ after: journalled, allowed: { ...NOTHING, journal: "nobody is left" } });
    expect(left).toMatchObject({ ending: "left to the next operation", violations: [] });
  });
  it("breaks I4 where it touches a file of somebody's, whatever else it may", () => {
    const after = and(journalled, "file /root/notes", "644 root");
    expect(promises({ after, allowed: { ...NOTHING, journal: "nobody is left" } })).toEqual(["I4"]);
  });
  it("may leave sysctls strict where those would leak, and nothing else", () => {
    const allowed = { ...NOTHING, strict: "a VIP leaked before" };
    expect(promises({ after: strict })).toEqual(["I2"]);
    expect(promises({ after: strict, allowed })).toEqual([]);
    expect(promises({ after: both, allowed })).toEqual(["I2"]);
  });
  it("may leave as it likes what somebody changed meanwhile, and nothing else", () => {
    const allowed = { ...NOTHING, either: new Map([[VIP, "somebody changed it"]]) };
    expect(promises({ after: bound, allowed })).toEqual([]);
    expect(promises({ after: both, allowed })).toEqual(["I2"]);
  });
});

describe("what the documents promise of the boot", () => {
  const serving = { vips: ["2001:db8::1"], ignore: 1, interfaces: "all" } as const;
  const failed = new Map([
    ["folder", ""],
    [`boot ${OUTCOME}`, "says failed eth9"],
  ]);
  const about = (path: string, persist: boolean) =>
    shortfall(
      { verb: "create", owner: "web", serving: { ...serving, persist } },
      failed,
      failed,
    ).filter((line) => line.startsWith(`boot ${path}:`));

  it("a failure is forgotten when an owner that asks to be bound again is served, and else kept", () => {
    expect(about(OUTCOME, true)).toHaveLength(1);
    expect(about(OUTCOME, false)).toEqual([]);
  });
  it("its files are there where an owner asks for it", () => {
    for (const path of Object.values(KIT_PATHS)) {
      expect(about(path, true)).toHaveLength(1);
      expect(about(path, false)).toEqual([]);
    }
  });
});
