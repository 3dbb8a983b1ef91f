import { describe, expect, it } from "vitest";
import { pauseBeforeNextCount, serviceVerdict } from "../../../src/operation/service-drain-tally";

const inUse = (counts: Record<string, number>) => new Map(Object.entries(counts));
const policy = (onTimeout: "remove" | "fail") => ({ timeoutSeconds: 60, onTimeout });

describe("a drain of destinations", () => {
  it("is over when nobody uses them, whatever is left of its time", () => {
    expect(serviceVerdict(inUse({}), policy("fail"), 5)).toEqual({ kind: "unused" });
    expect(serviceVerdict(inUse({}), policy("fail"), -5)).toEqual({ kind: "unused" });
  });

  it("waits, and says for whom and how long at most", () => {
    expect(serviceVerdict(inUse({ "10.0.0.11": 2, "fd00::11": 1 }), policy("fail"), 4.2)).toEqual({
      kind: "wait",
      progress: "draining 3 connections (10.0.0.11: 2, fd00::11: 1), at most 5 s more",
    });
  });

  it("cuts what is left when its time is over, or gives up, as it was told", () => {
    const one = inUse({ "10.0.0.11": 1 });
    expect(serviceVerdict(one, policy("remove"), 0)).toEqual({
      kind: "cut",
      warning: "1 connection (10.0.0.11: 1) was left after draining for 60 s, cut now",
    });
    expect(serviceVerdict(one, policy("fail"), 0)).toEqual({
      kind: "give-up",
      message:
        "1 connection (10.0.0.11: 1) was left after draining for 60 s. Run it again, raise " +
        'drain.timeoutSeconds, or set drain.onTimeout to "remove", which cuts them',
    });
  });

  it("asks every second at first, less often later or where the answer takes long, and at the end", () => {
    const [long, quick] = [600_000, 40];
    expect(pauseBeforeNextCount(quick, 0, long)).toBe(1000);
    expect(pauseBeforeNextCount(quick, 24_000, long)).toBe(2000);
    expect(pauseBeforeNextCount(quick, 300_000, long)).toBe(5000);
    expect(pauseBeforeNextCount(1500, 0, long)).toBe(3000);
    expect(pauseBeforeNextCount(60_000, 0, long)).toBe(10_000);
    expect(pauseBeforeNextCount(60_000, 300_000, 200)).toBe(200);
  });
});
