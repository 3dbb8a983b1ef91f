import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseAddressLine, type BoundAddress } from "../../../src/observed/ip-addr";
import { fixtures } from "../fixtures";

interface Case {
  readonly lines: readonly { readonly output: string; readonly address: BoundAddress }[];
}

const CASES = fixtures<Case>("ip-addr");
const LINES = CASES.flatMap(({ data }) => data.lines);
const line = fc.constantFrom(...LINES.map(({ output }) => output));

describe("addresses as `ip -o addr show` prints them", () => {
  it.each(CASES)("are read from $name", ({ data }) => {
    expect(data.lines.map(({ output }) => parseAddressLine(output))).toEqual(
      data.lines.map(({ address }) => address),
    );
  });

  it("have the label that was set, whatever the flags and protocol before it", () => {
    const label = fc
      .tuple(fc.constantFrom("dr", "two words", '"q', "a-b", "flags 02", "scope host"))
      .map(([tail]) => `lo:${tail}`);
    const before = fc.array(fc.constantFrom("secondary", "deprecated", "proto 0x10", "flags 02"));
    fc.assert(
      fc.property(label, before, (text, words) => {
        const head = ["1: lo    inet 203.0.113.10/32 scope global", ...words, text].join(" ");
        const parsed = parseAddressLine(`${head}\\       valid_lft forever preferred_lft forever`);
        expect(parsed?.label).toBe(text);
      }),
    );
  });

  it("are not read from a line that is cut anywhere before its lifetimes end", () => {
    fc.assert(
      fc.property(
        line,
        fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
        (text, at) => {
          const cut = parseAddressLine(text.slice(0, Math.floor(text.length * at)));
          // A lifetime cut within its digits cannot be told from a shorter one.
          if (cut !== undefined) expect(text).toMatch(/preferred_lft \d+sec$/);
        },
      ),
    );
  });

  it("are not read from anything else", () => {
    const others = [
      "",
      "1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN qlen 1000",
      "    inet 127.0.0.1/8 scope host lo",
      "1: lo    inet 203.0.113.10/33 scope host lo\\       valid_lft forever preferred_lft forever",
      "1: lo    inet 2001:db8::1/32 scope host lo\\       valid_lft forever preferred_lft forever",
      "1: lo    inet6 203.0.113.10/32 scope host \\       valid_lft forever preferred_lft forever",
      "1: lo    inet 203.0.113.256/32 scope host lo\\       valid_lft forever preferred_lft forever",
    ];
    for (const other of others) expect(parseAddressLine(other)).toBeUndefined();
    fc.assert(fc.property(fc.string(), (text) => parseAddressLine(text) === undefined));
  });
});
