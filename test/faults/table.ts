import type { Findings } from "./campaign";
import type { Verdict } from "./run";

/** The campaign's findings, for people. */
export function table(findings: Findings, seconds: number, seed: number): string {
  const { verdicts, violations, asked, excused, processSamples } = findings;
  const broken = new Set(violations.map(({ number }) => number));
  const columns: Record<string, (verdict: Verdict) => boolean> = {
    runs: () => true,
    struck: ({ struck }) => struck,
    "rolled back": ({ ending }) => ending === "rolled back",
    completed: ({ ending }) => ending === "completed",
    "repaired by the next": ({ ending }) => ending === "left to the next operation",
    broken: ({ number }) => broken.has(number),
  };
  const row = (name: string, runs: readonly Verdict[]) => [
    name,
    ...Object.values(columns).map((counts) => String(runs.filter(counts).length)),
  ];
  const faults = [...new Set(verdicts.map(({ fault }) => fault))].sort();
  const of = (wanted: string) => verdicts.filter(({ fault }) => fault === wanted);
  const promises = ["I1", "I2", "I3", "I4", "I5"].map(
    (promise) => `${promise} ${violations.filter((one) => one.promise === promise).length}`,
  );
  const isSilent = promises[0] === "I1 0" ? "true" : "FALSE";
  return [
    "",
    ...aligned([
      ["fault", ...Object.keys(columns)],
      ...faults.map((fault) => row(fault, of(fault))),
      row("all", verdicts),
    ]),
    "",
    ...violations.map(
      ({ promise, what, number }) => `${promise}, --seed ${seed} --only ${number}: ${what}`,
    ),
    `violations: ${promises.join(", ")}`,
    `${asked} ARP requests for VIPs, each heard by every host; not one answered that should not have been: ${isSilent}`,
    ...[...excused].map(([why, frames]) => `frames excused: ${frames}: ${why}`),
    `process lists searched for secrets: ${processSamples} times`,
    `${verdicts.length} runs in ${seconds.toFixed(1)} s, ${(verdicts.length / seconds).toFixed(1)} a second; seed ${seed}`,
  ].join("\n");
}

/** Rows of a table: the first column to the left, the others to the right. */
export function aligned(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0]!.map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  return rows.map((row) =>
    row
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[at]!)))
      .join("  "),
  );
}
