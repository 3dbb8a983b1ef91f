import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalAddress,
  compareVips,
  isLoopback,
  isWithin,
  parseVip,
  prefixLength,
  unmappedAddress,
  type Vip,
} from "../../../src/domain/address";

describe("a VIP", () => {
  it.each([
    ["203.0.113.10", "203.0.113.10"],
    ["203.0.113.10/32", "203.0.113.10"],
    ["2001:DB8::10", "2001:db8::10"],
    ["2001:db8:0:0:0:0:0:10/128", "2001:db8::10"],
    ["2001:db8:0:1:1:0:0:1", "2001:db8:0:1:1::1"],
    ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
    ["2001:db8:1:1:1:1:0:1", "2001:db8:1:1:1:1:0:1"],
    ["2001:db8::192.0.2.33", "2001:db8::c000:221"],
    ["::192.0.2.33", "::c000:221"],
    ["240.0.0.1", "240.0.0.1"],
  ])("%s is %s", (text, address) => {
    expect(parseVip(text)).toEqual({ vip: { family: text.includes(":") ? 6 : 4, address } });
  });

  it.each([
    ["", "is not an IPv4 or IPv6 address"],
    ["web-1", "is not an IPv4 or IPv6 address"],
    [" 10.0.0.1", "is not an IPv4 or IPv6 address"],
    ["10.0.0.1\n", "is not an IPv4 or IPv6 address"],
    ["10.1", "is not an IPv4 or IPv6 address"],
    ["010.0.0.1", "is not an IPv4 or IPv6 address"],
    ["0x0a.0.0.1", "is not an IPv4 or IPv6 address"],
    ["167772161", "is not an IPv4 or IPv6 address"],
    ["10.0.0.256", "is not an IPv4 or IPv6 address"],
    ["10.0.0.1/32/32", "is not an IPv4 or IPv6 address"],
    ["[2001:db8::1]", "is not an IPv4 or IPv6 address"],
    ["2001:db8:::1", "is not an IPv4 or IPv6 address"],
    ["2001:db8::1%eth0", "has a zone"],
    ["10.0.0.1/31", "has a prefix wider than /32"],
    ["10.0.0.1/0", "has a prefix wider than /32"],
    ["2001:db8::1/127", "has a prefix wider than /128"],
    ["2001:db8::1/32", "has a prefix wider than /128"],
    ["10.0.0.1/33", "has no valid prefix"],
    ["10.0.0.1/", "has no valid prefix"],
    ["10.0.0.1/255.255.255.255", "has no valid prefix"],
    ["10.0.0.1/-1", "has no valid prefix"],
    ["127.0.0.1", "is a loopback address"],
    ["::1", "is a loopback address"],
    ["224.0.0.18", "is a multicast address"],
    ["ff02::1", "is a multicast address"],
    ["255.255.255.255", "is the broadcast address"],
    ["0.0.0.0", "is an unspecified address"],
    ["::", "is an unspecified address"],
    ["169.254.169.254", "is a link-local address"],
    ["fe80::1", "is a link-local address"],
    ["::ffff:10.0.0.1", "is an IPv4-mapped IPv6 address"],
    ["::FFFF:a00:1/128", "is an IPv4-mapped IPv6 address"],
  ])("cannot be %j: it %s", (text, reason) => {
    expect(parseVip(text)).toEqual({ reason: expect.stringContaining(reason) as string });
  });

  it("is one VIP in any spelling", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const result = parseVip(text);
        fc.pre("vip" in result);
        const { address } = result.vip;
        expect(parseVip(expanded(address))).toEqual(result);
        expect(parseVip(`${text.toUpperCase()}/128`)).toEqual(result);
        expect(parseVip(address)).toEqual(result);
      }),
    );
  });

  it("is read from any text, or refused with a reason", () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.ipV4Extended(), fc.ipV6()), (text) => {
        const result = parseVip(text);
        if ("reason" in result) expect(result.reason).toMatch(/^(is|has) /);
        else expect(parseVip(result.vip.address)).toEqual(result);
      }),
    );
  });

  it("has the full prefix of its family", () => {
    expect(prefixLength({ family: 4, address: "10.0.0.1" })).toBe(32);
    expect(prefixLength({ family: 6, address: "2001:db8::1" })).toBe(128);
  });
});

