// npm run faults -- [--runs N] [--seed S] [--only K[,K...]] [--lanes L] [--verbose]
// npm run faults -- --load [--hosts N] [--stacks N] [--parallel N]
import { parseArgs } from "node:util";

import build from "../../lab/build";
import { campaign } from "./campaign";
import { manyHosts, manyStacks } from "./load";
import { table } from "./table";

async function main(): Promise<number> {
  const { values } = parseArgs({
    options: {
      runs: { type: "string", default: "200" },
      seed: { type: "string", default: String(Date.now() % 1_000_000) },
      only: { type: "string" },
      lanes: { type: "string", default: "12" },
      load: { type: "boolean", default: false },
      hosts: { type: "string", default: "200" },
      stacks: { type: "string", default: "10" },
      parallel: { type: "string", default: "64" },
      verbose: { type: "boolean", default: false },
    },
  });
  build();
  if (values.load)
    return load(Number(values.hosts), Number(values.parallel), Number(values.stacks));
  const seed = Number(values.seed);
  const only = values.only?.split(",").map(Number);
  const runs = only ?? Array.from({ length: Number(values.runs) }, (_, number) => number);
  console.log(`seed ${seed}, ${runs.length} runs`);
  const started = Date.now();
  let done = 0;
  const findings = await campaign({
    seed,
    runs,
    lanes: only === undefined ? Number(values.lanes) : 1,
    onVerdict: (verdict) => {
      done += 1;
      if (done % 100 === 0) console.log(`${done} runs`);
      const { number, fault, ending, violations, milliseconds, story } = verdict;
      if (values.verbose || violations.length > 0) {
        console.log(`run ${number}: ${fault}: ${ending}, ${milliseconds} ms`);
        for (const line of story) console.log(`    ${line}`);
      }
      for (const { promise, what } of violations) console.log(`  ${promise}: ${what}`);
      if (violations.length > 0) console.log(`  again: --seed ${seed} --only ${number}`);
    },
  });
  console.log(table(findings, (Date.now() - started) / 1000, seed));
  return findings.violations.length === 0 ? 0 : 1;
}

async function load(hosts: number, parallel: number, stacks: number): Promise<number> {
  const findings = [await manyHosts(hosts, parallel), await manyStacks(stacks)];
  for (const { lines, problems } of findings) {
    for (const line of lines) console.log(line);
    for (const problem of problems) console.log(`  LOST: ${problem}`);
  }
  return findings.every(({ problems }) => problems.length === 0) ? 0 : 1;
}

void main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
