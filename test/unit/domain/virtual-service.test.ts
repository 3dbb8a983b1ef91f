import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  canonicalFlags,
  destinationOptions,
  nameOfTarget,
  prefixLengthOfMask,
  schedulingOptions,
  selectorOf,
  sticksToQuiesced,
  type ServiceTarget,
} from "../../../src/domain/virtual-service";

const vip = { family: 4, address: "203.0.113.10" } as const;
const vip6 = { family: 6, address: "2001:db8::10" } as const;

describe("a service", () => {
  it.each<[ServiceTarget, string, string]>([
    [{ kind: "tcp", vip, port: 80 }, "-t 203.0.113.10:80", "203.0.113.10:80"],
    [{ kind: "udp", vip, port: 53 }, "-u 203.0.113.10:53", "203.0.113.10:53/udp"],
    [{ kind: "tcp", vip: vip6, port: 80 }, "-t [2001:db8::10]:80", "[2001:db8::10]:80"],
    [{ kind: "fwmark", mark: 7, family: 4 }, "-f 7", "fwmark 7"],
    [{ kind: "fwmark", mark: 7, family: 6 }, "-f 7 -6", "fwmark 7 (IPv6)"],
  ])("%j is %s to ipvsadm, and %s to people", (target, selector, name) => {
    expect(selectorOf(target)).toBe(selector);
    expect(nameOfTarget(target)).toBe(name);
  });

  it("has all its options said, and a netmask where clients share one", () => {
    const persistence = { timeoutSeconds: 300, prefixLength: 24 };
    const plain = { scheduler: "wlc", flags: [], persistence: undefined };
    expect(schedulingOptions(plain, 4)).toBe("-s wlc");
    const all = { scheduler: "sh", flags: ["sh-fallback", "sh-port"], persistence };
    expect(schedulingOptions(all, 4)).toBe("-s sh -p 300 -M 255.255.255.0 -b sh-fallback,sh-port");
    expect(schedulingOptions({ ...plain, persistence }, 6)).toBe("-s wlc -p 300 -M 24");
    const each = { timeoutSeconds: 300, prefixLength: 32 };
    expect(schedulingOptions({ ...plain, persistence: each }, 4)).toBe("-s wlc -p 300");
    const each6 = { timeoutSeconds: 300, prefixLength: 128 };
    expect(schedulingOptions({ ...plain, persistence: each6 }, 6)).toBe("-s wlc -p 300");
  });

  it("gives a destination its own port, all its options, and direct routing", () => {
    const one = { address: "10.0.0.11", weight: 10, upperThreshold: 100, lowerThreshold: 0 };
    expect(destinationOptions(one, { kind: "tcp", vip, port: 443 })).toBe(
      "-r 10.0.0.11:443 -g -w 10 -x 100 -y 0",
    );
    const six = { ...one, address: "fd00::11" };
    expect(destinationOptions(six, { kind: "fwmark", mark: 7, family: 6 })).toBe(
      "-r [fd00::11]:0 -g -w 10 -x 100 -y 0",
    );
  });
});

describe("a scheduler's flags", () => {
  it.each([
    ["sh", ["flag-2", "sh-fallback"], ["sh-fallback", "sh-port"]],
    ["mh", ["mh-port", "flag-1", "flag-1"], ["mh-fallback", "mh-port"]],
    ["wlc", ["flag-3", "flag-1"], ["flag-1", "flag-3"]],
    ["sh", ["flag-3"], ["flag-3"]],
  ])("of %s, %j, are %j to ipvsadm", (scheduler, given, printed) => {
    expect(canonicalFlags(scheduler, given)).toEqual(printed);
  });

  it("decide whether clients of sh and mh leave a destination of weight 0", () => {
    const of = (scheduler: string, flags: string[] = []) =>
      sticksToQuiesced({ scheduler, flags, persistence: undefined });
    expect([of("sh"), of("mh", ["mh-port"]), of("sh", ["sh-fallback"]), of("wlc")]).toEqual([
      true,
      true,
      false,
      false,
    ]);
  });
});

describe("a netmask", () => {
  it("is read as it is written, whatever its length", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 31 }), (prefixLength) => {
        const options = schedulingOptions(
          { scheduler: "rr", flags: [], persistence: { timeoutSeconds: 5, prefixLength } },
          4,
        );
        expect(prefixLengthOfMask(options.replace(/.* /, ""), 4)).toBe(prefixLength);
      }),
    );
    expect(prefixLengthOfMask("64", 6)).toBe(64);
  });

  it("is not read from a mask with a hole, or of the other family", () => {
    expect(prefixLengthOfMask("255.0.255.0", 4)).toBeUndefined();
    expect(prefixLengthOfMask("24", 4)).toBeUndefined();
    expect(prefixLengthOfMask("129", 6)).toBeUndefined();
  });
});
