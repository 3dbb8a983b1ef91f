import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { batchesOf, batchProblem } from "../../../../src/pulumi/pool/batches";
import { unreachedText } from "../../../../src/pulumi/pool/unreached";

const sizes = (members: number, batch?: string | number | (string | number)[]) =>
  batchesOf(Array.from({ length: members }), batch).map(({ length }) => length);

const size = fc.oneof(
  fc.integer({ min: 1, max: 300 }),
  fc.integer({ min: 1, max: 100 }).map((percent) => `${percent}%`),
);
const batch = fc.oneof(size, fc.array(size, { minLength: 1, maxLength: 4 }));

describe("the batches of a pool", () => {
  it.each<[number, string | number | (string | number)[] | undefined, number[]]>([
    [10, undefined, [1, 2, 2, 2, 2, 1]],
    [10, 1, [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]],
    [10, "25%", [2, 2, 2, 2, 2]],
    [10, [1, 3, "50%"], [1, 3, 5, 1]],
    [10, "100%", [10]],
    [10, [2, "100%"], [2, 8]],
    [3, "25%", [1, 1, 1]],
    [3, "99%", [2, 1]],
    [1, undefined, [1]],
    [0, undefined, []],
  ])("of %i members by %j are %j", (members, given, expected) => {
    expect(sizes(members, given)).toEqual(expected);
  });

  it("have each member once, in order, and none is empty", () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string()), batch, (members, given) => {
        const batches = batchesOf(members, given);
        expect(batches.flat()).toEqual(members);
        expect(batches.every(({ length }) => length > 0)).toBe(true);
      }),
    );
  });

  it("are never the whole pool at once unless the program says so", () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 300 }), batch, (members, given) => {
        fc.pre([given].flat()[0] !== "100%" && batchProblem(given, members) === undefined);
        expect(sizes(members, given).length).toBeGreaterThan(1);
      }),
    );
  });

  it("may be of these sizes, and of no other", () => {
    const all = [1, 9, "1%", "25%", "100%", [1, 50], [9, "100%"], ["100%", 1]];
    for (const fine of all) expect(batchProblem(fine, 10)).toBeUndefined();
    expect(batchProblem(1, 1)).toBeUndefined();
    for (const wrong of [0, -1, 1.5, NaN, "0%", "101%", "25", "2.5%", "", " 5%", null, {}, [[1]]])
      expect(batchProblem(wrong, 10)?.problem).toContain("is neither a whole number of at least 1");
    expect(batchProblem([1, "a"], 10)).toMatchObject({ at: 1 });
    expect(batchProblem([], 10)?.problem).toContain("an empty list has no batch");
    const problem =
      '10 is as large as the pool of 10, so that a bad change is on all of it at once; where that is meant, write "100%"';
    expect(batchProblem(10, 10)).toEqual({ problem });
    expect(batchProblem([10, 1], 10)).toEqual({ at: 0, problem });
  });
});

it("what a failure has kept from being reached is named", () => {
  expect(unreachedText(["a", "b"], ["c", "d"], 4)).toBe(
    "not reached, because a, b failed or was left out: c, d, the 4 services. The next up goes on from there",
  );
  expect(unreachedText(["d"], [], 1)).toContain("d failed or was left out: the service.");
  expect(unreachedText(["d"], [], 0)).toBeUndefined();
});
