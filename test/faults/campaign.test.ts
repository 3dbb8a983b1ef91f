import { beforeAll, describe, expect, it } from "vitest";

import { campaign, type Findings } from "./campaign";
import { table } from "./table";

const SECONDS = 60;
/** Always the same runs, so that a failure is the change's that it comes with; by hand, draw another. */
const SEED = 10;

describe("whatever goes wrong, wherever it goes wrong", () => {
  let findings: Findings;
  beforeAll(async () => {
    const started = Date.now();
    const until = started + SECONDS * 1000;
    const runs = Array.from({ length: 3000 }, (_, number) => number);
    findings = await campaign({ seed: SEED, runs, until, lanes: 12 });
    console.log(table(findings, (Date.now() - started) / 1000, SEED));
  }, 300_000);

  const broken = (promise: string): unknown[] =>
    findings.violations.filter((one) => one.promise === promise);

  it("faults come about, and operations are rolled back and completed under them", () => {
    const struck = findings.verdicts.filter((verdict) => verdict.struck);
    expect(struck.length).toBeGreaterThan(10);
    expect(new Set(struck.map((verdict) => verdict.ending)).size).toBeGreaterThan(1);
  });
  it("no host answers or announces ARP for a VIP (I1)", () => {
    expect(findings.asked).toBeGreaterThan(1000);
    expect(broken("I1")).toEqual([]);
  });
  it("a host is as before or as asked for, and the next operation finishes the job (I2)", () => {
    expect(broken("I2")).toEqual([]);
  });
  it("nothing is left after destroy (I3)", () => {
    expect(broken("I3")).toEqual([]);
  });
  it("nothing foreign is touched (I4)", () => {
    expect(broken("I4")).toEqual([]);
  });
  it("no key and no password is seen anywhere (I5)", () => {
    expect(broken("I5")).toEqual([]);
  });
});
