import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseUsage, type Usage } from "../../../src/observed/connections";
import {
  loopWarning,
  verdictOn,
  withCount,
  type DrainPolicy,
  type DrainTally,
  type DrainVerdict,
} from "../../../src/operation/drain-tally";

const VIPS = ["203.0.113.10", "203.0.113.11"];

/** A connection, by its VIP's place in the list and its client's port; `ended` has left a TIME-WAIT. */
interface Seen {
  readonly vip: number;
  readonly port: number;
  readonly ended: boolean;
}

/** What a count finds, and how long after the count before. */
interface Count {
  readonly after: number;
  readonly seen: readonly Seen[];
}

const seen = fc.record({
  vip: fc.nat(VIPS.length - 1),
  port: fc.nat(12),
  ended: fc.boolean(),
});
const count: fc.Arbitrary<Count> = fc.record({
  after: fc.oneof(fc.nat(3000), fc.nat(40_000)),
  seen: fc.uniqueArray(seen, {
    maxLength: 6,
    selector: ({ vip, port }) => `${vip} ${port}`,
  }),
});
const policy: fc.Arbitrary<DrainPolicy> = fc.record({
  timeoutSeconds: fc.integer({ min: 1, max: 60 }),
  onTimeout: fc.constantFrom("withdraw", "fail"),
});

function usageOf(found: readonly Seen[]): Usage {
  const lines = (ended: boolean) => {
    const some = found.filter((one) => one.ended === ended);
    const mark = ended ? "ended ss" : "ss";
    const told = some.map(({ vip, port }) => `${mark} 0 0 ${VIPS[vip]}:80 10.0.0.9:${port}`);
    return some.length === 0 ? [] : [...told, `${some.length}`];
  };
  return parseUsage([...lines(false), ...lines(true), ""].join("\n"), VIPS);
}

interface Step {
  readonly now: number;
  readonly open: number;
  readonly verdict: DrainVerdict;
}

/** Counts one after the other: when each was, and what was said to it. */
function drain(counts: readonly Count[], rule: DrainPolicy): Step[] {
  let now = 1_000_000;
  let tally: DrainTally | undefined;
  return counts.map(({ after, seen: found }) => {
    now += after;
    tally = withCount(tally, usageOf(found), rule, now);
    const open = found.filter((one) => !one.ended).length;
    return { now, open, verdict: verdictOn(tally, rule, now) };
  });
}

function wordsOf(verdict: DrainVerdict): string {
  switch (verdict.kind) {
    case "unused":
      return verdict.warning ?? "";
    case "wait":
      return verdict.progress;
    case "cut":
      return verdict.warning;
    case "give-up":
      return verdict.message;
  }
}

describe("a drain", () => {
  const counts = fc.array(count, { minLength: 1, maxLength: 12 });

  it("waits while VIPs are in use, from the first connection seen, and not longer than it may", () => {
    fc.assert(
      fc.property(counts, policy, (found, rule) => {
        let end: number | undefined;
        for (const { now, open, verdict } of drain(found, rule)) {
          if (open > 0) end ??= now + rule.timeoutSeconds * 1000;
          if (open === 0) expect(verdict.kind).toBe("unused");
          else if (end !== undefined && now < end)
            expect(verdict).toMatchObject({ kind: "wait", milliseconds: end - now });
          else if (rule.onTimeout === "withdraw") expect(verdict.kind).toBe("cut");
          else expect(verdict).toMatchObject({ kind: "give-up", error: "timed-out" });
        }
      }),
    );
  });

  it("ends when its time is over to the millisecond, where it looks as soon as it says", () => {
    const always = usageOf([{ vip: 0, port: 1, ended: false }]);
    fc.assert(
      fc.property(policy, fc.integer({ min: 100, max: 20_000 }), (rule, pace) => {
        let now = 0;
        let tally = withCount(undefined, always, rule, now);
        let verdict = verdictOn(tally, rule, now);
        for (let looks = 0; verdict.kind === "wait" && looks < 1000; looks += 1) {
          now += Math.min(pace, verdict.milliseconds);
          tally = withCount(tally, always, rule, now);
          verdict = verdictOn(tally, rule, now);
        }
        expect(verdict.kind).not.toBe("wait");
        expect(now).toBe(rule.timeoutSeconds * 1000);
      }),
    );
  });

  it("says how many are open, and at which VIP", () => {
    fc.assert(
      fc.property(counts, policy, (found, rule) => {
        for (const { open, verdict } of drain(found, rule)) {
          if (verdict.kind === "unused") continue;
          const [, total, each = ""] = /(\d+) connections? \((.*?)\)/.exec(wordsOf(verdict)) ?? [];
          expect(Number(total)).toBe(open);
          const parts = each.split(", ").map((part) => Number(part.split(": ")[1]));
          expect(parts.reduce((sum, one) => sum + one, 0)).toBe(open);
        }
      }),
    );
  });

  it("blames the director while new connections come, and for five seconds after", () => {
    fc.assert(
      fc.property(counts, policy, (found, rule) => {
        let arrived = 0;
        let last = -Infinity;
        let before: Set<string> | undefined;
        for (const [at, { now, verdict }] of drain(found, rule).entries()) {
          const here = new Set(found[at]?.seen.map(({ vip, port }) => `${vip} ${port}`));
          const fresh =
            before === undefined ? 0 : [...here].filter((one) => !before?.has(one)).length;
          arrived += fresh;
          if (fresh > 0) last = now;
          before = here;
          const words = wordsOf(verdict);
          expect(/set its weight for this host to 0 first/.test(words)).toBe(now - last <= 5000);
          const number = /(\d+) new ones? came/.exec(words)?.[1];
          if (number !== undefined) expect(Number(number)).toBe(arrived);
        }
      }),
    );
  });

  it("gives up where connections cannot be counted, however many are seen", () => {
    const blind = parseUsage(`ss 0 0 ${VIPS[0]}:80 10.0.0.9:1\n1\nconntrack blind\n1\n`, VIPS);
    const rule: DrainPolicy = { timeoutSeconds: 60, onTimeout: "withdraw" };
    expect(verdictOn(withCount(undefined, blind, rule, 0), rule, 0)).toEqual({
      kind: "give-up",
      error: "refused",
      message:
        "connections cannot be counted: addresses are translated here (DNAT), and conntrack cannot be read; install the tool conntrack on the host, or take the input drain away",
    });
  });
});

