import { allowed as allowedIn, type Allowed } from "./allowed";
import type { Outcome, Verb } from "./driver";
import { isSame, judge, summaryOf, type Ending, type Violation } from "./judge";
import type { Lane } from "./lane";
import { arm, quiescence, CONTINUE_STOPPED, REPAIR_REGISTRY } from "./meddler";
import { isLoud, shortfall } from "./oracle";
import { isSlow, nameOf, type Scenario, type Serving } from "./scenario";
import type { Secrets } from "./secrets";
import { differences, look, type Snapshot } from "./snapshot";
import { leaveJournal, mayLeak, meddlingOf, reset, setUp } from "./stage-host";
import type { Traffic } from "./traffic";

/** What a run showed. */
export interface Verdict {
  readonly number: number;
  readonly fault: string;
  /** Whether the fault came about: the operation may have been over before. */
  readonly struck: boolean;
  readonly ending: Ending;
  readonly violations: readonly Violation[];
  readonly milliseconds: number;
  /** What happened, for whoever has to find out why. */
  readonly story: readonly string[];
}

/** What a run is made of beside its host. */
export interface RunSettings {
  readonly number: number;
  readonly scenario: Scenario;
  readonly traffic: Traffic;
  readonly secrets: Secrets;
}

/** Plays one run on a lane's host. */
export async function play(lane: Lane, settings: RunSettings): Promise<Verdict> {
  const run = new Run(lane, settings);
  await run.play();
  return run.verdict();
}

class Run {
  readonly #violations: Violation[] = [];
  readonly #story: string[] = [];
  readonly #started = Date.now();
  readonly #allowed: Allowed;
  readonly #owner: string;
  #ending: Ending = "completed";
  #struck = false;
  /** What the engine's state says is served. */
  #known: Serving;

  constructor(
    private readonly lane: Lane,
    private readonly settings: RunSettings,
  ) {
    const { number, scenario } = settings;
    this.#allowed = allowedIn(scenario);
    this.#owner = `run-${number}`;
    this.#known = scenario.served ?? scenario.desired;
  }

  verdict(): Verdict {
    return {
      number: this.settings.number,
      fault: nameOf(this.settings.scenario),
      struck: this.#struck,
      ending: this.#ending,
      violations: this.#violations,
      milliseconds: Date.now() - this.#started,
      story: this.#story,
    };
  }

