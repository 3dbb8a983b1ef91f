import { describe, expect, it } from "vitest";
import { NOTHING_ASKED, parseLookAnswer } from "../../../src/inspect/answer";
import { inspectionOf } from "../../../src/inspect/report";
import { inspectionText } from "../../../src/inspect/text";
import type { Inspection } from "../../../src/inspect/types";
import type { Machine } from "../../../src/observed/registry";
import { hostOf, MACHINE } from "../model";

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
