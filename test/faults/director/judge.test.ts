import { describe, expect, it } from "vitest";

import { wrongOnDirector, type DirectorEnd, type KeptEnd } from "./judge";
import { FOREIGN_BLOCK_LINES } from "./kept";
import type { DirectorScenario } from "./scenario";

const SCENARIO: DirectorScenario = {
  ...{ scheduler: "rr", before: { 0: 1, 1: 2 }, after: { 1: 3 } },
  drain: { timeoutSeconds: 2, onTimeout: "fail" },
  connections: { count: 0, milliseconds: 0 },
  foreign: true,
  kept: { check: "none" },
  fault: { kind: "none" },
};
const COMPANY = "-a -t 203.0.113.1:80 -r 192.0.2.7:80 -g -w 0";
const FOREIGN = [...FOREIGN_BLOCK_LINES, COMPANY];
const LOOK = { processes: "7 8 9", block: "old", others: "sum" };
const KEPT: KeptEnd = {
  before: LOOK,
  after: { ...LOOK, block: "new" },
  wanted: "new",
  company: "-a -t 203.0.113.1:80 ",
};
const END: DirectorEnd = {
  outcome: { kind: "done" },
  weights: { 1: 3 },
  ...{ foreign: FOREIGN, foreignBefore: FOREIGN, steps: [] },
  ...{ isMeddledWith: false, hasRebooted: false },
  kept: KEPT,
};
const ROLLED_BACK = { kind: "failed", aftermath: "rolled-back" } as const;

/** What is found where this differs from an operation that succeeded. */
function wrong(end: Partial<DirectorEnd>, scenario: Partial<DirectorScenario> = {}): string[] {
  return wrongOnDirector({ ...SCENARIO, ...scenario }, { ...END, ...end }, (one) => `m${one}`);
}
const keptBut = (after: Partial<KeptEnd["after"]>) => ({
  kept: { ...KEPT, after: { ...KEPT.after, ...after } },
});

describe("a director that keepalived keeps", () => {
  it("is right where it is as asked for, and where it is as before and said to be", () => {
    expect(wrong({})).toEqual([]);
    const back = { outcome: ROLLED_BACK, weights: { 0: 1, 1: 2 }, ...keptBut({ block: "old" }) };
    expect(wrong(back)).toEqual([]);
  });

  it.each<[string, Partial<DirectorEnd>, string]>([
    ["keepalived has ended and begun anew", keptBut({ processes: "7 8 10" }), "has ended"],
    ["VRRP has gone", keptBut({ processes: "" }), "VRRP has not its address"],
    ["a file of somebody's is another", keptBut({ others: "other" }), "files of somebody's"],
    ["the file is half done", keptBut({ block: "half" }), "the file is between: half"],
    ["done is said, and the file is the old one", keptBut({ block: "old" }), "the file is: old"],
    [
      "it was rolled back, but for the file",
      { outcome: ROLLED_BACK, weights: { 0: 1, 1: 2 } },
      "rolled-back, and the file is: new",
    ],
    ["somebody's block is gone", { foreign: [COMPANY] }, "what is foreign was changed"],
    ["somebody's destination is gone", { foreign: FOREIGN_BLOCK_LINES }, "what is foreign"],
    ["one was removed in use", { steps: ["-d x -r m0"] }, "m0 was removed at weight 1"],
  ])("is wrong where %s", (_, end, sentence) => {
    expect(wrong(end).join("\n")).toContain(sentence);
  });

  it("loses a service with all that is in it where that is destroyed", () => {
    const gone = { weights: undefined, foreign: FOREIGN_BLOCK_LINES };
    const kept = { kept: { ...KEPT, after: { ...LOOK, block: undefined }, wanted: undefined } };
    expect(wrong({ ...gone, ...kept }, { after: undefined })).toEqual([]);
  });

  it("may begin after a power cut with the weights of a drain, and with no others", () => {
    const cut = { fault: { kind: "power cut", milliseconds: 1 } } as const;
    const unknown = { kind: "failed", aftermath: "unknown" } as const;
    const end = { outcome: unknown, hasRebooted: true, foreign: FOREIGN_BLOCK_LINES };
    const ended = { ...end, ...keptBut({ processes: "1 2 3", block: "drain" }) };
    expect(wrong({ ...ended, weights: { 0: 0, 1: 3 } }, cut)).toEqual([]);
    expect(wrong({ ...ended, weights: { 0: 0, 1: 2 } }, cut).join()).toContain("after a boot");
  });
});
