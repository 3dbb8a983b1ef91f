import { visible } from "../domain/terminal";

/** A row of a table, cell by cell; one of a single cell is a sentence, and widens no column. */
export type Cells = readonly string[];

/**
 * A title, and below it rows in columns: lines that no terminal obeys.
 *
 * @param empty what stands there where there is no row; without it, there is no section then
 */
export function section(title: string, lines: readonly Cells[], empty?: string): string[] {
  if (lines.length === 0) return empty === undefined ? [] : [title, `  ${empty}`];
  const cells = lines.map((row) => row.map(visible));
  const widths: number[] = [];
  for (const row of cells.filter((one) => one.length > 1))
    row.forEach((cell, column) => (widths[column] = Math.max(widths[column] ?? 0, cell.length)));
  const text = (row: Cells) =>
    row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join("  ");
  return [title, ...cells.map((row) => `  ${text(row)}`.trimEnd())];
}
