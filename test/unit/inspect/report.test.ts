import { describe, expect, it } from "vitest";
import { NOTHING_ASKED, parseLookAnswer } from "../../../src/inspect/answer";
import { inspectionOf } from "../../../src/inspect/report";
import { inspectionText } from "../../../src/inspect/text";
import type { Inspection } from "../../../src/inspect/types";
import type { Machine } from "../../../src/observed/registry";
import { hostOf, MACHINE, type HostSketch } from "../model";

/** A host with these lines in its journal, and what its program says of them besides. */
function inspected(...lines: string[]): Inspection {
  const answer = parseLookAnswer(lines.join("\n"));
  const { observed } = hostOf({ owners: [{}] });
  return inspectionOf({ host: "10.0.0.11", keys: {}, observed, answer });
}

const JOURNAL = ["journal lvs-dr-journal 1", "journal boot b", "journal by web-1"];

describe("a journal that is left on a host", () => {
  it("is an operation that was cut off, and that the next one undoes", () => {
    const seen = inspected(...JOURNAL);
    expect(seen.pending).toEqual({ by: "web-1", underWay: false, earlierBoot: false });
    expect(inspectionText(seen)).toContain(
      "an operation of web-1 was cut off; the next one undoes it first",
    );
  });

  it.each([
    [
      "format",
      ["journal lvs-dr-journal 2", "journal-unknown lvs-dr-journal 2"],
      { by: "unknown", strange: "format 2" },
    ],
    [
      "step",
      [...JOURNAL, "journal tunnel ipip0", "journal-unknown tunnel ipip0"],
      { by: "web-1", strange: 'the line "tunnel ipip0"' },
    ],
  ])(
    "of a later version is named by its %s, and not told as one that is undone",
    (_, lines, told) => {
      const seen = inspected(...lines);
      expect(seen.ok).toBe(false);
      expect(seen.pending).toMatchObject({ ...told, underWay: false });
      const text = inspectionText(seen);
      expect(text).toContain(
        `its journal has ${told.strange}, which this version does not know: the next one stops at it, ` +
          "and so does the boot; npm install pulumi-lvs-dr@latest",
      );
      expect(text).not.toContain("undoes");
    },
  );

  it("of a later version is nobody's fault while its operation is under way", () => {
    const seen = inspected(
      "under-way",
      "journal lvs-dr-journal 2",
      "journal by web-1",
      "journal-unknown lvs-dr-journal 2",
    );
    expect(seen.pending).toMatchObject({ by: "web-1", underWay: true, strange: "format 2" });
    expect(seen.warnings).toContain("an operation of web-1 is under way: look again");
    expect(inspectionText(seen)).not.toContain("stops at it");
  });
});

describe("a boot that binds nothing", () => {
  const seenOn = (machine: Machine, persist = true) => {
    const { observed } = hostOf({ owners: [{ persist }], boot: "current" });
    const here = { ...observed, machine };
    return inspectionOf({ host: "10.0.0.11", keys: {}, observed: here, answer: NOTHING_ASKED });
  };

  it.each([
    ["is a clone", "2222", "the registry in /var/lib/lvs-dr is another machine's (a clone?)"],
    ["has no machine-id", "-", "this machine has no machine-id"],
  ])("is wrong where the machine %s", (_, machineId, why) => {
    const seen = seenOn({ ...MACHINE, machineId });
    expect(seen.ok).toBe(false);
    expect(seen.boot.problems).toEqual([expect.stringContaining(`the boot binds nothing: ${why}`)]);
    expect(seenOn({ ...MACHINE, machineId }, false).boot.problems).toEqual([]);
  });

  it("is none where it is the machine that the registry was made on", () => {
    expect(seenOn(MACHINE).ok).toBe(true);
  });
});

describe("a unit that a withdrawal could not remove", () => {
  const seenOn = (sketch: HostSketch) =>
    inspectionOf({
      ...{ host: "10.0.0.11", keys: {}, answer: NOTHING_ASKED },
      observed: hostOf(sketch).observed,
    });

  it("is wrong on a host that has no registry any more, and named", () => {
    const seen = seenOn({ boot: "current" });
    expect(seen.ok).toBe(false);
    expect(seen.boot.problems).toEqual([expect.stringContaining("pulumi-lvs-dr is left")]);
    expect(seenOn({ owners: [{ persist: true }], boot: "current" }).boot.problems).toEqual([]);
  });
});

describe("routes to the host itself", () => {
  const VIP = "203.0.113.10";
  const look = (sketch: HostSketch, ...lines: string[]) =>
    inspectionOf({
      ...{ host: "10.0.0.11", keys: {}, observed: hostOf(sketch).observed },
      answer: parseLookAnswer(lines.join("\n")),
    });

  it("for an address that is not on lo are wrong, and named with what removes them", () => {
    const seen = look({ routes: [`${VIP} dev lo scope link`] }, `name web`, `getent ${VIP} STREAM`);
    const remove = `ip route del ${VIP} dev lo scope link`;
    expect(seen).toMatchObject({
      ok: false,
      selfRoutes: [{ address: VIP, route: `${VIP} dev lo scope link`, remove }],
      names: [{ endsOnLo: true, addresses: [{ endsOn: "lo", interface: "lo" }] }],
    });
    expect(inspectionText(seen)).toContain(
      `${VIP} is not on lo, and the route "${VIP} dev lo scope link" leads it there: the host does not reach the service at it; run "${remove}"`,
    );
  });

  it("for one that is on lo are a warning, for they would outlive it", () => {
    const addresses = [`lo ${VIP}/32 host lo:dr`];
    const seen = look({ addresses, all: [1, 2], owners: [{}], routes: [`${VIP} dev lo`] });
    expect(seen).toMatchObject({ ok: true, selfRoutes: [] });
    expect(seen.warnings).toContain(
      `the route "${VIP} dev lo" will keep the host from the service at ${VIP} once that has left lo; run "ip route del ${VIP} dev lo"`,
    );
  });

  it("leak like addresses where they are local, on NICs that are not silent", () => {
    const routes = ["local 198.51.100.0/24 dev lo table local scope host"];
    expect(look({ routes, all: [1, 2] }).leaks).toEqual([]);
    expect(look({ routes }).leaks.map((leak) => leak.why)).toEqual([
      '198.51.100.0/24 is the host\'s own by the route "local 198.51.100.0/24 dev lo table local scope host", and eth0 answers ARP for it (effective arp_ignore 0) and may name it in requests of its own (effective arp_announce 0)',
    ]);
  });

  it("that a rule has to pick, or that drop a network, are nobody's fault", () => {
    const routes = ["local default dev lo table 100 scope host", "10.0.0.0/8 dev lo scope link"];
    expect(look({ routes })).toMatchObject({ ok: true, leaks: [], selfRoutes: [], warnings: [] });
  });
});
