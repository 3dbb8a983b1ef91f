import { parseArgs } from "node:util";

/** What a run of the benchmark is asked for. */
export interface BenchOptions {
  /** Hosts of the fleet; memory is measured with twice as many, too. Default: 200. */
  readonly hosts: number;
  /** The best of so many rounds counts: whatever else the machine does only ever adds. Default: 3. */
  readonly rounds: number;
  /** Only the growth from 25 to 400 hosts: the table in docs/reference/figures.md. */
  readonly growth: boolean;
  /** Only what a service on a director costs. */
  readonly director: boolean;
  /** Only what a pool costs beside single resources. */
  readonly pool: boolean;
}

/**
 * Reads the command line: `--hosts N`, `--rounds N`, `--growth`, `--director`, `--pool`.
 * @throws Error for anything else
 */
export function benchOptions(words: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...words],
    options: {
      hosts: { type: "string", default: "200" },
      rounds: { type: "string", default: "3" },
      growth: { type: "boolean", default: false },
      director: { type: "boolean", default: false },
      pool: { type: "boolean", default: false },
    },
  });
  const count = (name: "hosts" | "rounds"): number => {
    const number = Number(values[name]);
    if (!Number.isInteger(number) || number < 1)
      throw new Error(`--${name} ${values[name]}: not a whole number of at least 1`);
    return number;
  };
  const { growth, director, pool } = values;
  return { hosts: count("hosts"), rounds: count("rounds"), growth, director, pool };
}
