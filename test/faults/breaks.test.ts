import { resolve } from "node:path";
import { describe, expect, it } from "vitest";

import { BREAKS, broken } from "./breaks";

const SRC = resolve(__dirname, "../../src");

describe("the ways in which the product is broken on purpose", () => {
  it.each(BREAKS)("still meets its code: $name", (one) => {
    expect(broken(one, SRC).size).toBeGreaterThan(0);
  });
  it("are ten at least, and break each of I1 to I4", () => {
    expect(BREAKS.length).toBeGreaterThanOrEqual(10);
    expect([...new Set(BREAKS.map(({ promise }) => promise))]).toEqual(["I1", "I2", "I3", "I4"]);
  });
  it("say so where the code has changed", () => {
    const one = { ...BREAKS[0]!, edits: [["nowhere in it", ""]] as const };
    expect(() => broken(one, SRC)).toThrow(`"${one.name}": 0 times in src`);
  });
});
