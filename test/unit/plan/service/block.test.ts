import { describe, expect, it } from "vitest";
import fc from "fast-check";
import {
  blockOwner,
  usualBlockFile,
  type KeepalivedBlock,
} from "../../../../src/domain/keepalived";
import type { VirtualServiceShape } from "../../../../src/observed/service-records";
import { blockLines } from "../../../../src/plan/service/block";
import { anyService } from "../../services";

const none: KeepalivedBlock = {
  ...{ file: "/etc/keepalived/conf.d/a.conf", check: { kind: "none" }, inhibitOnFailure: false },
};
const terms = { port: undefined, intervalSeconds: 5, timeoutSeconds: 3, retries: 1 };
const shop: VirtualServiceShape = {
  target: { kind: "tcp", vip: { family: 4, address: "203.0.113.10" }, port: 80 },
  ...{ scheduler: "sh", flags: ["sh-fallback", "sh-port"] },
  persistence: { timeoutSeconds: 60, prefixLength: 24 },
  destinations: [
    { address: "10.0.0.12", weight: 0, upperThreshold: 0, lowerThreshold: 0 },
    { address: "10.0.0.11", weight: 3, upperThreshold: 9, lowerThreshold: 4 },
  ],
};

describe("a block of keepalived's", () => {
  it("says all that a service is", () => {
    const http = {
      kind: "http",
      ...terms,
      port: 8080,
      path: "/ok",
      status: 204,
      host: "shop.test",
    };
    const block = { ...none, inhibitOnFailure: true, check: http as KeepalivedBlock["check"] };
    expect(blockLines("me", shop, block).join("\n")).toMatchInlineSnapshot(`
      "# pulumi-lvs-dr keepalived 1: "me"
      # 203.0.113.10:80, made by pulumi-lvs-dr, which undoes what is changed here by hand.
      virtual_server 203.0.113.10 80 {
        lvs_sched sh
        sh-fallback
        sh-port
        lvs_method DR
        protocol TCP
        persistence_timeout 60
        persistence_granularity 255.255.255.0
        delay_loop 5
        real_server 10.0.0.11 80 {
          weight 3
          uthreshold 9
          lthreshold 4
          inhibit_on_failure
          HTTP_GET {
            url {
              path /ok
              status_code 204
              virtualhost shop.test
            }
            connect_port 8080
            connect_timeout 3
            retry 1
            delay_before_retry 1
          }
        }
        real_server 10.0.0.12 80 {
          weight 0
          inhibit_on_failure
          HTTP_GET {
            url {
              path /ok
              status_code 204
              virtualhost shop.test
            }
            connect_port 8080
            connect_timeout 3
            retry 1
            delay_before_retry 1
          }
        }
      }"
    `);
  });

  it("names a firewall mark with its family, which no protocol goes with", () => {
    const service = {
      ...{ target: { kind: "fwmark", mark: 7, family: 6 } as const, scheduler: "rr", flags: [] },
      ...{ persistence: undefined, destinations: [] },
    };
    expect(blockLines("me", service, none).slice(2)).toEqual([
      ...[
        "virtual_server fwmark 7 {",
        "  ip_family inet6",
        "  lvs_sched rr",
        "  lvs_method DR",
        "}",
      ],
    ]);
    expect(usualBlockFile(service.target)).toBe("/etc/keepalived/conf.d/lvs-dr-fwmark-7-6.conf");
  });

  it("is the same whatever the order of the destinations, and says whose it is", () => {
    fc.assert(
      fc.property(anyService, fc.string(), (service, owner) => {
        const lines = blockLines(owner, service, none);
        const destinations = service.destinations.toReversed();
        expect(blockLines(owner, { ...service, destinations }, none)).toEqual(lines);
        expect(blockOwner(lines)).toBe(owner);
        const depth = lines.map((line) => (/ \{$/.test(line) ? 1 : line.trim() === "}" ? -1 : 0));
        expect(depth.reduce((sum: number, one) => sum + one, 0)).toBe(0);
      }),
    );
  });

  it.each([["# theirs"], ['# pulumi-lvs-dr keepalived 1: "a'], []])("is not %j", (...lines) => {
    expect(blockOwner(lines)).toBeUndefined();
  });
});
