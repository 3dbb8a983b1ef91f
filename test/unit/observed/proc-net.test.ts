import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalAddress } from "../../../src/domain/address";
import {
  inProcConntrack,
  inProcIpvs,
  inProcTcp,
  nameOfProcIpvs,
  ofProcIpvs,
  ofProcTcp,
} from "../../../src/observed/proc-net";

describe("an address in /proc/net", () => {
  it("is in words of either byte order, an IPv4 one also as a dual-stack listener has it", () => {
    expect(inProcTcp("203.0.113.10")).toEqual([
      "CB00710A",
      "0A7100CB",
      "00000000000000000000FFFFCB00710A",
      "0000000000000000FFFF00000A7100CB",
    ]);
    expect(inProcTcp("2001:db8::10")).toEqual([
      "20010DB8000000000000000000000010",
      "B80D0120000000000000000010000000",
    ]);
  });

  it("is read from little-endian words", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalAddress(text) ?? "");
    fc.assert(
      fc.property(address, (one) => {
        fc.pre(!one.startsWith("::ffff:"));
        const [, little = "", , mapped = little] = inProcTcp(one);
        expect([little, mapped].map(ofProcTcp)).toEqual([one, one]);
      }),
    );
  });

  it("is in the order of the wire in IPVS's table", () => {
    expect(ofProcIpvs("CB00710A")).toBe("203.0.113.10");
    expect(ofProcIpvs("cb00710a")).toBe("203.0.113.10");
  });

  it("is read from IPVS's connections as it is written there", () => {
    const address = fc.oneof(fc.ipV4(), fc.ipV6()).map((text) => canonicalAddress(text) ?? "");
    fc.assert(fc.property(address, (one) => nameOfProcIpvs(inProcIpvs(one)) === one));
    expect(inProcIpvs("203.0.113.10")).toBe("CB00710A");
    expect(inProcIpvs("2001:db8::10")).toBe("2001:0db8:0000:0000:0000:0000:0000:0010");
    expect(nameOfProcIpvs("CB00710")).toBeUndefined();
  });

  it("has all its digits in conntrack's table", () => {
    expect(inProcConntrack("203.0.113.10")).toBe("203.0.113.10");
    expect(inProcConntrack("2001:db8::10")).toBe("2001:0db8:0000:0000:0000:0000:0000:0010");
    expect(inProcConntrack("::")).toBe("0000:0000:0000:0000:0000:0000:0000:0000");
  });
});
