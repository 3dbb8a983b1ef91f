import { existsSync } from "node:fs";
import { mkdtemp, readdir, rm } from "node:fs/promises";
import { networkInterfaces, tmpdir } from "node:os";
import { basename, join } from "node:path";

import build from "./build";
import { Engine } from "./engine";
import { Lab } from "./lab";
import { endProcessesIn, processesIn, signalProcess } from "./processes";

/** What demo and benchmark play on: a lab or more, the real engine, and a folder for all files of both. */
export class Stage {
  readonly #labs: Lab[] = [];
  #engine: Engine | undefined;
  readonly #folder: string;

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Makes an empty stage, and removes those of runs that were killed. */
  static async set(): Promise<Stage> {
    await removeStale();
    const stage = new Stage(await mkdtemp(join(tmpdir(), `lvs-dr-stage-${process.pid}-`)));
    // Whatever is interrupted half made lies in our folder and goes with it.
    process.env["TMPDIR"] = stage.#folder;
    return stage;
  }

  /** A lab's wire, without hosts at first. The hosts of all take the same keys: one lab has room for some 230. */
  async lab(number = 0): Promise<Lab> {
    for (let next = this.#labs.length; next <= number; next += 1)
      this.#labs.push(await Lab.create(this.#labs[0]));
    return this.#labs[number]!;
  }

  /** The real engine on an empty stack, and the package as a program finds it, in dist/. */
  async engine(): Promise<Engine> {
    if (this.#engine === undefined) {
      build();
      this.#engine = await Engine.create();
    }
    return this.#engine;
  }

  /** Waits for a story that uses the stage; when the signal comes, the engine is asked to end. */
  async endEngineOn<T>(signal: AbortSignal, story: Promise<T>): Promise<T> {
    const patience: NodeJS.Timeout[] = [];
    signal.addEventListener("abort", () => {
      const ask = (): void => void this.#interruptEngine();
      ask();
      // It lets running operations finish; asked twice it does not.
      patience.push(setTimeout(ask, 2000));
      patience.push(setTimeout(() => void endProcessesIn(this.#folder), 8000));
    });
    try {
      return await story;
    } finally {
      patience.forEach(clearTimeout);
    }
  }

  async #interruptEngine(): Promise<void> {
    for (const { pid, commandLine } of await processesIn(this.#folder)) {
      // The provider beside it is the engine's to end.
      if (basename(commandLine[0] ?? "") === "pulumi") signalProcess(pid, "SIGINT");
    }
  }

  /** Removes it all. */
  async strike(): Promise<void> {
    await endProcessesIn(this.#folder);
    for (const lab of this.#labs) await lab.destroy();
    await rm(this.#folder, { recursive: true, force: true });
  }

  /** What a struck stage left on this machine; nothing, that is. */
  async remains(): Promise<string[]> {
    return [
      ...this.#labs.flatMap(({ wire, root }) => [
        ...(existsSync(`/run/netns/${wire}`) ? [`the namespace ${wire}`] : []),
        ...(root.device in networkInterfaces() ? [`the interface ${root.device}`] : []),
      ]),
      ...(existsSync(this.#folder) ? [this.#folder] : []),
      ...(await processesIn(this.#folder)).map(({ pid }) => `process ${pid}`),
    ];
  }
}

/** The name has the process id of the run that made it; one that is gone cleans up no more. */
async function removeStale(): Promise<void> {
  for (const name of await readdir(tmpdir())) {
    const pid = /^lvs-dr-stage-(\d+)-/.exec(name)?.[1];
    if (pid === undefined || existsSync(`/proc/${pid}`)) continue;
    await endProcessesIn(join(tmpdir(), name));
    await rm(join(tmpdir(), name), { recursive: true, force: true });
  }
}
