import type { Findings } from "./campaign";

/** The campaign's findings, for people. */
export function table(findings: Findings, seconds: number, seed: number): string {
  const { verdicts, violations, asked, excused, processSamples } = findings;
  const faults = [...new Set(verdicts.map(({ fault }) => fault))].sort();
  const rows = faults.map((fault) => {
    const runs = verdicts.filter((one) => one.fault === fault);
    const ended = (ending: string): number => runs.filter((one) => one.ending === ending).length;
    const numbers = new Set(runs.map(({ number }) => number));
    const broken = violations.filter(({ number }) => numbers.has(number)).length;
    return [
      fault,
      runs.length,
      runs.filter(({ struck }) => struck).length,
      ended("rolled back"),
      ended("completed"),
      ended("left to the next operation"),
      broken,
    ];
  });
  const sums = [1, 2, 3, 4, 5, 6].map((at) =>
    rows.reduce((sum, row) => sum + Number(row[at] ?? 0), 0),
  );
  const head = [
    "fault",
    "runs",
    "struck",
    "rolled back",
    "completed",
    "repaired by the next",
    "broken",
  ];
  const promises = ["I1", "I2", "I3", "I4", "I5"].map(
    (promise) => `${promise} ${violations.filter((one) => one.promise === promise).length}`,
  );
  return [
    "",
    ...aligned([head, ...rows, ["all", ...sums]]),
    "",
    ...violations.map(
      ({ promise, what, number }) => `${promise}, --seed ${seed} --only ${number}: ${what}`,
    ),
    `violations: ${promises.join(", ")}`,
    `${asked} ARP requests for VIPs, each heard by every host; not one answered that should not have been: ${
      promises[0] === "I1 0" ? "true" : "FALSE"
    }`,
    ...[...excused].map(([why, frames]) => `frames excused: ${frames}: ${why}`),
    `process lists searched for secrets: ${processSamples} times`,
    `${verdicts.length} runs in ${seconds.toFixed(1)} s, ${(verdicts.length / seconds).toFixed(1)} a second; seed ${seed}`,
  ].join("\n");
}

function aligned(rows: readonly (readonly (string | number)[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, at) =>
    Math.max(...rows.map((row) => String(row[at] ?? "").length)),
  );
  return rows.map((row) =>
    row
      .map((cell, at) =>
        at === 0 ? String(cell).padEnd(widths[at] ?? 0) : String(cell).padStart(widths[at] ?? 0),
      )
      .join("  "),
  );
}
