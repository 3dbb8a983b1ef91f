import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { serve, withdrawService } from "../../src/operation/serve";
import type { ServiceClaim } from "../../src/plan/service/claim";
import { Lab } from "../../lab/lab";
import { claimFor, incarnationOf, StagedDirector } from "./stage";

let lab: Lab;
let director: StagedDirector;
beforeAll(async () => {
  lab = await Lab.create();
  director = new StagedDirector(lab, await lab.guest("lb"));
});
afterAll(() => lab.destroy());

/** Each with other options than the default ones. */
const CLAIMS: readonly ServiceClaim["service"][] = [
  {
    target: { kind: "tcp", vip: { family: 6, address: "2001:db8::10" }, port: 443 },
    ...{ scheduler: "mh", flags: ["mh-fallback", "mh-port"] },
    persistence: { timeoutSeconds: 600, prefixLength: 64 },
    destinations: [destination("fd00::11", 3), destination("fd00::12", 0)],
  },
  {
    target: { kind: "udp", vip: { family: 4, address: "203.0.113.10" }, port: 53 },
    ...{ scheduler: "sh", flags: ["sh-fallback"], persistence: undefined },
    destinations: [destination("10.0.0.11", 1)],
  },
  {
    target: { kind: "fwmark", mark: 7, family: 4 },
    ...{ scheduler: "wlc", flags: [], persistence: { timeoutSeconds: 60, prefixLength: 24 } },
    destinations: [{ ...destination("10.0.0.11", 2), upperThreshold: 100, lowerThreshold: 80 }],
  },
  {
    target: { kind: "fwmark", mark: 7, family: 6 },
    ...{ scheduler: "rr", flags: [], persistence: undefined },
    destinations: [destination("fd00::11", 1)],
  },
];

function destination(address: string, weight: number) {
  return { address, weight, upperThreshold: 0, lowerThreshold: 0 };
}

function claimOf(service: ServiceClaim["service"], index: number): ServiceClaim {
  const owner = `owner ${index}`;
  return { owner, incarnation: incarnationOf(owner), service };
}

describe("a service by TCP, UDP or a firewall mark, of either IP version", () => {
  it("is as declared, drained, and gone, side by side with the others", async () => {
    const before = await director.table();
    const claims = CLAIMS.map(claimOf);
    const reports = await Promise.all(claims.map((one) => serve(director.operation(), one)));
    expect(reports.map((report) => report.drift)).toEqual([[], [], [], []]);
    expect((await director.table()).length).toBe(before.length + 9);
    const drain = { timeoutSeconds: 15, onTimeout: "fail" } as const;
    for (const claim of claims) {
      const former = claim.service.destinations.map((one) => one.address);
      const service = { ...claim.service, destinations: [] };
      const emptied = { ...claim, service, former, allowEmpty: true };
      expect((await serve(director.operation(), emptied, { drain })).drift).toEqual([]);
      await withdrawService(director.operation(), emptied, { drain });
    }
    expect(await director.table()).toEqual(before);
  }, 240_000);
});

describe("a director", () => {
  const many = (count: number) =>
    Object.fromEntries(
      Array.from({ length: count }, (_, at) => [`10.1.${at >> 8}.${at & 255}`, 2]),
    );

  it("starts no more processes for 500 destinations than for one", async () => {
    const started = async () =>
      Number((await director.guest.run("sed -n 's/^processes //p' /proc/stat")).stdout);
    const used: number[] = [];
    for (const count of [1, 500]) {
      const claim = claimFor({ vip: "203.0.113.20", destinations: many(count) });
      const before = await started();
      expect((await serve(director.operation(), claim)).drift).toEqual([]);
      used.push((await started()) - before);
      await withdrawService(director.operation(), claim);
    }
    const [one = 0, all = 0] = used;
    // The watchdog's naps are processes, one a second.
    expect(all - one).toBeLessThan(100);
  });
});
