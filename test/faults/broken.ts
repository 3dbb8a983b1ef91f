import { fork } from "node:child_process";
import { once } from "node:events";
import { cp, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { broken, type Break } from "./breaks";
import type { Findings } from "./campaign";

/** What a campaign found first. */
export interface FirstFinding {
  /** How many runs were over by then; undefined where nothing was found. */
  readonly run: number | undefined;
  /** What was broken in that run, and how. */
  readonly promises: readonly string[];
  readonly what: string;
}

/** The run that was over first of those in which something was found. */
export function firstOf({ verdicts, violations }: Findings): FirstFinding {
  const at = verdicts.findIndex((one) => violations.some(({ number }) => number === one.number));
  const first = violations.filter(({ number }) => at < 0 || number === verdicts[at]?.number);
  return {
    run: at >= 0 ? at + 1 : violations.length > 0 ? verdicts.length : undefined,
    promises: [...new Set(first.map(({ promise }) => promise))],
    what: first.map(({ what }) => what).join("\n"),
  };
}

/** Breaks the product in a copy of all that a campaign needs, and lets one run there until it finds something. */
export async function campaignOn(
  one: Break,
  { seed, runs }: { seed: number; runs: number },
): Promise<FirstFinding> {
  const copy = await mkdtemp(join(tmpdir(), "lvs-dr-broken-"));
  try {
    for (const name of COPIED) await cp(join(ROOT, name), join(copy, name), { recursive: true });
    await symlink(join(ROOT, "node_modules"), join(copy, "node_modules"));
    for (const [file, text] of broken(one, join(copy, "src"))) await writeFile(file, text);
    const args = ["--first", "--seed", String(seed), "--runs", String(runs)];
    const child = fork("test/faults/main.ts", args, {
      ...{ cwd: copy, execArgv: ["--import", "tsx"] },
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    let finding: FirstFinding | undefined;
    child.once("message", (message) => (finding = message as FirstFinding));
    const [status] = (await once(child, "exit")) as [number];
    if (finding === undefined) throw new Error(`"${one.name}": a campaign of status ${status}`);
    return finding;
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

const ROOT = resolve(__dirname, "../..");
const COPIED = "src lab scripts test package.json tsconfig.json tsconfig.build.json".split(" ");
