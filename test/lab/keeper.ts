import { type ChildProcess, spawn } from "node:child_process";
import { createInterface } from "node:readline";

/**
 * A process that holds a part of the lab for as long as this process lives: it reads a stdin that
 * only we hold the other end of, and removes its part when that ends, even by kill -9.
 */
export class Keeper {
  /** What it said when it was ready. */
  readonly greeting: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;

  private constructor(child: ChildProcess, ended: Promise<void>, greeting: string) {
    this.#child = child;
    this.#ended = ended;
    this.greeting = greeting;
  }

  /**
   * Starts a keeper and waits for its line `ready ...`.
   * @throws Error with what the keeper wrote to stderr when it ends before that.
   */
  static async start(
    what: string,
    program: string,
    args: readonly string[],
    environment: NodeJS.ProcessEnv = {},
  ): Promise<Keeper> {
    const child = spawn(program, args, {
      // Its own process group: ^C at the terminal is for whoever uses the lab, not for the lab.
      detached: true,
      stdio: ["pipe", "pipe", "pipe"],
      env: { PATH: PATH, ...environment },
    });
    let stderr = "";
    child.stderr.setEncoding("utf8").on("data", (text: string) => (stderr += text));
    child.stdin.on("error", () => undefined);
    const ended = new Promise<void>((resolve) => {
      child.on("error", (cause) => {
        stderr += cause.message;
        resolve();
      });
      child.on("exit", () => resolve());
    });
    const lines = createInterface({ input: child.stdout });
    const ready = new Promise<string>((resolve) => {
      lines.on("line", (line) => {
        if (line.startsWith("ready")) resolve(line.slice("ready".length).trim());
      });
    });
    const greeting = await Promise.race([ready, ended]);
    if (greeting === undefined) {
      throw new Error(`the lab cannot make ${what}: ${stderr.trim()}`);
    }
    letGo(child);
    return new Keeper(child, ended, greeting);
  }

  /** Ends it and waits until it is gone. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.end();
    await this.#ended;
  }
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** A keeper must not keep a program alive that has finished and forgot to destroy its lab. */
function letGo(child: ChildProcess): void {
  child.unref();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    (stream as unknown as { unref(): void } | null)?.unref();
  }
}
