import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { globProblem, interfaceNameProblem, isExcepted } from "../../../src/domain/arp";

describe("a NIC left out on purpose", () => {
  it.each([
    ["veth12ab", "veth*", true],
    ["veth", "veth*", true],
    ["eth0", "veth*", false],
    ["eth0", "eth?", true],
    ["eth10", "eth?", false],
    ["eth0.100", "eth0.100", true],
    ["eth0x100", "eth0.100", false],
    ["br-lan", "*-*", true],
    ["a+b", "a+b", true],
    ["eth0", "ETH0", false],
    ["eth0", "*", true],
  ])("%s, by the glob %s: %s", (name, glob, excepted) => {
    expect(isExcepted(name, [glob])).toBe(excepted);
  });

  it("is one that any of the globs names", () => {
    expect(isExcepted("cali1", ["veth*", "cali*"])).toBe(true);
    expect(isExcepted("cali1", [])).toBe(false);
  });

  it("is found with any name and any glob, none of them slow", () => {
    const piece = fc.constantFrom("*", "?", "a", "b", "\\", ".", "$");
    const glob = fc.array(piece, { maxLength: 32 }).map((pieces) => pieces.join(""));
    fc.assert(
      fc.property(fc.string({ maxLength: 15 }), glob, (name, pattern) => {
        isExcepted(name, [pattern]);
        isExcepted("a".repeat(15), [pattern]);
        expect(isExcepted(name, ["*", pattern])).toBe(true);
      }),
      { interruptAfterTimeLimit: 4000, markInterruptAsFailure: true },
    );
  });
});

describe("a name in arp.interfaces", () => {
  it.each(["eth0", "eth0.100", "bond0", "enp3s0f0np0", "br-1a2b3c4d5e6f", "wlan0@home", "naïf"])(
    "can be %s",
    (name) => {
      expect(interfaceNameProblem(name)).toBeUndefined();
    },
  );

  it.each(["", ".", "..", "a/b", "eth0:1", "two words", "tab\t", "0123456789abcdef", "\u0007"])(
    "cannot be %j, which the kernel gives no interface",
    (name) => {
      expect(interfaceNameProblem(name)).toMatch("not a name that a network interface can have");
    },
  );

  it.each([
    ["lo", "receives no ARP"],
    ["all", `interfaces: "all"`],
    ["default", "is no NIC"],
  ])("cannot be %s, which is no NIC on the wire", (name, reason) => {
    expect(interfaceNameProblem(name)).toContain(reason);
  });
});

describe("a glob in arp.except", () => {
  it("can have * and ?, and nothing else that is special", () => {
    expect(globProblem("veth*")).toBeUndefined();
    expect(globProblem("eth?")).toBeUndefined();
    for (const glob of ["", "a b", "eth[0-9]", "a/b", "x".repeat(33)]) {
      expect(globProblem(glob)).toMatch(/^is not a glob/);
    }
  });
});