  async play(): Promise<void> {
    const { lane } = this;
    const { number, scenario, secrets } = this.settings;
    this.#story.push(JSON.stringify(scenario));
    await reset(lane.agent);
    lane.driver.begin();
    // What was on the wire until here is the run's before.
    lane.beginRun(number);
    lane.excuse(this.#allowed.frames.atFirst);
    await setUp(lane.host, lane.agent, scenario.host);
    const pristine = await this.#look();
    if (scenario.served !== undefined) await this.#must("I2", "create", scenario.served);
    for (const meddling of scenario.drift) {
      if (mayLeak(meddling)) lane.excuse(this.#allowed.frames.drift);
      await lane.agent.run(meddlingOf(meddling));
    }
    const before = await this.#look();
    await leaveJournal(lane.host, lane.agent, scenario.host.journal);
    const outcome = await this.#befallen(before);
    if (scenario.verb !== "delete" || outcome.kind !== "done") await this.#goOn(before);
    if (await lane.driver.knows()) await this.#must("I3", "delete", this.#known);
    if (this.#allowed.changed === undefined) {
      const left = differences(pristine, await this.#look(), this.#allowed.either);
      if (left.length > 0) this.#blame("I4", `from first to last: ${left.join("; ")}`);
    }
    for (const leak of await lane.driver.leaks(secrets)) this.#blame("I5", leak);
  }

  /** The operation that the fault befalls: I2 and I4. */
  async #befallen(before: Snapshot): Promise<Outcome> {
    const { lane } = this;
    const { scenario, number, traffic } = this.settings;
    const { fault, verb, desired } = scenario;
    const seconds = isSlow(scenario) ? lane.driver.shortest : 8;
    const armed = await arm(
      {
        ...{ host: lane.host, agent: lane.agent, proxy: lane.proxy, driver: lane.driver },
        ...{ number, seconds, momentOf: (place) => traffic.momentOf(place, scenario) },
        onLoud: () => lane.excuse(this.#allowed.frames.meanwhile),
        onNic: (mac) => lane.macs.add(mac),
      },
      fault,
    );
    const damaged = fault.kind === "registry" ? await this.#look() : before;
    const outcome = await this.#operate(verb, desired, seconds);
    await armed.acted();
    await this.#settled(seconds);
    const after = await this.#look();
    await armed.lift();
    lane.proxy.disarm();
    for (const left of await lane.driver.recover()) this.#blame("I2", left);
    for (const line of armed.seen) this.#blame("I2", line);
    this.#struck = armed.struck;
    const allowed = this.#allowed;
    const missing = verb === "read" ? undefined : this.#missing(verb, desired, before, after, true);
    const verdict = judge({ allowed, befores: [before, damaged], after, missing, outcome });
    this.#ending = verdict.ending;
    this.#violations.push(...verdict.violations);
    this.#story.push(...verdict.forgiven.map((why) => `forgiven: ${why}`));
    await lane.agent.must(isSame(damaged, after, allowed) ? REPAIR_REGISTRY : "rm -f /run/damaged");
    return outcome;
  }

  /** One more `up` or `destroy` without a fault does the job. */
  async #goOn(before: Snapshot): Promise<void> {
    const { lane } = this;
    const { fault, drift, verb, through, desired, finish } = this.settings.scenario;
    const knows = await lane.driver.knows();
    if (!knows) return this.#must("I2", "create", desired, before);
    if (finish === "destroy") return this.#must("I2", "delete", this.#known, before);
    // What an `up` without a refresh sees no difference in, it leaves alone.
    const isUnseen = fault.kind === "somebody" || drift.length > 0 || verb === "delete";
    if (isUnseen || (through === "engine" && verb === "read"))
      await this.#undisturbed("read", desired);
    return this.#must("I2", "update", desired, before);
  }

  /** An operation without a fault does all that is asked. */
  async #must(
    promise: Violation["promise"],
    verb: "create" | "update" | "delete",
    serving: Serving,
    unsettled?: Snapshot,
  ): Promise<void> {
    const start = await this.#look();
    // A journal that was left is settled first: then the host is as before the fault.
    const isLeft = unsettled !== undefined && start.has("registry journal");
    const outcome = await this.#undisturbed(verb, serving);
    const after = await this.#look();
    const missing = this.#missing(verb, serving, isLeft ? unsettled : start, after, isLeft);
    const wrong = outcome.kind === "done" ? missing : [summaryOf(outcome)];
    if (wrong.length > 0) this.#blame(promise, `${verb} without a fault: ${wrong.join("; ")}`);
  }

  async #undisturbed(verb: Verb, serving: Serving): Promise<Outcome> {
    this.lane.proxy.disarm();
    return this.#operate(verb, serving, 60);
  }

  #missing(
    verb: "create" | "update" | "delete",
    serving: Serving,
    before: Snapshot,
    after: Snapshot,
    isMeddledWith: boolean,
  ): string[] {
    const asked = { verb, owner: this.#owner, serving: verb === "delete" ? this.#known : serving };
    return shortfall(asked, before, after, isMeddledWith ? this.#allowed.either : undefined);
  }

  /** Runs an operation, and remembers what the engine's state serves then. */
  async #operate(verb: Verb, serving: Serving, seconds: number): Promise<Outcome> {
    const { lane, settings } = this;
    const inputs = lane.inputs(this.#owner, serving, settings.scenario.login, seconds);
    const began = Date.now();
    const outcome = await lane.driver.operate(verb, inputs);
    // The answer to the commit comes before the host has tidied up.
    if (outcome.kind === "done") await quiescence(lane.agent, 20);
    const sent = lane.proxy.turns.map(({ direction, bytes }) => `${bytes} ${direction}`);
    this.#story.push(
      `${verb} (${Date.now() - began} ms: ${sent.join(", ")}): ${summaryOf(outcome)}`,
    );
    if (verb !== "read" && (await lane.driver.knows())) this.#known = serving;
    return outcome;
  }

  /** Waits until no process of ours is left on the host. */
  async #settled(seconds: number): Promise<void> {
    const { agent } = this.lane;
    let quiet = await quiescence(agent, seconds + 15);
    if (!quiet && this.#allowed.stopped !== undefined) {
      await agent.run(CONTINUE_STOPPED);
      quiet = await quiescence(agent, 5);
    }
    if (quiet) return;
    const left = await agent.run("ps -eo pid,ppid,stat,etimes,wchan:20,args | cut -c 1-150");
    this.#blame("I2", `left on the host: ${left}`);
  }

  /** Who leaks after the host was seen to be silent is judged anew. */
  async #look(): Promise<Snapshot> {
    const seen = await look(this.lane.agent);
    if (!isLoud(seen)) this.lane.endExcuses();
    return seen;
  }

  #blame(promise: Violation["promise"], what: string): void {
    this.#violations.push({ promise, what });
  }
}
