import { describe, expect, it } from "vitest";
import fc from "fast-check";
import type { HealthCheck } from "../../../../src/domain/keepalived";
import { blockLines } from "../../../../src/plan/service/block";
import { readBlock } from "../../../../src/plan/service/read-block";
import { anyService } from "../../services";

const FILE = "/etc/keepalived/conf.d/a.conf";

const terms = fc.record({
  port: fc.option(fc.integer({ min: 1, max: 65_535 }), { nil: undefined }),
  intervalSeconds: fc.integer({ min: 1, max: 3600 }),
  timeoutSeconds: fc.integer({ min: 1, max: 3600 }),
  retries: fc.nat({ max: 100 }),
});
const anyCheck: fc.Arbitrary<HealthCheck> = fc.oneof(
  fc.constant({ kind: "none" } as const),
  terms.map((one) => ({ kind: "tcp", ...one }) as const),
  fc
    .record({
      kind: fc.constant("http" as const),
      terms,
      path: fc.constantFrom("/", "/ok?a=b"),
      status: fc.integer({ min: 100, max: 599 }),
      host: fc.constantFrom(undefined, "shop.test:8080"),
    })
    .map(({ terms: one, ...rest }) => ({ ...rest, ...one })),
);

describe("a block that is read again", () => {
  it("is what was written", () => {
    fc.assert(
      fc.property(anyService, anyCheck, fc.boolean(), (service, check, inhibitOnFailure) => {
        // Without a real server there is nothing to check.
        fc.pre(service.destinations.length > 0);
        const read = readBlock(blockLines("me", service, { file: FILE, check, inhibitOnFailure }));
        const { target, destinations } = service;
        expect(read).toMatchObject({ target, check, inhibitOnFailure });
        const weights = (of: readonly { readonly address: string; readonly weight: number }[]) =>
          Object.fromEntries(of.map(({ address, weight }) => [address, weight]));
        expect(weights(read?.destinations ?? [])).toEqual(weights(destinations));
      }),
    );
  });

  it("has what somebody has made of it, and of several blocks the first one", () => {
    const lines = [
      ...["# mine", "virtual_server 203.0.113.10 80 {", "delay_loop 7", "  protocol  TCP"],
      ...["real_server 10.0.0.11 80 {", "TCP_CHECK {", "}", "}", "nonsense", "}"],
      ...["virtual_server fwmark 7 {", "real_server 10.0.0.12 80 {", "HTTP_GET {", "}", "}", "}"],
    ];
    expect(readBlock(lines)).toEqual({
      target: { kind: "tcp", vip: { family: 4, address: "203.0.113.10" }, port: 80 },
      destinations: [{ address: "10.0.0.11", weight: 1 }],
      check: {
        ...{ kind: "tcp", port: undefined, intervalSeconds: 7, timeoutSeconds: 5, retries: 1 },
      },
      inhibitOnFailure: false,
    });
  });

  it.each([[], ["# nothing"], ["virtual_server group shop {", "}"], ["virtual_server"]])(
    "is none in %j",
    (...lines) => {
      expect(readBlock(lines)).toBeUndefined();
    },
  );
});
