import { realpath } from "node:fs/promises";
import type { PulumiFn } from "@pulumi/pulumi/automation";

import { RealServer, type RealServerArgs } from "../../src/index";
import { command } from "../../lab/command";
import type { Engine } from "../../lab/engine";
import { endProcessesIn, processesIn, signalProcess } from "../../lab/processes";
import type { Driver, Outcome, Properties, Verb } from "./driver";
import type { ClientEnd } from "./scenario";
import type { Secrets } from "./secrets";

/** The real `pulumi`, with the provider under it. */
export class EngineDriver implements Driver {
  // Its provider needs longer to log in by sudo than one that is there already.
  readonly shortest = 4;
  said = "";
  #text = "";
  #isRunning = false;

  constructor(private readonly engine: Engine) {}

  begin(): void {
    this.#text = "";
  }

  async operate(verb: Verb, inputs: Properties): Promise<Outcome> {
    const { engine } = this;
    const program: PulumiFn = () =>
      Promise.resolve(void new RealServer("web", inputs as unknown as RealServerArgs));
    const run = {
      create: () => engine.up(program),
      update: () => engine.up(program),
      read: () => engine.refresh(),
      delete: () => engine.destroy(),
    }[verb];
    this.#isRunning = true;
    const { succeeded, text, said } = await run().finally(() => (this.#isRunning = false));
    this.said = text;
    this.#text += text + JSON.stringify(said);
    // The engine may have been struck: what it says then is no word of the provider's.
    return succeeded ? { kind: "done" } : { kind: "unknown", message: text.slice(-1500) };
  }

  async strike(how: ClientEnd, milliseconds: number): Promise<void> {
    switch (how) {
      case "killed":
        for (const pid of await this.#providers()) signalProcess(pid, "SIGKILL");
        return;
      case "stopped past the deadline": {
        const pids = await this.#providers();
        for (const pid of pids) signalProcess(pid, "SIGSTOP");
        await pause(milliseconds);
        for (const pid of pids) signalProcess(pid, "SIGCONT");
        return;
      }
      // Drawn for the provider by itself alone.
      case "ssh killed":
      case "ssh stopped":
        return;
      case "engine killed":
        return this.#signal("SIGKILL");
      case "engine interrupted twice":
        await this.#signal("SIGINT");
        await pause(500);
        return this.#signal("SIGINT");
    }
  }

  /** Waits for the providers' end, and tells the backend that no engine runs any more. */
  async recover(): Promise<string[]> {
    const end = Date.now() + 20_000;
    while ((await this.#providers()).length > 0 && Date.now() < end) await pause(50);
    const left = (await this.#providers()).map((pid) => `the provider ${pid} is left running`);
    await this.engine.cancel().catch(() => undefined);
    return left;
  }

  async declared(): Promise<Properties | undefined> {
    const all = await this.#resources();
    return all.find(({ type }) => type.endsWith(":RealServer"))?.outputs;
  }

  /** An engine that outlives its client for a moment may be writing the state just now. */
  async #resources(): ReturnType<Engine["resources"]> {
    const end = Date.now() + 5_000;
    for (;;) {
      try {
        return await this.engine.resources();
      } catch (error) {
        if (!String(error).includes("failed to load checkpoint") || Date.now() > end) throw error;
        await pause(100);
      }
    }
  }

  /** The output; the state, its history, the engine's logs. */
  async leaks(secrets: Secrets): Promise<string[]> {
    // By stdin: as arguments they would be in the process list, where the sampler finds them.
    const options = { allowFailure: true, input: `${secrets.patterns}\n` };
    const { directory } = this.engine;
    const found = await command("grep", ["-r", "-s", "-l", "-F", "-f", "-", directory], options);
    const files = found.stdout.split("\n").filter((file) => file !== "");
    return [...secrets.foundIn(this.#text), ...files];
  }

  async end(): Promise<void> {
    await endProcessesIn(this.engine.directory);
    await this.engine.remove();
  }

  /** To an engine that is over already none: by now that may be one which is asked for the state. */
  async #signal(name: NodeJS.Signals): Promise<void> {
    await this.engine.signal(name, () => this.#isRunning).catch(() => undefined);
  }

  async #providers(): Promise<number[]> {
    const all = await processesIn(await realpath(this.engine.directory));
    return all
      .filter(({ commandLine }) => commandLine.join(" ").includes("dynamic-provider"))
      .map(({ pid }) => pid);
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