describe("the order of VIPs", () => {
  it("is by number, IPv4 first", () => {
    const texts = ["2001:db8::10", "10.0.0.10", "2001:db8::9", "192.0.2.1", "10.0.0.9"];
    const sorted = texts.map(vip).sort(compareVips);
    expect(sorted.map(({ address }) => address)).toEqual([
      "10.0.0.9",
      "10.0.0.10",
      "192.0.2.1",
      "2001:db8::9",
      "2001:db8::10",
    ]);
  });

  it("has equals only where the addresses are the same", () => {
    const anyVip = fc.oneof(fc.ipV4(), fc.ipV6()).filter((text) => "vip" in parseVip(text));
    fc.assert(
      fc.property(anyVip.map(vip), anyVip.map(vip), (a, b) => {
        expect(Math.sign(compareVips(a, b))).toBe(-Math.sign(compareVips(b, a)) + 0);
        expect(compareVips(a, b) === 0).toBe(a.address === b.address);
      }),
    );
  });
});

describe("an address in a host's answer", () => {
  it("has one spelling, and loses its zone", () => {
    expect(canonicalAddress("FE80:0::1%eth0")).toBe("fe80::1");
    expect(canonicalAddress("127.0.0.1")).toBe("127.0.0.1");
    expect(canonicalAddress("10.0.0.1/8")).toBeUndefined();
    expect(canonicalAddress("localhost")).toBeUndefined();
  });

  it("is spelled as URLs spell it", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        expect(`[${canonicalAddress(text)}]`).toBe(new URL(`http://[${text}]/`).hostname);
      }),
    );
  });
});

describe("an IPv4-mapped IPv6 address", () => {
  it.each([
    ["::ffff:192.0.2.33", "192.0.2.33"],
    ["::FFFF:c000:221", "192.0.2.33"],
    ["0:0:0:0:0:ffff:0.0.0.1%eth0", "0.0.0.1"],
    ["192.0.2.33", "192.0.2.33"],
    // IPv4-compatible, which is another thing, and IPv4 within other prefixes.
    ["::192.0.2.33", "::c000:221"],
    ["64:ff9b::192.0.2.33", "64:ff9b::c000:221"],
    ["::ffff:0:192.0.2.33", "::ffff:0:c000:221"],
    ["::", "::"],
  ])("is the IPv4 address in it, and no other is: %s is %s", (text, address) => {
    expect(unmappedAddress(text)).toBe(address);
  });

  it("is an address", () => {
    for (const text of ["", "*", "::ffff:192.0.2.256", "::ffff:192.0.2.1/96"])
      expect(unmappedAddress(text)).toBeUndefined();
  });
});

describe("a host's own addresses", () => {
  it.each(["127.0.0.1", "127.255.255.255", "::1"])("are loopback's: %s", (address) => {
    expect(isLoopback(address)).toBe(true);
  });

  it.each(["126.255.255.255", "128.0.0.0", "::2", "::", "2001:db8::1", "::ffff:7f00:1"])(
    "are not all loopback's: %s",
    (address) => {
      expect(isLoopback(address)).toBe(false);
    },
  );
});

describe("a subnet", () => {
  it.each([
    ["10.0.0.255", "10.0.0.1", 24, true],
    ["10.0.1.0", "10.0.0.1", 24, false],
    ["10.0.1.0", "10.0.0.1", 23, true],
    ["10.0.0.2", "10.0.0.1", 31, false],
    ["10.0.0.1", "10.0.0.1", 32, true],
    ["10.0.0.2", "10.0.0.1", 32, false],
    ["203.0.113.1", "10.0.0.1", 0, true],
    ["2001:db8::ffff", "2001:db8::1", 64, true],
    ["2001:db8:0:1::1", "2001:db8::1", 64, false],
    ["::ffff:a00:1", "10.0.0.1", 0, false],
    ["10.0.0.1", "::", 0, false],
  ])("has %s, where the host is %s/%i: %s", (address, own, prefix, is) => {
    expect(isWithin(address, { address: own, prefixLength: prefix })).toBe(is);
  });
});

function vip(text: string): Vip {
  const result = parseVip(text);
  if ("reason" in result) throw new Error(`${text} ${result.reason}`);
  return result.vip;
}

/** The longest spelling: all eight groups with all their digits. */
function expanded(address: string): string {
  const [head = "", tail] = address.split("::");
  const left = head === "" ? [] : head.split(":");
  const right = tail === undefined || tail === "" ? [] : tail.split(":");
  const zeros = Array<string>(8 - left.length - right.length).fill("0");
  return [...left, ...zeros, ...right].map((group) => group.padStart(4, "0")).join(":");
}
