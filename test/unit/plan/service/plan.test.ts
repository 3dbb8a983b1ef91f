import { describe, expect, it } from "vitest";
import { asServiceRecorded } from "../../../../src/plan/service/claim";
import { planService } from "../../../../src/plan/service/plan";
import { serviceReport } from "../../../../src/plan/service/report";
import { serviceWarnings } from "../../../../src/plan/service/warnings";
import {
  claimOf,
  desiredOf,
  directorOf,
  linesOfPlan,
  type ClaimSketch,
  type DirectorSketch,
  type Want,
} from "../../director";
import { fixtures } from "../../fixtures";

interface Case {
  readonly director: DirectorSketch;
  readonly claim: ClaimSketch;
  /** Default: serve. */
  readonly want?: Want;
  readonly refusals?: readonly string[];
  /** Default: none. Where there are refusals nothing is done. */
  readonly changes?: readonly string[];
  readonly notes?: readonly string[];
  readonly warnings?: readonly string[];
  /** Only where it is said. */
  readonly drift?: readonly string[];
  readonly foreign?: readonly string[];
  readonly failing?: readonly string[];
}

describe("the plan for a director", () => {
  it.each(fixtures<Case>("service-plan"))("is $name", ({ data }) => {
    const { want = "serve", refusals = [], changes = [], notes = [], warnings = [] } = data;
    const observed = directorOf(data.director);
    const claim = claimOf(data.claim);
    const wanted = want.endsWith("withdraw") ? asServiceRecorded(claim, observed) : claim;
    const plan = planService(desiredOf(want, wanted), observed);
    expect(plan.refusals.map(({ what }) => what)).toEqual(refusals);
    if (refusals.length === 0) {
      expect(linesOfPlan(plan)).toEqual(changes);
      expect(plan.notes).toEqual(notes);
    }
    if (!want.endsWith("withdraw")) expect(serviceWarnings(claim, observed)).toEqual(warnings);
    const report = serviceReport(claim, observed);
    if (data.drift !== undefined) expect(report.drift).toEqual(data.drift);
    if (data.foreign !== undefined) expect(report.foreign).toEqual(data.foreign);
    if (data.failing !== undefined) expect(report.failing).toEqual(data.failing);
  });
});
