import { realpath } from "node:fs/promises";
import type { PulumiFn } from "@pulumi/pulumi/automation";

import { RealServer, type RealServerArgs } from "../../src/index";
import type { Engine } from "../../lab/engine";
import { command } from "../../lab/command";
import { processesIn } from "../../lab/processes";
import type { Lane } from "./lane";
import { quiescence } from "./meddler";
import { afterServing, afterWithdrawing, shortfall } from "./oracle";
import type { Moment } from "./proxy";
import { Random } from "./random";
import type { Verdict, Violation } from "./verdict";
import { drawServing, drawUpdate } from "./draw";
import { drawMoment } from "./draw-fault";
import type { Serving } from "./scenario";
import type { Secrets } from "./secrets";
import { differences, look } from "./snapshot";
import { reset } from "./stage-host";

/** What befalls Pulumi itself. */
const FAULTS = {
  "engine killed": 4,
  "provider killed": 2,
  "provider stopped past the deadline": 2,
  "engine interrupted twice": 1,
  "connection reset under the engine": 1,
} as const;

type EngineFault = keyof typeof FAULTS;

interface EngineScenario {
  readonly verb: "create" | "update" | "delete";
  readonly served: Serving;
  readonly desired: Serving;
  readonly fault: EngineFault;
  readonly moment: Moment;
  readonly delay: number;
  readonly finish: "up" | "destroy";
}

/** Whether the run of a number goes through the real engine, which takes seconds. */
export function isForEngine(number: number): boolean {
  return number % 50 === 7;
}

/** Plays one run with the real engine: the fault, `pulumi cancel`, `up` or `destroy`, `destroy`. */
export async function playWithEngine(
  lane: Lane,
  engine: Engine,
  secrets: Secrets,
  seed: number,
  number: number,
): Promise<Verdict> {
  const scenario = draw(new Random(seed, `engine ${number}`));
  const run = new EngineRun(lane, engine, secrets, number, scenario);
  await run.play();
  return run.verdict();
}

function draw(random: Random): EngineScenario {
  const verb = random.weighted({ create: 3, update: 1, delete: 1 });
  const served = drawServing(random);
  const desired = verb === "update" ? drawUpdate(random, served) : served;
  const carriesKit = desired.persist && (verb === "create" || !served.persist);
  return {
    verb,
    served,
    desired,
    fault: random.weighted(FAULTS),
    moment: drawMoment(random, { verb, login: "operator", carriesKit }),
    delay: random.between(0, 60),
    finish: random.pick(["up", "destroy"]),
  };
}

class EngineRun {
  readonly #violations: Violation[] = [];
  readonly #story: string[] = [];
  readonly #started = Date.now();
  #struck = false;
  #ending: Verdict["ending"] = "completed";

  constructor(
    private readonly lane: Lane,
    private readonly engine: Engine,
    private readonly secrets: Secrets,
    private readonly number: number,
    private readonly scenario: EngineScenario,
  ) {}

  verdict(): Verdict {
    return {
      number: this.number,
      fault: this.scenario.fault,
      struck: this.#struck,
      ending: this.#ending,
      violations: this.#violations,
      milliseconds: Date.now() - this.#started,
      story: this.#story,
    };
  }

  async play(): Promise<void> {
    const { lane, scenario } = this;
    this.#story.push(JSON.stringify(scenario));
    await reset(lane.agent);
    lane.beginRun(this.number, Date.now());
    if (scenario.verb !== "create") await this.#must("up", scenario.served);
    await this.#faulty();
    await this.engine.cancel().catch(() => undefined);
    // Of a create whose answer was never saved the engine knows nothing: then `up` comes first.
    const knows = (await this.engine.resources()).some(({ type }) => type.endsWith(":RealServer"));
    await this.#must(knows && scenario.finish === "destroy" ? "destroy" : "up", scenario.desired);
    await this.#must("destroy", scenario.desired);
    await this.#search();
  }

