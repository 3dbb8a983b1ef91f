import { type ChildProcess, spawn } from "node:child_process";
import { createInterface, type Interface } from "node:readline";

/**
 * A process that holds a part of the lab for as long as this process lives: it reads a stdin that
 * only we hold the other end of, and removes its part when that ends, even by kill -9.
 */
export class Keeper {
  /** What it said when it was ready. */
  readonly greeting: string;
  readonly #child: ChildProcess;
  readonly #ended: Promise<void>;
  readonly #lines: Interface;
  #lastAnswer: Promise<unknown> = Promise.resolve();

  private constructor(
    child: ChildProcess,
    ended: Promise<void>,
    lines: Interface,
    greeting: string,
  ) {
    this.#child = child;
    this.#ended = ended;
    this.#lines = lines;
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
    hold(child, "unref");
    return new Keeper(child, ended, lines, greeting);
  }

  /**
   * Sends a line to a keeper that serves requests; one after another.
   * @returns its answer, the rest of the line `answer ...`.
   * @throws Error when the keeper has ended.
   */
  async ask(request: string): Promise<string> {
    const answer = this.#lastAnswer.then(async () => this.#exchange(request));
    this.#lastAnswer = answer.catch(() => undefined);
    return answer;
  }

  /** Kept when it is gone. */
  get ended(): Promise<void> {
    this.#child.ref();
    return this.#ended;
  }

  /** Ends it and waits until it is gone. */
  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin?.end();
    await this.#ended;
  }

  async #exchange(request: string): Promise<string> {
    let listener: (line: string) => void = () => undefined;
    const answered = new Promise<string>((resolve) => {
      listener = (line) => {
        if (line.startsWith("answer ")) resolve(line.slice("answer ".length));
      };
      this.#lines.on("line", listener);
    });
    hold(this.#child, "ref");
    try {
      this.#child.stdin?.write(`${request}\n`);
      const answer = await Promise.race([answered, this.#ended]);
      if (answer === undefined) throw new Error(`a part of the lab has ended, asked: ${request}`);
      return answer;
    } finally {
      this.#lines.off("line", listener);
      hold(this.#child, "unref");
    }
  }
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/**
 * A keeper must not keep a program alive that has finished and forgot to destroy its lab; while it
 * is asked something it must.
 */
function hold(child: ChildProcess, how: "ref" | "unref"): void {
  child[how]();
  for (const stream of [child.stdin, child.stdout, child.stderr]) {
    (stream as unknown as Record<"ref" | "unref", () => void> | null)?.[how]();
  }
}
