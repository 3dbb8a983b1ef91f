// npm test: everything that must hold, and one line of numbers at the end.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const temporary = mkdtempSync(join(tmpdir(), "pulumi-lvs-dr-check-"));

async function main(): Promise<void> {
  try {
    const outcome = [...(await checks()), tests()].reduce(sum);
    console.log(`${outcome.passed} passed, ${outcome.failed} failed`);
    process.exitCode = outcome.failed === 0 ? 0 : 1;
  } finally {
    rmSync(temporary, { recursive: true, force: true });
  }
}

interface Outcome {
  readonly passed: number;
  readonly failed: number;
}

/** Lint takes as long as all the others, and each takes one core. */
async function checks(): Promise<Outcome[]> {
  const lint = check("lint", "eslint", ".");
  const others = [
    await check("formatting", "prettier", "--check", "--log-level", "warn", "."),
    await check("types", "tsc", "--noEmit"),
    await check(
      "rooms",
      "depcruise",
      "src",
      "lab",
      "demo",
      "test",
      "bench",
      "--output-type",
      "err",
    ),
    await check("shellcheck", "shellcheck", ...shellScripts()),
    await check("build", "npm", "run", "--silent", "build"),
    await check(
      "packing",
      "npm",
      "pack",
      "--silent",
      "--ignore-scripts",
      "--pack-destination",
      temporary,
    ),
    ...(await packageChecks()),
  ];
  return [await lint, ...others];
}

/** What npm would publish, judged as a file. Programs of Node 10's resolution import "." alone. */
async function packageChecks(): Promise<Outcome[]> {
  const tarball = readdirSync(temporary).find((name) => name.endsWith(".tgz"));
  if (tarball === undefined) return [];
  const file = join(temporary, tarball);
  return [
    await check("publint", "publint", "run", "--strict", file),
    await check("types as programs see them", "attw", "--profile", "node16", file),
  ];
}

function tests(): Outcome {
  const report = join(temporary, "tests.json");
  const reporters = ["--reporter=default", "--reporter=json", `--outputFile.json=${report}`];
  const succeeded = run("vitest", ["run", ...reporters]);
  if (!existsSync(report)) return { passed: 0, failed: 1 };
  const counts = JSON.parse(readFileSync(report, "utf8")) as Record<string, number>;
  // What was skipped has not been seen to work.
  const { numPassedTests: passed = 0, numTotalTests: total = 0 } = counts;
  // A file that cannot be loaded fails without any test of its own.
  return { passed, failed: Math.max(total - passed, succeeded ? 0 : 1) };
}

/** What it prints comes in one piece when it is over, because another may run beside it. */
function check(name: string, program: string, ...args: string[]): Promise<Outcome> {
  const started = Date.now();
  return new Promise((resolve) => {
    execFile(program, args, { maxBuffer: Infinity }, (error, stdout, stderr) => {
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      if (error !== null && typeof error.code === "string") console.error(error.message);
      const succeeded = error === null;
      console.log(`${succeeded ? "ok" : "FAILED"}: ${name} (${Date.now() - started} ms)`);
      resolve(succeeded ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 });
    }).stdin?.end();
  });
}

function run(program: string, args: readonly string[]): boolean {
  const { status, error } = spawnSync(program, args, { stdio: ["ignore", "inherit", "inherit"] });
  if (error !== undefined) console.error(`${program}: ${error.message}`);
  return status === 0;
}

/** All that git knows of, and what is new. */
function shellScripts(): string[] {
  const files = ["ls-files", "--cached", "--others", "--exclude-standard", "*.sh"];
  return execFileSync("git", files, { encoding: "utf8" }).trim().split("\n");
}

function sum(left: Outcome, right: Outcome): Outcome {
  return { passed: left.passed + right.passed, failed: left.failed + right.failed };
}

main().catch((error: unknown) => {
  console.error(error);
  process.exitCode = 1;
});
