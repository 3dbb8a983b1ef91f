import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { staleChange } from "../../../src/pulumi/stale-change";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
const FOUND = ["198.51.100.7/32", "203.0.113.20/32", "2001:db8::99/128"];
const ADDRESSES = FOUND.map((prefix) => prefix.split("/")[0] ?? "");

const policy = fc.option(
  fc.oneof(
    fc.constantFrom("report", "withdraw"),
    fc.record({
      withdraw: fc.boolean(),
      except: fc.option(fc.subarray(ADDRESSES), { nil: undefined }),
    }),
  ),
  { nil: undefined },
);

/** The addresses that a value takes, as a reader of the docs would have it. */
function taken(value: unknown): string[] {
  if (value === "withdraw") return ADDRESSES;
  if (typeof value !== "object" || value === null) return [];
  const { withdraw, except = [] } = value as { withdraw: boolean; except?: string[] };
  return withdraw ? ADDRESSES.filter((one) => !except.includes(one)) : [];
}

describe("a change of staleVips", () => {
  it("names what goes now and would not have gone before, and nothing that is declared", () => {
    fc.assert(
      fc.property(policy, policy, fc.subarray(ADDRESSES), (before, after, vips) => {
        const notes = staleChange(FOUND, { staleVips: before }, { staleVips: after, vips });
        const going = taken(after).filter(
          (one) => !taken(before).includes(one) && !vips.includes(one),
        );
        expect(notes).toEqual(
          FOUND.filter((prefix) => going.some((one) => prefix.startsWith(`${one}/`))).map(
            (prefix) => `${prefix} would leave lo: declared by nobody (staleVips)`,
          ),
        );
      }),
    );
  });

  it("names nothing while the new value is not known, in part or as a whole", () => {
    for (const staleVips of [UNKNOWN, { withdraw: true, except: [UNKNOWN] }])
      expect(staleChange(FOUND, {}, { staleVips, vips: UNKNOWN })).toEqual([]);
  });
});
