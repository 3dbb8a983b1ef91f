import { fork, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

import { processesWith, signalProcess } from "../../lab/processes";

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
  /** Of all its processes: the files of their ssh are named by them. */
  readonly #pids = new Set<number>();

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
    if (how === "ssh killed" || how === "ssh stopped") {
      const name = how === "ssh killed" ? "SIGKILL" : "SIGSTOP";
      for (const pid of await this.#sshProcesses()) signalProcess(pid, name);
      return;
    }
    if (how === "stopped past the deadline") {
      child?.kill("SIGSTOP");
      await pause(milliseconds);
      child?.kill("SIGCONT");
      return;
    }
    child?.kill("SIGKILL");
    // Whatever it may have answered before it was killed, the next job is for another.
    this.#child = undefined;
  }

  /** No ssh outlives its operation, one whose process was killed not for long, and no file does. */
  async recover(): Promise<string[]> {
    const end = Date.now() + 20_000;
    for (;;) {
      const left = await this.#left();
      if (left.length === 0 || Date.now() > end) return left;
      await pause(20);
    }
  }

  async declared(): Promise<Properties | undefined> {
    return Promise.resolve(this.#state);
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

  async #left(): Promise<string[]> {
    const masters = await processesWith(([title = ""]) => /^ssh: .*lvs-dr-lane-/.test(title));
    const ids = [...(await this.#sshProcesses()), ...masters.map(({ pid }) => pid)];
    const files = await readdir(this.home);
    return [
      ...ids.map((pid) => `the ssh ${pid} is left running`),
      ...files.filter((name) => name.startsWith("pulumi-lvs-dr-")).map((name) => `${name} is left`),
    ];
  }

  async #sshProcesses(): Promise<number[]> {
    const all = await processesWith(([program]) => program === "ssh");
    const isOurs = (word: string): boolean =>
      [...this.#pids].some((pid) => word.startsWith(`/proc/${pid}/fd/`));
    return all.filter(({ commandLine }) => commandLine.some(isOurs)).map(({ pid }) => pid);
  }

  #ready(): ChildProcess {
    return (this.#child ??= this.#start());
  }

  #start(): ChildProcess {
    const child = fork(join(__dirname, "client.ts"), {
      execArgv: ["--import", "tsx"],
      // stdin is a pipe: its end tells a provider that its engine is gone.
      stdio: ["pipe", "pipe", "pipe", "ipc"],
      env: { PATH: process.env["PATH"], HOME: this.home, TMPDIR: this.home, SSH_AUTH_SOCK: "" },
    });
    if (child.pid !== undefined) this.#pids.add(child.pid);
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

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
