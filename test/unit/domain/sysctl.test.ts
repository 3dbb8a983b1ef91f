import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  ARP_KEYS,
  effective,
  isSilent,
  satisfies,
  savedFrom,
  savedWords,
  strictest,
} from "../../../src/domain/sysctl";

const value = fc.integer({ min: 0, max: 9 });
const key = fc.constantFrom(...ARP_KEYS);
const claim = fc.record({ interface: fc.constantFrom("all", "eth0"), key, value });

describe("an ARP value", () => {
  it.each([
    ["arp_ignore", [1, 2, 3], [-1, 0, 4, 5, 8, 9]],
    ["arp_announce", [2], [-1, 0, 1, 3, 9]],
  ] as const)(
    "of %s is silent for a VIP of scope host at %j and leaks at %j",
    (name, good, bad) => {
      expect(good.filter((one) => !isSilent(name, one))).toEqual([]);
      expect(bad.filter((one) => isSilent(name, one))).toEqual([]);
    },
  );

  it("satisfies a claim only where it is silent and no laxer", () => {
    fc.assert(
      fc.property(key, value, value, (name, found, claimed) => {
        expect(satisfies(name, found, claimed)).toBe(isSilent(name, found) && found >= claimed);
      }),
    );
  });

  it("in force is the larger of the interface's own and that of all", () => {
    const all = { arp_ignore: 1, arp_announce: 0 };
    expect(effective(all, { arp_ignore: 0, arp_announce: 2 })).toEqual({
      arp_ignore: 1,
      arp_announce: 2,
    });
  });
});

describe("the strictest claims", () => {
  it("are one a key, at least as strict as each, and one of those that were made", () => {
    fc.assert(
      fc.property(fc.array(claim), (claims) => {
        const result = strictest(claims);
        const names = result.map((one) => `${one.interface} ${one.key}`);
        expect(new Set(names).size).toBe(names.length);
        for (const one of claims) {
          const kept = result.find((two) => two.interface === one.interface && two.key === one.key);
          expect(kept?.value).toBeGreaterThanOrEqual(one.value);
          expect(claims).toContain(kept);
        }
      }),
    );
  });
});

describe("a saved value in words", () => {
  it("is read as it was written, for any value that a kernel keeps", () => {
    const nic = fc.constantFrom("all", "eth0.100", "日本\u3000", "arp_ignore", "-1");
    const any = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    fc.assert(
      fc.property(fc.record({ interface: nic, key, value: any, written: any }), (saved) => {
        expect(savedFrom(savedWords(saved))).toEqual(saved);
      }),
    );
  });

  it.each([
    "all arp_ignore 0",
    "all arp_ignore 0 1 2",
    "all rp_filter 0 1",
    "all arp_ignore 0x0 1",
    "all arp_ignore 0 ",
    " arp_ignore 0 1",
    "../lo arp_ignore 0 1",
    ".. arp_ignore 0 1",
  ])("is none where it says %j", (text) => {
    expect(savedFrom(text.split(" "))).toBeUndefined();
  });
});
