import fc from "fast-check";
import { canonicalAddress, type Family } from "../../src/domain/address";
import {
  canonicalFlags,
  type Destination,
  type Scheduling,
  type ServiceTarget,
} from "../../src/domain/virtual-service";
import type { VirtualServiceShape } from "../../src/observed/service-records";

const port = fc.integer({ min: 1, max: 65_535 });

/** Canonical addresses of a family, RIPs and VIPs alike. */
export function addressOf(family: Family): fc.Arbitrary<string> {
  return family === 4
    ? fc.integer({ min: 1, max: 254 }).map((last) => `10.0.0.${last}`)
    : fc
        .integer({ min: 1, max: 0xffff })
        .map((last) => canonicalAddress(`fd00::${last.toString(16)}`) ?? "");
}

/** Whatever a program can declare a service to answer to. */
export const anyTarget: fc.Arbitrary<ServiceTarget> = fc
  .constantFrom<Family>(4, 6)
  .chain((family) =>
    fc.oneof(
      fc.record({
        kind: fc.constantFrom("tcp" as const, "udp" as const),
        vip: addressOf(family).map((address) => ({ family, address })),
        port,
      }),
      fc.record({
        kind: fc.constant("fwmark" as const),
        mark: fc.integer({ min: 1, max: 0x7fffffff }),
        family: fc.constant(family),
      }),
    ),
  );

/** Any scheduling of a family's services. */
export function schedulingOf(family: Family): fc.Arbitrary<Scheduling> {
  const persistence = fc.record({
    timeoutSeconds: fc.integer({ min: 1, max: 86_400 }),
    prefixLength: fc.integer({ min: 1, max: family === 4 ? 32 : 128 }),
  });
  return fc
    .record({
      scheduler: fc.constantFrom("rr", "wrr", "wlc", "sh", "mh"),
      flags: fc.subarray(["flag-1", "flag-2"]),
      persistence: fc.option(persistence, { nil: undefined }),
    })
    .map((one) => ({ ...one, flags: canonicalFlags(one.scheduler, one.flags) }));
}

/** Any destinations, no address twice. */
export function destinationsOf(family: Family, most = 4): fc.Arbitrary<Destination[]> {
  const threshold = fc.integer({ min: 0, max: 3 });
  return fc.uniqueArray(
    fc.record({
      address: addressOf(family),
      weight: fc.integer({ min: 0, max: 3 }),
      upperThreshold: threshold,
      lowerThreshold: threshold,
    }),
    { maxLength: most, selector: (one) => one.address },
  );
}

/** Any service with its destinations. */
export const anyService: fc.Arbitrary<VirtualServiceShape> = anyTarget.chain((target) => {
  const family = target.kind === "fwmark" ? target.family : target.vip.family;
  return fc
    .tuple(schedulingOf(family), destinationsOf(family))
    .map(([scheduling, destinations]) => ({ target, ...scheduling, destinations }));
});