  /** The operation with the fault, and I2. */
  async #faulty(): Promise<void> {
    const { lane, scenario } = this;
    const { verb, served, desired, fault } = scenario;
    const before = await look(lane.agent);
    const acts: Promise<unknown>[] = [];
    lane.proxy.arm({
      moment: scenario.moment,
      cut: fault === "connection reset under the engine" ? "reset" : "hold",
      thenRefuse: false,
      onMoment: () => {
        this.#struck = true;
        const act = pause(scenario.delay).then(() => this.#strike());
        acts.push(act);
        return act;
      },
    });
    const outcome = await this.#run(verb === "delete" ? "destroy" : "up", desired, 4);
    await Promise.all(acts);
    if (!(await quiescence(lane.agent, 25))) this.#blame("I2", "a process of ours is left");
    lane.proxy.disarm();
    await this.#noProviderLeft();
    const after = await look(lane.agent);
    const expected =
      verb === "delete"
        ? afterWithdrawing(before, this.#owner, served)
        : afterServing(before, this.#owner, desired);
    const missing = shortfall(before, expected, after, new Set());
    const changed = differences(before, after);
    this.#ending = missing.length === 0 ? "completed" : "rolled back";
    if (missing.length > 0 && changed.length > 0)
      this.#blame("I2", `between: ${changed.join("; ")} | ${missing.join("; ")}`);
    if (outcome && missing.length > 0) this.#blame("I2", `said done: ${missing.join("; ")}`);
  }

  async #strike(): Promise<void> {
    const { engine } = this;
    switch (this.scenario.fault) {
      case "engine killed":
        await engine.signal("SIGKILL").catch(() => undefined);
        return;
      case "provider killed":
        for (const pid of await this.#providers()) kill(pid, "SIGKILL");
        return;
      case "provider stopped past the deadline": {
        const pids = await this.#providers();
        for (const pid of pids) kill(pid, "SIGSTOP");
        await pause(3600);
        for (const pid of pids) kill(pid, "SIGCONT");
        return;
      }
      case "engine interrupted twice":
        await engine.signal("SIGINT").catch(() => undefined);
        await pause(500);
        await engine.signal("SIGINT").catch(() => undefined);
        return;
      case "connection reset under the engine":
        return;
    }
  }

  async #providers(): Promise<number[]> {
    const all = await processesIn(await realpath(this.engine.directory));
    return all
      .filter(({ commandLine }) => commandLine.join(" ").includes("dynamic-provider"))
      .map(({ pid }) => pid);
  }

  async #noProviderLeft(): Promise<void> {
    const end = Date.now() + 20_000;
    while ((await this.#providers()).length > 0) {
      if (Date.now() > end) {
        this.#blame("I2", "a provider is left running");
        return;
      }
      await pause(50);
    }
  }

  /** An operation without a fault, which must do all that was asked. */
  async #must(what: "up" | "destroy", desired: Serving): Promise<void> {
    const before = await look(this.lane.agent);
    const done = await this.#run(what, desired, 60);
    if (!done) this.#blame("I2", `${what} without a fault failed: ${this.#story.at(-1)}`);
    await quiescence(this.lane.agent, 20);
    const after = await look(this.lane.agent);
    const expected =
      what === "destroy"
        ? afterWithdrawing(before, this.#owner, desired)
        : afterServing(before, this.#owner, desired);
    const missing = shortfall(before, expected, after, new Set());
    if (missing.length > 0)
      this.#blame(what === "destroy" ? "I3" : "I2", `${what}: ${missing.join("; ")}`);
  }

  async #run(what: "up" | "destroy", desired: Serving, seconds: number): Promise<boolean> {
    const inputs = this.lane.inputs(this.#owner, desired, "operator", seconds);
    const program: PulumiFn = () =>
      Promise.resolve(void new RealServer("web", inputs as unknown as RealServerArgs));
    // A destroy may have withdrawn all though the engine was not told; without a look at the host, an
    // `up` afterwards sees no difference between program and state.
    const refresh = this.scenario.verb === "delete";
    const up = () => this.engine.up(program, { refresh });
    const outcome = await (what === "up" ? up() : this.engine.destroy());
    this.#story.push(`${what}: ${outcome.succeeded ? "done" : outcome.text.slice(-1500)}`);
    const said = outcome.text + JSON.stringify(outcome.said);
    for (const leak of this.secrets.foundIn(said)) this.#blame("I5", `${leak} in the output`);
    return outcome.succeeded;
  }

  /** I5: the state, its history, the engine's logs. */
  async #search(): Promise<void> {
    // By stdin: as arguments they would be in the process list, where the sampler finds them.
    const options = { allowFailure: true, input: `${this.secrets.patterns}\n` };
    const { directory } = this.engine;
    const found = await command("grep", ["-r", "-s", "-l", "-F", "-f", "-", directory], options);
    if (found.stdout !== "") this.#blame("I5", `in ${found.stdout.trim()}`);
  }

  get #owner(): string {
    return `run-${this.number}`;
  }

  #blame(promise: Violation["promise"], what: string): void {
    this.#violations.push({ promise, what });
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch {
    // Gone by itself.
  }
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
