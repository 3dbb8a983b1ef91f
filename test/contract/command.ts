import { spawn } from "node:child_process";
import { resolve } from "node:path";

/** The command as it is typed at a shell, without its words. */
export const COMMAND: readonly string[] = [
  ...[process.execPath, "--import", "tsx"],
  resolve(__dirname, "../../src/cli/cli.ts"),
];

/** What became of a command. */
export interface Run {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Where a command is typed. */
export interface Surroundings {
  /** Of whoever types it. */
  readonly home: string;
  /** Default: nothing but HOME and PATH. */
  readonly env?: Readonly<Record<string, string>>;
  /** What is on its standard input. Default: nothing. */
  readonly stdin?: string;
  /** Interrupted, once, when this is on stderr. */
  readonly interruptedAt?: string;
}

/** Types the command, and waits for its end. */
export async function typeCommand(words: readonly string[], around: Surroundings): Promise<Run> {
  const [program = "", ...before] = COMMAND;
  const env = { HOME: around.home, PATH: process.env["PATH"], ...around.env };
  const child = spawn(program, [...before, ...words], { env, stdio: ["pipe", "pipe", "pipe"] });
  child.stdin.end(around.stdin ?? "");
  let [stdout, stderr] = ["", ""];
  child.stdout.on("data", (chunk: Buffer) => (stdout += chunk.toString()));
  child.stderr.on("data", (chunk: Buffer) => {
    const earlier = stderr;
    stderr += chunk.toString();
    const { interruptedAt = "\0" } = around;
    if (!earlier.includes(interruptedAt) && stderr.includes(interruptedAt)) child.kill("SIGINT");
  });
  const status = await new Promise<number | null>((done) => child.on("close", done));
  return { status, stdout, stderr };
}
