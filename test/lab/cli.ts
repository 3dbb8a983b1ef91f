import { mkdir, readFile, writeFile } from "node:fs/promises";
import { execFile } from "node:child_process";
import path from "node:path";
import { promisify } from "node:util";
import { PulumiCommand } from "@pulumi/pulumi/automation";

/**
 * The `pulumi` on PATH behind a script of the engine's own, for two reasons: the process of the
 * operation under way becomes known, so that a test can interrupt or kill it; and the two reports
 * that the Automation API asks for after each operation, which nobody here reads, cost no time.
 */
export class Cli {
  private constructor(
    private readonly directory: string,
    /** For the Automation API. */
    readonly command: PulumiCommand,
  ) {}

  /** @throws Error when there is no `pulumi` on PATH that this SDK works with */
  static async create(directory: string): Promise<Cli> {
    const { stdout } = await promisify(execFile)("sh", ["-c", "command -v pulumi"]).catch(() => {
      throw new Error("there is no pulumi on PATH; start the tests with npm test");
    });
    await mkdir(path.join(directory, "bin"), { recursive: true });
    await writeFile(path.join(directory, "bin/pulumi"), wrapper(stdout.trim()), { mode: 0o755 });
    return new Cli(directory, await PulumiCommand.get({ root: directory }));
  }

  /** Where the script writes the process id; for the engine's environment. */
  get environment(): Record<string, string> {
    return { LVS_DR_ENGINE_PID_FILE: path.join(this.directory, "pid") };
  }

  /** Sends a signal to the engine that runs now, and to it alone. */
  async signal(name: NodeJS.Signals): Promise<void> {
    process.kill(Number(await readFile(path.join(this.directory, "pid"), "utf8")), name);
  }

  /** Runs one command to its end, whatever its status. */
  async run(
    args: readonly string[],
    cwd: string,
    env: Record<string, string>,
  ): Promise<{ succeeded: boolean; text: string }> {
    const options = { cwd, env: { ...process.env, ...env } };
    const all = [...args, "--non-interactive"];
    return promisify(execFile)(this.command.command, all, options).then(
      ({ stdout, stderr }) => ({ succeeded: true, text: stdout + stderr }),
      (error: { stdout: string; stderr: string }) => {
        return { succeeded: false, text: error.stdout + error.stderr };
      },
    );
  }
}

function wrapper(pulumi: string): string {
  return `#!/bin/sh
case "$1 $2" in
  "stack output") echo '{}'; exit ;;
  "stack history") echo '[]'; exit ;;
esac
[ -z "$LVS_DR_ENGINE_PID_FILE" ] || echo $$ >"$LVS_DR_ENGINE_PID_FILE"
exec '${pulumi}' "$@"
`;
}
