import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVip } from "../../../../src/domain/address";
import { serviceNameOf, type ServicePlace } from "../../../../src/pulumi/pool/names";

function place(director: string, text: string, port: number, protocol: "tcp" | "udp" = "tcp") {
  const parsed = parseVip(text);
  if ("reason" in parsed) throw new Error(`${text} ${parsed.reason}`);
  return { director, vip: parsed.vip, port, protocol };
}

const parts = fc.record({
  director: fc.stringMatching(/^[a-z0-9.-]{1,12}$/),
  vip: fc
    .oneof(fc.ipV4(), fc.ipV6())
    .map(parseVip)
    .filter((read) => "vip" in read)
    .map(({ vip }) => vip),
  port: fc.integer({ min: 1, max: 65_535 }),
  protocol: fc.constantFrom("tcp" as const, "udp" as const),
});

describe("the name of a service in a pool", () => {
  it.each<[ServicePlace, string]>([
    [place("lb-1", "203.0.113.10/32", 80), "lb-1-203.0.113.10-80"],
    [place("lb-1", "2001:DB8:0::10", 53, "udp"), "lb-1-2001.db8..10-53-udp"],
  ])("%o: %s", (given, name) => {
    expect(serviceNameOf(given)).toBe(name);
  });

  it("is no other one's, whatever directors are called", () => {
    const identity = ({ director, vip, port, protocol }: ServicePlace) =>
      JSON.stringify([director, vip.address, port, protocol]);
    fc.assert(
      fc.property(parts, parts, (one, other) => {
        expect(serviceNameOf(one) === serviceNameOf(other)).toBe(identity(one) === identity(other));
      }),
    );
    // What it ends in names VIP, port and protocol, so that the rest is the director.
    fc.assert(
      fc.property(parts, (one) => {
        const [, director, address, port, udp] =
          /^(.*)-([0-9a-f.]+)-(\d+)(-udp)?$/.exec(serviceNameOf(one)) ?? [];
        const protocol = udp === undefined ? "tcp" : "udp";
        expect([director, Number(port), protocol]).toEqual([one.director, one.port, one.protocol]);
        expect(address).toBe(one.vip.address.replaceAll(":", "."));
        expect(serviceNameOf(one)).not.toContain("::");
      }),
    );
  });
});
