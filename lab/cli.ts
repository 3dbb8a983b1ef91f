import { readFile } from "node:fs/promises";
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
    await install(path.join(directory, "bin"), wrapper(stdout.trim()));
    return new Cli(directory, await PulumiCommand.get({ root: directory }));
  }

  /** Where the script writes the process id; for the engine's environment. */
  get environment(): Record<string, string> {
    return { LVS_DR_ENGINE_PID_FILE: path.join(this.directory, "pid") };
  }

  /**
   * Sends a signal to the engine that runs now, and to it alone.
   * @param isMeant whether it is the right one, asked at the very last
   */
  async signal(name: NodeJS.Signals, isMeant = () => true): Promise<void> {
    const pid = Number(await readFile(path.join(this.directory, "pid"), "utf8"));
    if (isMeant()) process.kill(pid, name);
  }

  /** Runs one command to its end, whatever its status. */
  async run(
    args: readonly string[],
    cwd: string,
    env: Record<string, string>,
  ): Promise<{ succeeded: boolean; text: string }> {
    // The state of a large pool is over Node's megabyte.
    const options = { cwd, env: { ...process.env, ...env }, maxBuffer: 2 ** 26 };
    const all = [...args, "--non-interactive"];
    return promisify(execFile)(this.command.command, all, options).then(
      ({ stdout, stderr }) => ({ succeeded: true, text: stdout + stderr }),
      (error: { stdout: string; stderr: string }) => {
        return { succeeded: false, text: error.stdout + error.stderr };
      },
    );
  }
}

// By another process, and renamed: while this one has the script open for writing, so has every child
// that it is just making, and Linux executes no file that somebody may write to (ETXTBSY).
async function install(folder: string, script: string): Promise<void> {
  const steps = 'mkdir -p "$1" && printf %s "$2" >"$1/new.$$" && chmod 755 "$1/new.$$"';
  await promisify(execFile)("sh", [
    "-c",
    `${steps} && mv "$1/new.$$" "$1/pulumi"`,
    "sh",
    folder,
    script,
  ]);
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
