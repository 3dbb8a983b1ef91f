import type { FleetCosts } from "./fleet";

/** One thing measured. */
export interface Figure {
  readonly what: string;
  readonly figure: number;
  /** Digits after the point. */
  readonly digits: number;
  /** The most it may be; without one it is only told. */
  readonly limit?: number;
  /** What the figure was made from. */
  readonly sides: string;
}

/** Whether a figure, as precise as it is, keeps its limit. */
export function isWithin({ figure, limit }: Figure): boolean {
  return limit === undefined || figure <= limit;
}

/** Prints a line a figure: what, how much, its limit, the verdict, and what it was made from. */
export function printTable(figures: readonly Figure[]): void {
  const rows = [
    ["", "figure", "limit", "", "from"],
    ...figures.map((one) => [
      one.what,
      one.figure.toFixed(one.digits),
      one.limit === undefined ? "" : `${one.limit}`,
      one.limit === undefined ? "" : isWithin(one) ? "ok" : "TOO MUCH",
      one.sides,
    ]),
  ];
  const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
  for (const row of rows) {
    const cells = row.map((cell, at) => {
      const width = widths[at] ?? 0;
      return at === 1 || at === 2 ? cell.padStart(width) : cell.padEnd(width);
    });
    console.log(cells.join("  ").trimEnd());
  }
}

/** Prints what fleets of several sizes cost, in seconds and MiB, as a table of Markdown. */
export function printGrowth(rows: readonly { hosts: number; costs: FleetCosts }[]): void {
  const head = ["hosts", "up", "up, nothing to do", "refresh", "destroy", "memory of the provider"];
  const lines = rows.map(({ hosts, costs: { up, idle, refresh, destroy, memory } }) => [
    `${hosts}`,
    ...[up, idle, refresh, destroy].map((time) => `${(time / 1000).toFixed(1)} s`),
    `${(memory / 1024 / 1024).toFixed(0)} MiB`,
  ]);
  for (const cells of [head, head.map(() => "-:"), ...lines])
    console.log(`| ${cells.join(" | ")} |`);
}
