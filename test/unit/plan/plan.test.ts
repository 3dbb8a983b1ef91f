import { pulumiAdvice } from "../../../src/pulumi/advice";
import { describe, expect, it } from "vitest";
import { asRecorded, type Desired } from "../../../src/plan/claim";
import { plan, type Plan } from "../../../src/plan/plan";
import { fixtures } from "../fixtures";
import {
  applyAll,
  claimOf,
  hostOf,
  lineOf,
  tidy,
  type ClaimSketch,
  type Host,
  type HostSketch,
} from "../model";

interface Case {
  readonly host: HostSketch;
  /** What is declared, or what is withdrawn. */
  readonly serve?: ClaimSketch;
  readonly withdraw?: ClaimSketch & { readonly sysctls?: "restore" | "leave" };
  /** Empty lists are left out, and all others where there are refusals. */
  readonly plan: {
    readonly refusals?: readonly string[];
    readonly changes?: readonly string[];
    readonly notes?: readonly string[];
    readonly stale?: readonly string[];
    readonly guard?: readonly string[];
    readonly saved?: readonly string[];
  };
}

function desiredOf({ serve, withdraw }: Case, { observed }: Host): Desired {
  const now = "2026-07-02T10:00:00.000Z";
  if (serve) return { kind: "serve", claim: claimOf(serve), now };
  const claim = asRecorded(claimOf(withdraw ?? {}), observed);
  return { kind: "withdraw", claim, now, sysctls: withdraw?.sysctls ?? "restore" };
}

/** A plan as fixtures have it. */
function told(needed: Plan, { host, serve, withdraw }: Case): Case["plan"] {
  if (needed.refusals.length > 0)
    return { refusals: needed.refusals.map((one) => one.what + pulumiAdvice(one.remedies)) };
  const named = [serve, withdraw, ...(host.owners ?? [])].map((one) => one?.owner ?? "web-1");
  const lists = {
    changes: needed.changes.map((change) => lineOf(change, named)),
    notes: needed.notes,
    // Where it is more than what the changes say: which of them nobody declared.
    stale: needed.stale,
    guard: needed.guard,
    saved: needed.saved.map((one) => `${one.interface} ${one.key} ${one.value} ${one.written}`),
  };
  return Object.fromEntries(Object.entries(lists).filter(([, lines]) => lines.length > 0));
}

describe("the plan", () => {
  it.each(fixtures<Case>("plan"))("$name", ({ data }) => {
    const host = hostOf(data.host);
    const desired = desiredOf(data, host);
    const needed = plan(desired, host.observed);
    expect(told(needed, data)).toEqual(data.plan);
    if (needed.refusals.length > 0) return;
    const after = tidy(applyAll(needed.changes, host).at(-1) ?? host);
    expect(plan(desired, after.observed)).toMatchObject({ refusals: [], changes: [] });
  });
});
