// npm run faults -- [--runs N] [--seed S] [--only K[,K...]] [--lanes L] [--first] [--verbose]
// npm run faults -- --load [--hosts N] [--stacks N] [--parallel N]
// npm run faults -- --broken [--runs N] [--seed S] [--only K[,K...]]
// npm run faults -- --directors [--runs N] [--seed S] [--only K[,K...]] [--lanes L] [--verbose]
import { parseArgs } from "node:util";

import build from "../../lab/build";
import { guestImage } from "../../lab/guest-image";
import { BREAKS } from "./breaks";
import { campaignOn, firstOf } from "./broken";
import { campaign } from "./campaign";
import { directorCampaign } from "./director/campaign";
import type { DirectorVerdict } from "./director/play";
import { manyHosts, manyStacks } from "./load";
import type { Verdict } from "./run";
import { aligned, table } from "./table";

const { values } = parseArgs({
  options: {
    runs: { type: "string", default: "200" },
    seed: { type: "string", default: String(Date.now() % 1_000_000) },
    only: { type: "string" },
    lanes: { type: "string", default: "12" },
    first: { type: "boolean", default: false },
    load: { type: "boolean", default: false },
    hosts: { type: "string", default: "200" },
    stacks: { type: "string", default: "10" },
    parallel: { type: "string", default: "64" },
    broken: { type: "boolean", default: false },
    directors: { type: "boolean", default: false },
    verbose: { type: "boolean", default: false },
  },
});
const seed = Number(values.seed);
const only = values.only?.split(",").map(Number);

async function attack(): Promise<boolean> {
  const runs = only ?? Array.from({ length: Number(values.runs) }, (_, number) => number);
  console.log(`seed ${seed}, ${runs.length} runs`);
  const started = Date.now();
  const lanes = only === undefined ? Number(values.lanes) : 1;
  let done = 0;
  const onVerdict = (verdict: Verdict): void => {
    done += 1;
    if (done % 100 === 0) console.log(`${done} runs`);
    if (values.verbose || verdict.violations.length > 0) tell(verdict);
  };
  const findings = await campaign({ seed, runs, lanes, first: values.first, onVerdict });
  console.log(table(findings, (Date.now() - started) / 1000, seed));
  process.send?.(firstOf(findings));
  return findings.violations.length === 0;
}

function tell({ number, fault, ending, violations, milliseconds, story }: Verdict): void {
  console.log(`run ${number}: ${fault}: ${ending}, ${milliseconds} ms`);
  for (const line of story) console.log(`    ${line}`);
  for (const { promise, what } of violations) console.log(`  ${promise}: ${what}`);
  if (violations.length > 0) console.log(`  again: --seed ${seed} --only ${number}`);
}

async function load(): Promise<boolean> {
  const findings = [
    await manyHosts(Number(values.hosts), Number(values.parallel)),
    await manyStacks(Number(values.stacks)),
  ];
  for (const { lines, problems } of findings) {
    for (const line of lines) console.log(line);
    for (const problem of problems) console.log(`  LOST: ${problem}`);
  }
  return findings.every(({ problems }) => problems.length === 0);
}

/** A campaign on each way in which the product is broken on purpose. */
async function attackBroken(): Promise<boolean> {
  const rows: string[][] = [];
  for (const one of only?.flatMap((number) => BREAKS[number] ?? []) ?? BREAKS) {
    const { promises, run, what } = await campaignOn(one, { seed, runs: Number(values.runs) });
    const found = run === undefined ? "NOT FOUND" : `run ${run}`;
    rows.push([one.name, one.promise, found, promises.join(" ")]);
    console.log(`${rows.at(-1)!.join("; ")}: ${what}`);
  }
  console.log(aligned([["what is broken", "breaks", "found at", "as"], ...rows]).join("\n"));
  return rows.every(([, , , promises]) => promises !== "");
}

/** Directors as hosts. A guest takes a core of its own, so there are few at once. */
async function attackDirectors(): Promise<boolean> {
  const runs = only ?? Array.from({ length: Number(values.runs) }, (_, number) => number);
  const lanes = Math.min(runs.length, values.lanes === "12" ? 2 : Number(values.lanes));
  console.log(`seed ${seed}, ${runs.length} runs on directors`);
  await guestImage();
  const verdicts = await directorCampaign({
    ...{ seed, runs, lanes },
    onVerdict: ({ number, fault, struck, ending, wrong, scenario }) => {
      if (!values.verbose && wrong.length === 0) return;
      console.log(
        `run ${number}: ${fault}${struck || fault === "none" ? "" : " (too late)"}: ${ending}`,
      );
      console.log(`    ${JSON.stringify(scenario)}`);
      for (const what of wrong) console.log(`  ${what}`);
      if (wrong.length > 0) console.log(`  again: --directors --seed ${seed} --only ${number}`);
    },
  });
  console.log(directorTable(verdicts).join("\n"));
  return verdicts.every(({ wrong }) => wrong.length === 0);
}

/** What became of the runs, by what was done to them. */
function directorTable(verdicts: readonly DirectorVerdict[]): string[] {
  const endings = ["done", "untouched", "rolled-back", "unknown"];
  const faults = [...new Set(verdicts.map(({ fault }) => fault))].sort();
  const rows = faults.map((fault) => {
    const own = verdicts.filter((one) => one.fault === fault);
    const counts = endings.map((ending) => own.filter((one) => one.ending === ending).length);
    const struck = own.filter((one) => one.struck).length;
    const broken = own.filter(({ wrong }) => wrong.length > 0).length;
    return [fault, own.length, struck, ...counts, broken].map(String);
  });
  return aligned([["fault", "runs", "struck", ...endings, "broken"], ...rows]);
}

build();
const work = values.directors
  ? attackDirectors()
  : values.load
    ? load()
    : values.broken
      ? attackBroken()
      : attack();
// Whoever forked this process is gone.
process.on("disconnect", () => process.exit(1));
void work.then(
  (isGood) => process.exit(isGood ? 0 : 1),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
