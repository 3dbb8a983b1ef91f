import { describe, expect, it } from "vitest";

import type { Allowed } from "./allowed";
import { wordsOf, wrongIn } from "./expected";
import { judge, type Case } from "./judge";
import { routesHolding, shortfall } from "./oracle";
import { KIT_PATHS, OUTCOME } from "./kit";
import { nameOfRoute } from "./others";
import type { HostState } from "./scenario";
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

describe("what the documents promise of a VIP's routes", () => {
  const serving = { vips: ["203.0.113.1"], ignore: 1, interfaces: "all", persist: false } as const;
  const withdrawal = { verb: "delete", owner: "web", serving } as const;
  const arp = ["all", "eth0"].flatMap((nic) => [
    [`sysctl ${nic} arp_ignore`, "0"] as const,
    [`sysctl ${nic} arp_announce`, "0"] as const,
  ]);
  const route = (kind: "that is local" | "for marked packets" | "from a VIP") =>
    nameOfRoute({ kind, vip: "203.0.113.1" });
  const byHand = new Map([...arp, [VIP, "link lo:1 forever forever"]]);
  const from = and(byHand, route("from a VIP"), "10.77.0.0/16 dev eth0 src 203.0.113.1");
  const about = (name: string, before: Snapshot, after: Snapshot) =>
    shortfall({ ...withdrawal, verb: "create" }, before, after).filter((line) =>
      line.startsWith(`${name}:`),
    );

  it("is left where it is while a route has it as its source, and withdrawn where none has", () => {
    expect(routesHolding(withdrawal, from)).toEqual([route("from a VIP")]);
    expect(routesHolding(withdrawal, byHand)).toEqual([]);
    expect(routesHolding({ ...withdrawal, verb: "update" }, from)).toEqual([]);
    // Another's address begins with the same digits.
    const other = and(byHand, route("from a VIP"), "10.77.0.0/16 dev eth0 src 203.0.113.10");
    expect(routesHolding(withdrawal, other)).toEqual([]);
  });
  it("may be adopted as it is for a route's sake, and else is bound as ours are", () => {
    expect(about(VIP, from, from)).toEqual([]);
    expect(about(VIP, byHand, byHand)).toHaveLength(1);
  });
  it("loses no route", () => {
    expect(about(route("from a VIP"), from, byHand)).toHaveLength(1);
    expect(promises({ befores: [from], after: byHand })).toContain("I4");
  });
  it("keeps sysctls for a foreign local route, but for one that only marked packets take", () => {
    const saved = "sysctl arp_ignore 0 1 all";
    const strictAll = and(and(EMPTY, "sysctl all arp_ignore", "1"), "registry saved", saved);
    const short = (before: Snapshot) =>
      shortfall(withdrawal, before, before).filter((line) => line.startsWith("sysctl"));
    expect(short(strictAll)).toHaveLength(1);
    expect(short(and(strictAll, route("that is local"), ""))).toEqual([]);
    expect(short(and(strictAll, route("for marked packets"), ""))).toHaveLength(1);
  });
});

describe("what an operation must say", () => {
  const serving = { vips: ["203.0.113.1"], ignore: 1, interfaces: "all", persist: false } as const;
  const host: HostState = {
    ...{ sysctls: [], byHand: [], owners: [], kit: "whole", journal: "none" },
    ...{ routes: [], litter: true, slow: false },
    files: ["203.0.113.1", "203.0.113.40"].map((vip) => ({ path: "/etc/rc.local", vip })),
  };
  const words = (verb: "create" | "delete", before: Snapshot = EMPTY) =>
    wordsOf({ verb, owner: "web", serving }, host, before);

  it("names files that bind its VIPs or undo its sysctls, with the line", () => {
    expect(words("create")).toEqual([
      "/etc/rc.local line 2 binds 203.0.113.1",
      "/etc/sysctl.d/99-faults.conf line 1 sets all arp_ignore to 0",
    ]);
  });
  it("names a route by which the host keeps what it has left", () => {
    const local = nameOfRoute({ kind: "that is local", vip: "203.0.113.1" });
    expect(words("delete", and(bound, local, ""))[0]).toContain("binds 203.0.113.1");
    expect(words("delete", and(bound, local, ""))[1]).toContain("still delivered to the host");
    expect(words("delete", bound)).toHaveLength(1);
    expect(words("delete", and(EMPTY, local, ""))).toHaveLength(2);
  });

  const wrong = (message: string | undefined, fault: Parameters<typeof wrongIn>[1]["fault"]) =>
    wrongIn(message === undefined ? { kind: "done" } : { kind: "failed", message }, {
      fault,
      verb: "delete",
      isHeld: false,
      bySsh: false,
    });
  it("quotes who turns us away, and never takes him for gone", () => {
    const full = { kind: "sshd", how: "is full", seconds: undefined } as const;
    expect(wrong("closed: MaxStartups?", full)).toEqual([]);
    expect(wrong("timed out", full)).toHaveLength(1);
    expect(wrong("MaxStartups, or PULUMI_LVS_DR_FORGET=web", full)).toHaveLength(1);
    expect(wrong(undefined, full)).toHaveLength(1);
    expect(wrong(undefined, { ...full, seconds: 1 })).toEqual([]);
  });
  it("is done though NICs come and go", () => {
    const nics = { kind: "NICs come and go" } as const;
    expect([wrong(undefined, nics), wrong("tapx1 is not there", nics)]).toEqual([
      [],
      [expect.stringContaining("not done")],
    ]);
  });
});
