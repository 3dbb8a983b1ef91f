import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

/** A resource's properties, JSON. */
export type Properties = Record<string, unknown>;

/** A verb of the provider and what the engine would give it. */
export interface Job {
  readonly verb: "create" | "update" | "read" | "delete";
  readonly id: string;
  readonly olds: Properties;
  readonly news: Properties;
}

/** What the engine would learn. */
export type Answer =
  | { readonly kind: "done"; readonly id: string; readonly state: Properties | undefined }
  | { readonly kind: "failed"; readonly message: string; readonly stack: string }
  | {
      readonly kind: "unsettled";
      readonly message: string;
      readonly stack: string;
      readonly id: string;
      readonly state: Properties;
    };

/** The answer, or nothing where the process was killed before it gave one. */
export type Outcome = Answer | { readonly kind: "killed" };

/** The provider in a process of its own, replaced when it was killed. */
export class Actor {
  /** All that it wrote to stdout and stderr. */
  said = "";
  #child: ChildProcess | undefined;
  readonly #home: string;

  /** @param home its HOME: nobody's known hosts play a part */
  constructor(home: string) {
    this.#home = home;
  }

  /** Runs a job to its end, or to the process's. */
  async run(job: Job): Promise<Outcome> {
    const child = this.#ready();
    return new Promise((resolve) => {
      const gone = (): void => resolve({ kind: "killed" });
      child.once("exit", gone);
      child.once("message", (answer) => {
        child.off("exit", gone);
        resolve(answer as Outcome);
      });
      child.send(job, () => undefined);
    });
  }

  /** Starts the process now, so that the next job need not wait for it. */
  warmUp(): void {
    this.#ready();
  }

  /** Sends it a signal. */
  signal(name: "SIGSTOP" | "SIGCONT" | "SIGKILL"): void {
    this.#child?.kill(name);
    // Whatever it may have answered before it was killed, the next job is for another.
    if (name === "SIGKILL") this.#child = undefined;
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  #ready(): ChildProcess {
    this.#child ??= this.#start();
    return this.#child;
  }

  #start(): ChildProcess {
    const child = fork(join(__dirname, "client.ts"), {
      execArgv: ["--import", "tsx"],
      // stdin is a pipe: its end tells a provider that its engine is gone.
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      env: { PATH: process.env["PATH"], HOME: this.#home, SSH_AUTH_SOCK: "" },
    });
    for (const stream of [child.stdout, child.stderr]) {
      stream?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    }
    child.stdin?.on("error", () => undefined);
    child.on("error", () => undefined);
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}
