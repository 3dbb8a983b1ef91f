import { describe, expect, it } from "vitest";

import { manyHosts, manyStacks } from "./load";

const LONG = 300_000;

describe("under load", () => {
  it(
    "many hosts in one stack come and go, and the provider's memory is bounded",
    async () => {
      const { problems, peakMemory } = await manyHosts(24, 64);
      expect(problems).toEqual([]);
      expect(peakMemory).toBeGreaterThan(0);
      expect(peakMemory).toBeLessThan(400);
    },
    LONG,
  );

  it(
    "stacks on one host at once take turns, and none loses anything",
    async () => {
      const { problems } = await manyStacks(4);
      expect(problems).toEqual([]);
    },
    LONG,
  );
});