describe("what a drain says", () => {
  const client = (port: number, vip = 0): Seen => ({ vip, port, ended: false });
  const withdraw: DrainPolicy = { timeoutSeconds: 30, onTimeout: "withdraw" };
  const fail: DrainPolicy = { timeoutSeconds: 30, onTimeout: "fail" };
  const last = (counts: Count[], rule: DrainPolicy) => {
    const verdict = drain(counts, rule).at(-1)?.verdict;
    return verdict && wordsOf(verdict);
  };

  it("while it waits", () => {
    const two = { after: 0, seen: [client(1), client(2, 1)] };
    expect(last([two], withdraw)).toBe(
      "draining 2 connections (203.0.113.10: 1, 203.0.113.11: 1), at most 30 s more",
    );
    expect(last([two, { after: 1500, seen: [client(3)] }], withdraw)).toBe(
      "draining 1 connection (203.0.113.10: 1), at most 29 s more; new ones come: set its weight for this host to 0 first",
    );
  });

  it("of too many to be told one by one", () => {
    const usage = parseUsage(`ss 0 0 ${VIPS[0]}:80 10.0.0.9:1\n250000\n`, VIPS);
    expect(verdictOn(withCount(undefined, usage, withdraw, 0), withdraw, 0)).toMatchObject({
      progress: "draining 250000 connections, at most 30 s more",
    });
  });

  it("when the time is over", () => {
    const one = { after: 0, seen: [client(1)] };
    const still = { after: 30_000, seen: [client(1)] };
    expect(last([one, still], withdraw)).toBe(
      "1 connection (203.0.113.10: 1) was left after draining for 30 s, cut now",
    );
    expect(last([one, { after: 30_000, seen: [client(1), client(2)] }], withdraw)).toBe(
      "2 connections (203.0.113.10: 2) were left after draining for 30 s, cut now; 1 new one came meanwhile: the director has not stopped sending, set its weight for this host to 0 first",
    );
    expect(last([one, still], fail)).toBe(
      '1 connection (203.0.113.10: 1) was left after draining for 30 s. Run it again, raise drain.timeoutSeconds, or set drain.onTimeout to "withdraw", which cuts them',
    );
  });

  it("of the director, until five seconds after the last new one", () => {
    const two = [
      { after: 0, seen: [client(1)] },
      { after: 0, seen: [client(1), client(2)] },
    ];
    const blame = /new ones come: set its weight/;
    expect(last([...two, { after: 5000, seen: [client(1)] }], withdraw)).toMatch(blame);
    expect(last([...two, { after: 5001, seen: [client(1)] }], withdraw)).not.toMatch(blame);
  });

  it("when nobody is left, but new ones came until now", () => {
    const gone = { vip: 0, port: 2, ended: true };
    expect(
      last(
        [
          { after: 0, seen: [client(1)] },
          { after: 900, seen: [gone] },
        ],
        withdraw,
      ),
    ).toBe(
      "no connection is left, but 1 new one came meanwhile: the director has not stopped sending, set its weight for this host to 0 first",
    );
    expect(
      last(
        [
          { after: 0, seen: [client(1)] },
          { after: 900, seen: [] },
        ],
        withdraw,
      ),
    ).toBe("");
  });

  it("where packets would go round between the host and the director", () => {
    expect(loopWarning(usageOf([]))).toBeUndefined();
    expect(loopWarning(usageOf([client(1), client(2)]))).toBe(
      "withdrawn while 2 connections (203.0.113.10: 2) are open, and this host forwards packets (ip_forward is 1): what the director still sends goes round between the two until its TTL ends; set its weight for this host to 0 first",
    );
  });
});
