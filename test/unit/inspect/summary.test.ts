import { describe, expect, it } from "vitest";
import { NOTHING_ASKED } from "../../../src/inspect/answer";
import { NOTHING_PENDING } from "../../../src/inspect/pending";
import { inspectionOf } from "../../../src/inspect/report";
import { summaryOf, type LookedAt } from "../../../src/inspect/summary";
import { inspectionsJson, inspectionsText } from "../../../src/inspect/summary-text";
import { directorOf } from "../director";
import { hostOf, type HostSketch } from "../model";

const VIP = "203.0.113.10";
const VIP6 = "2001:db8::10";
const QUIET = { all: [1, 2], nics: { eth0: [0, 0] } } as const;
const OWNED: HostSketch = {
  ...QUIET,
  addresses: [`lo ${VIP}/32 host lo:dr`, `lo ${VIP6}/128 global`],
  owners: [{ owner: "web", vips: [VIP, VIP6] }],
};

function seen(host: string, sketch: HostSketch): LookedAt {
  const { observed } = hostOf(sketch);
  const inspection = inspectionOf({ host, keys: {}, observed, answer: NOTHING_ASKED });
  return { host, inspection };
}

function director(host: string, table: readonly string[]): LookedAt {
  const observed = directorOf({ table });
  const sight = { kind: "director", observed, onDisk: observed.registry } as const;
  const inspection = inspectionOf({
    ...{ host, keys: {}, observed: hostOf({}).observed, answer: NOTHING_ASKED },
    director: { ...sight, pending: NOTHING_PENDING, waiting: [] },
  });
  return { host, inspection };
}

const dead = (host: string): LookedAt => ({
  host,
  error: { kind: "unreachable", message: `${host}:22 cannot be reached: timed out.\nIs it up?` },
});

describe("the summary of several hosts", () => {
  const looks = [
    seen("web-1", OWNED),
    dead("web-2"),
    seen("web-3", { ...OWNED, addresses: [`lo ${VIP}/32 host lo:dr`] }),
    seen("loud", { ...OWNED, all: [0, 2] }),
    seen("left", {
      ...QUIET,
      addresses: ["lo 203.0.113.9/32 global lo", "lo 10.9.0.1/16 host lo"],
    }),
    seen("routed", { routes: ["203.0.113.99 dev lo scope link"] }),
    director("lb", [`-A -t ${VIP}:80 -s wlc`, `-A -u [${VIP6}]:53 -s sh`, "-A -f 7 -s wlc"]),
  ];
  const summary = summaryOf(looks, ["web-1"]);

  it("says who has which VIP, who lacks one that it claims, and who sends to it", () => {
    expect(summary.vips).toEqual([
      { address: "203.0.113.9", onLo: ["left"], missing: [], directors: [] },
      { address: VIP, onLo: ["web-1", "web-3", "loud"], missing: [], directors: ["lb"] },
      { address: VIP6, onLo: ["web-1", "loud"], missing: ["web-3"], directors: ["lb"] },
    ]);
  });

  it("says who leaks, what is stale, what else is wrong, and who was not reached and why", () => {
    expect(summary.leaks).toMatchObject([{ host: "loud", address: VIP, interfaces: ["eth0"] }]);
    expect(summary.stale).toEqual([{ host: "left", address: "203.0.113.9" }]);
    expect(summary.others).toEqual([
      { host: "routed", why: expect.stringContaining("203.0.113.99 is not on lo") as string },
    ]);
    expect(summary.notInspected).toEqual([
      {
        host: "web-2",
        kind: "unreachable",
        message: expect.stringContaining("timed out") as string,
      },
    ]);
    expect(summary.fine).toEqual(["web-1", "web-3", "lb"]);
    expect(summary.repeated).toEqual(["web-1"]);
    expect(summary.ok).toBe(false);
  });

  it("is text with a table for each that was inspected, and itself at the end", () => {
    const text = inspectionsText(looks, summary);
    const tables = text.split("\n\n\n");
    expect(tables.slice(0, -1).map((table) => table.split(":")[0])).toEqual([
      ...["web-1", "web-3", "loud", "left", "routed", "lb"],
    ]);
    expect(tables.at(-1)).toBe(`7 hosts: 3 fine, 3 with something wrong, 1 not inspected

Who has which VIP
  VIP           where               hosts
  203.0.113.9   on lo               1      left
  203.0.113.10  on lo               3      web-1 web-3 loud
  203.0.113.10  in an IPVS table    1      lb
  2001:db8::10  on lo               2      web-1 loud
  2001:db8::10  claimed, not on lo  1      web-3
  2001:db8::10  in an IPVS table    1      lb

Leaks
  loud  203.0.113.10 is on lo, and eth0 answers ARP for it (effective arp_ignore 0)

Stale: on lo, and claimed by no owner
  left  203.0.113.9

Wrong besides
  routed  203.0.113.99 is not on lo, and the route "203.0.113.99 dev lo scope link" leads it there: the host does not reach the service at it; run "ip route del 203.0.113.99 dev lo scope link"

Not inspected
  web-2  unreachable  web-2:22 cannot be reached: timed out. Is it up?

Named more than once, inspected once
  web-1`);
  });

  it("is one JSON document, with each inspection as of a single host", () => {
    const document = JSON.parse(inspectionsJson(looks, summary)) as unknown;
    expect(document).toEqual({ hosts: looks, summary });
  });

  it("is fine where all are, and not where one could not be inspected", () => {
    const fine = summaryOf([seen("web-1", OWNED), seen("bare", {})], []);
    expect(fine).toMatchObject({ ok: true, fine: ["web-1", "bare"], leaks: [], stale: [] });
    expect(summaryOf([seen("web-1", OWNED), dead("web-2")], []).ok).toBe(false);
  });

  it("has nothing that a terminal obeys", () => {
    const hostile = "web\u001b]0;owned\u0007\n  forged";
    const one: LookedAt = { host: hostile, error: { kind: "failed", message: hostile } };
    expect(inspectionsText([one], summaryOf([one], [hostile]))).not.toMatch(
      /[^\P{Cc}\n]|^ *forged/mu,
    );
    expect(inspectionsJson([one], summaryOf([one], []))).toMatch(/^[\n -~]*$/);
  });
});
