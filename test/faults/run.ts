import { isDeepStrictEqual } from "node:util";

import { allowed as allowedIn, bringsNic, type Allowed } from "./allowed";
import { REPAIR_REGISTRY } from "./breakage";
import type { Outcome, Properties, Verb } from "./driver";
import { wordsOf, wrongIn } from "./expected";
import { isSame, judge, summaryOf, type Ending, type Violation } from "./judge";
import type { Lane } from "./lane";
import { arm } from "./meddler";
import { isLoud, routesHolding, shortfall } from "./oracle";
import { CONTINUE_STOPPED, pause, quiescence } from "./processes";
import { isBySsh, isSlow, nameOf, type Place, type Scenario, type Serving } from "./scenario";
import type { Secrets } from "./secrets";
import { differences, look, type Snapshot } from "./snapshot";
import { leaveJournal, reset, setUp } from "./stage-host";
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
      if (meddling.mayLeak) lane.excuse(this.#allowed.frames.drift);
      await lane.agent.run(meddling.lines);
    }
    const before = await this.#look();
    await leaveJournal(lane.host, lane.agent, scenario.host.journal);
    const outcome = await this.#befallen(before);
    if (scenario.verb !== "delete" || outcome.kind !== "done") await this.#goOn(before);
    if ((await lane.driver.declared()) !== undefined) await this.#must("I3", "delete", this.#known);
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
    const scene = {
      ...{ lane, login: scenario.login, number, seconds },
      momentOf: (place: Place) => traffic.momentOf(place, scenario),
      onLoud: () => lane.excuse(this.#allowed.frames.meanwhile),
    };
    const armed = await arm(scene, fault);
    const damaged = fault.kind === "registry" ? await this.#look() : before;
    const outcome = await this.#operate(verb, desired, seconds, damaged);
    await armed.acted();
    await this.#settled(seconds);
    const after = await this.#look();
    await armed.lift();
    lane.proxy.disarm();
    for (const left of await lane.driver.recover()) this.#blame("I2", left);
    const bySsh = isBySsh(this.settings.scenario);
    const isHeld = verb !== "read" && routesHolding(this.#asked(verb, desired), before).length > 0;
    const wrong = wrongIn(outcome, { fault, verb, isHeld, bySsh });
    for (const line of [...armed.seen, ...wrong]) this.#blame("I2", line);
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
    const knows = (await lane.driver.declared()) !== undefined;
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
    const start = await this.#freed(verb, serving);
    // A journal that was left is settled first: then the host is as before the fault.
    const isLeft = unsettled !== undefined && start.has("registry journal");
    if (isLeft) this.#excuseAsAtFirst();
    const outcome = await this.#undisturbed(verb, serving, start);
    const after = await this.#look();
    const missing = this.#missing(verb, serving, isLeft ? unsettled : start, after, isLeft);
    const wrong = outcome.kind === "done" ? missing : [summaryOf(outcome)];
    if (wrong.length > 0) this.#blame(promise, `${verb} without a fault: ${wrong.join("; ")}`);
  }

  /** What a dead operation tightened is undone: the host is as loud again as it was without it. */
  #excuseAsAtFirst(): void {
    const { atFirst, drift } = this.#allowed.frames;
    this.lane.excuse(atFirst);
    this.lane.excuse(drift);
  }

  /** A VIP that a route depends on stays, until what the refusal says is done. @returns the host then */
  async #freed(verb: "create" | "update" | "delete", serving: Serving): Promise<Snapshot> {
    const start = await this.#look();
    const holding = (now: Snapshot) => routesHolding(this.#asked(verb, serving), now);
    if (holding(start).length === 0) return start;
    const outcome = await this.#undisturbed(verb, serving, start);
    // The refusal comes before the host has tidied up.
    await quiescence(this.lane.agent, 20);
    const refused = await this.#look();
    const said = outcome.kind === "done" ? "" : outcome.message;
    const commands = [...said.matchAll(/run "([^"]*)" yourself/g)].map(([, line = ""]) => line);
    for (const line of commands) await this.lane.host.run(line, { allowFailure: true });
    const freed = await this.#look();
    const wrong = [...differences(start, refused), ...holding(freed)];
    if (wrong.length > 0 && !start.has("registry journal"))
      this.#blame("I4", `${verb}, with a route that it must not take along: ${wrong.join("; ")}`);
    return freed;
  }

  async #undisturbed(verb: Verb, serving: Serving, before?: Snapshot): Promise<Outcome> {
    this.lane.proxy.disarm();
    return this.#operate(verb, serving, 60, before);
  }

  #asked<V extends Verb>(verb: V, serving: Serving) {
    // A read, too, goes by what the state has.
    const isOfState = verb === "delete" || verb === "read";
    return { verb, owner: this.#owner, serving: isOfState ? this.#known : serving };
  }

  #missing(
    verb: "create" | "update" | "delete",
    serving: Serving,
    before: Snapshot,
    after: Snapshot,
    isMeddledWith: boolean,
  ): string[] {
    return shortfall(
      this.#asked(verb, serving),
      before,
      after,
      isMeddledWith ? this.#allowed.either : undefined,
    );
  }

  /** Runs an operation, and remembers what the engine's state serves then. */
  async #operate(
    verb: Verb,
    serving: Serving,
    seconds: number,
    before: Snapshot = new Map(),
  ): Promise<Outcome> {
    const { lane } = this;
    const { scenario } = this.settings;
    const inputs = lane.inputs(this.#owner, serving, scenario, seconds);
    // An update that changes nothing does not look at the host.
    const isIdle = verb === "update" && isDeepStrictEqual(sorted(serving), sorted(this.#known));
    const words = isIdle ? [] : wordsOf(this.#asked(verb, serving), scenario.host, before);
    const began = Date.now();
    const outcome = await lane.driver.operate(verb, inputs);
    // The answer to the commit comes before the host has tidied up.
    if (outcome.kind === "done") await quiescence(lane.agent, 20);
    const sent = lane.proxy.turns.map(({ direction, bytes }) => `${bytes} ${direction}`);
    this.#story.push(
      `${verb} (${Date.now() - began} ms: ${sent.join(", ")}): ${summaryOf(outcome)}`,
    );
    if (outcome.kind === "done") await this.#hear(words);
    const declared = await lane.driver.declared();
    if (declared !== undefined) this.#known = servingIn(declared);
    return outcome;
  }

  /** Warnings come by another way than the answer. */
  async #hear(words: readonly string[]): Promise<void> {
    const { driver } = this.lane;
    const missing = () => words.filter((text) => !driver.said.includes(text));
    for (let left = 50; left > 0 && missing().length > 0; left -= 1) await pause(20);
    if (missing().length === 0 || driver.said.includes("what was known is kept")) return;
    this.#blame("I2", `not a word of: ${missing().join("; ")}`);
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
    if (!isLoud(seen, bringsNic(this.settings.scenario))) this.lane.endExcuses();
    return seen;
  }

  #blame(promise: Violation["promise"], what: string): void {
    this.#violations.push({ promise, what });
  }
}

/** What a state declares. */
function servingIn({ vips, arp = {}, persist = true }: Properties): Serving {
  const { ignore = 1, interfaces = "all" } = arp as Partial<Serving>;
  return { vips: vips as string[], ignore, interfaces, persist: persist as boolean };
}

/** Their order is no difference. */
function sorted({ vips, ...rest }: Serving): Serving {
  return { ...rest, vips: [...vips].sort() };
}
