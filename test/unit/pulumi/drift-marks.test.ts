import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkInputs, parseSettings } from "../../../src/inputs/real-server";
import { answered, marked, unmarked } from "../../../src/pulumi/drift-marks";

const declaration = {
  connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
  vips: ["203.0.113.10", "2001:db8::10"],
  arp: { ignore: 1, announce: 2, interfaces: ["eth0"] },
  owner: "web-1",
};
const declared = checkInputs(declaration).inputs;
const settings = parseSettings(declared);
const quiet = { ignore: 1, announce: 2 };
const markedFor = (observedVips: string[], observedArp = quiet) =>
  marked(declared, settings, { observedVips, observedArp });

describe("the inputs after a read", () => {
  it("are as declared where all holds", () => {
    expect(markedFor(["203.0.113.10", "2001:db8::10"])).toEqual(declared);
  });

  it("say at its place which VIP is not bound", () => {
    expect(markedFor(["2001:db8::10"])).toMatchObject({
      vips: ["203.0.113.10 (not bound)", "2001:db8::10"],
    });
    expect(markedFor([])).toMatchObject({
      vips: ["203.0.113.10 (not bound)", "2001:db8::10 (not bound)"],
    });
  });

  it("say which ARP value is in force instead of the declared one", () => {
    const { arp } = markedFor(["203.0.113.10", "2001:db8::10"], { ignore: 0, announce: 1 });
    expect(arp).toEqual({
      ignore: "1 (0 in force)",
      announce: "2 (1 in force)",
      interfaces: ["eth0"],
    });
  });

  it("say nothing of ARP values that are left to their defaults and are in force", () => {
    const { connection, vips, owner } = declared;
    const least = { connection, vips, owner };
    const both = ["203.0.113.10", "2001:db8::10"];
    expect(marked(least, settings, { observedVips: both, observedArp: quiet })).toEqual(least);
    const loud = { ignore: 0, announce: 2 };
    const marks = marked(least, settings, { observedVips: both, observedArp: loud });
    expect(marks["arp"]).toEqual({ ignore: "1 (0 in force)", announce: 2 });
  });

  it("are the declared ones again once the marks are off, whatever drifted", () => {
    fc.assert(
      fc.property(
        fc.subarray(["203.0.113.10", "2001:db8::10"]),
        fc.record({ ignore: fc.integer({ min: -1 }), announce: fc.integer({ min: -1 }) }),
        (vips, arp) => {
          expect(unmarked(markedFor(vips, arp))).toEqual(declared);
        },
      ),
    );
  });

  it("that an older version wrote over with what was observed stay as they are", () => {
    const older = { ...declared, vips: [], arp: { ignore: 0, announce: 2 } };
    expect(unmarked(older)).toEqual(older);
  });
});

describe("the inputs of a program beside marked ones", () => {
  const marks = { arp: { ignore: "2 (0 in force)", announce: 2, interfaces: ["eth0"] } };

  it("spell out the ARP values that are left to their defaults, and keep those that are given", () => {
    expect(answered({}, marks)).toEqual({ arp: { ignore: 1, announce: 2 } });
    const given = { arp: { ignore: 2, interfaces: ["eth1"] } };
    expect(answered(given, marks)).toEqual({ arp: { ...given.arp, announce: 2 } });
  });

  it("stay as they are where no ARP value is marked, or arp is not known yet", () => {
    for (const olds of [{}, { arp: null }, { arp: { ignore: 2 } }, { vips: ["h (not bound)"] }])
      expect(answered({ owner: "o" }, olds)).toEqual({ owner: "o" });
    expect(answered({ arp: "later" }, marks)).toEqual({ arp: "later" });
  });
});

describe("a value that only looks like a mark", () => {
  it.each([
    { vips: ["(not bound)"] },
    { vips: ["203.0.113.10 (not bound) "] },
    { vips: [7, null] },
    { vips: "203.0.113.10 (not bound)" },
    { arp: { ignore: "1" } },
    { arp: { ignore: "(0 in force)" } },
    { arp: null },
    { arp: ["1 (0 in force)"] },
    {},
  ])("is left to the check: %j", (inputs) => {
    expect(unmarked(inputs)).toEqual(inputs);
  });
});
