import { spawn } from "node:child_process";

/** What a finished command left. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  /** The exit status; 128 and more where a signal ended it. */
  readonly status: number;
}

/** How to run a command of the lab. */
export interface CommandOptions {
  /** Return a status other than 0 instead of raising it. */
  readonly allowFailure?: boolean;
  /** What the command reads; nothing by default. */
  readonly input?: string;
}

/**
 * Runs a program to its end.
 * @throws Error when it cannot be started, or ends with another status than 0; the message has the
 *   command and what it wrote to stderr.
 */
export async function command(
  program: string,
  args: readonly string[],
  options: CommandOptions = {},
): Promise<Finished> {
  const finished = await new Promise<Finished>((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (stdout += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.on("error", (cause) =>
      reject(new Error(`the lab needs ${program}: ${cause.message}`, { cause })),
    );
    child.on("close", (code, signal) =>
      resolve({ stdout, stderr, status: code ?? (signal === "SIGKILL" ? 137 : 143) }),
    );
    // A command that ends without reading its input is no error of the lab's.
    child.stdin.on("error", () => undefined);
    child.stdin.end(options.input ?? "");
  });
  if (finished.status !== 0 && options.allowFailure !== true) {
    throw new Error(
      `${program} ${args.join(" ")}: status ${finished.status}: ${finished.stderr.trim()}`,
    );
  }
  return finished;
}
