import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";

import type { Driver, Outcome, Properties, Verb } from "./driver";
import type { ClientEnd } from "./scenario";
import type { Secrets } from "./secrets";

/** A verb of the provider and what the engine would give it. */
export interface Job {
  readonly verb: Verb;
  readonly id: string;
  readonly olds: Properties;
  readonly news: Properties;
}

/** What the engine would learn; `unsettled` has a state to keep all the same. */
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

/** The provider's verbs in a process of its own, and the state that the engine would keep. */
export class ProviderDriver implements Driver {
  readonly shortest = 3;
  /** What the process wrote to stdout and stderr in the last operation, and its message. */
  said = "";
  /** The same of all operations before it. */
  #saidBefore = "";
  #child: ChildProcess | undefined;
  #id = "";
  #state: Properties | undefined;

  /** @param home its HOME: nobody's known hosts play a part */
  constructor(private readonly home: string) {
    // So that the first operation need not wait for it.
    this.#ready();
  }

  begin(): void {
    this.#id = "";
    this.#state = undefined;
  }

  async operate(verb: Verb, news: Properties): Promise<Outcome> {
    this.#saidBefore += this.said;
    this.said = "";
    // A read and a delete go by the state's own limits.
    const olds = this.#state === undefined ? {} : { ...this.#state, timeouts: news["timeouts"] };
    const answer = await this.ask({ verb, id: this.#id, olds, news });
    if (answer === undefined) return { kind: "unknown", message: "killed" };
    if (answer.kind === "done" || (answer.kind === "unsettled" && verb !== "delete")) {
      this.#id = answer.id;
      this.#state = verb === "delete" ? undefined : answer.state;
    }
    if (answer.kind === "done") return { kind: "done" };
    const { kind, message } = answer;
    this.said += message;
    // A delete has no state to be kept in: its message alone can say that nobody knows.
    const isUnknown = kind === "unsettled" || message.includes("is not known");
    return { kind: isUnknown ? "unknown" : "failed", message };
  }

  /** Runs one verb. @returns undefined where the process was killed before it answered */
  async ask(job: Job): Promise<Answer | undefined> {
    const child = this.#ready();
    return new Promise((resolve) => {
      const gone = (): void => resolve(undefined);
      child.once("exit", gone);
      child.once("message", (answer) => {
        child.off("exit", gone);
        resolve(answer as Answer);
      });
      child.send(job, () => undefined);
    });
  }

  async strike(how: ClientEnd, milliseconds: number): Promise<void> {
    const child = this.#child;
    if (how === "stopped past the deadline") {
      child?.kill("SIGSTOP");
      await new Promise((resolve) => setTimeout(resolve, milliseconds));
      child?.kill("SIGCONT");
      return;
    }
    child?.kill("SIGKILL");
    // Whatever it may have answered before it was killed, the next job is for another.
    this.#child = undefined;
  }

  async recover(): Promise<string[]> {
    return [];
  }

  async knows(): Promise<boolean> {
    return this.#state !== undefined;
  }

  async leaks(secrets: Secrets): Promise<string[]> {
    const all = this.#saidBefore + this.said;
    this.#saidBefore = this.said = "";
    return secrets.foundIn(all);
  }

  async end(): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    child.kill("SIGKILL");
    await once(child, "exit");
  }

  #ready(): ChildProcess {
    return (this.#child ??= this.#start());
  }

  #start(): ChildProcess {
    const child = fork(join(__dirname, "client.ts"), {
      execArgv: ["--import", "tsx"],
      // stdin is a pipe: its end tells a provider that its engine is gone.
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      env: { PATH: process.env["PATH"], HOME: this.home, SSH_AUTH_SOCK: "" },
    });
    for (const stream of [child.stdout, child.stderr])
      stream?.setEncoding("utf8").on("data", (text: string) => (this.said += text));
    child.stdin?.on("error", () => undefined);
    child.on("error", () => undefined);
    child.once("exit", () => {
      if (this.#child === child) this.#child = undefined;
    });
    return child;
  }
}
