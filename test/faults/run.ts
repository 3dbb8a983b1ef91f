import type { Lane } from "./lane";
import { arm, processesOf, quiescence, REPAIR_REGISTRY, type Armed } from "./meddler";
import { afterServing, afterWithdrawing, isLoud, shortfall } from "./oracle";
import type { Job, Outcome, Properties } from "./actor";
import { nameOf, type Meddling, type Scenario, type Serving } from "./scenario";
import { differences, look, type Snapshot } from "./snapshot";
import {
  isHeld,
  isSlow,
  masksOf,
  mayKeepJournal,
  summaryOf,
  withMeddling,
  type Verdict,
  type Violation,
} from "./verdict";
import { leaveJournal, mayLeak, meddlingOf, reset, setUp } from "./stage-host";

const CONTINUE_STOPPED =
  "for pid in $(ps -eo pid=,stat= | awk '$2 ~ /^T/ { print $1 }'); do kill -CONT $pid; done";

/** Plays one run on a lane's host. */
export async function play(lane: Lane, number: number, scenario: Scenario): Promise<Verdict> {
  const run = new Run(lane, number, scenario);
  await run.play();
  return run.verdict();
}

class Run {
  readonly #violations: Violation[] = [];
  readonly #story: string[] = [];
  readonly #started = Date.now();
  #ending: Verdict["ending"] = "completed";
  #armed: Armed | undefined;
  #isArmed = false;
  #id = "";
  #state: Properties | undefined;
  /** The host before the operation with the fault. */
  #before: Snapshot | undefined;
  /** What the engine's state says is served. */
  #known: Serving;

  constructor(
    private readonly lane: Lane,
    private readonly number: number,
    private readonly scenario: Scenario,
  ) {
    this.#known = scenario.served ?? scenario.desired;
  }

  verdict(): Verdict {
    return {
      number: this.number,
      fault: nameOf(this.scenario.fault),
      struck: this.#armed?.struck ?? false,
      ending: this.#ending,
      violations: this.#violations,
      milliseconds: Date.now() - this.#started,
      story: this.#story,
    };
  }

  async play(): Promise<void> {
    const { lane, scenario } = this;
    this.#tell(JSON.stringify(scenario));
    await reset(lane.agent);
    // What was on the wire until here is the run's before.
    lane.beginRun(this.number, Date.now());
    const isLeaky = scenario.host.byHand.some(({ prefix }) => prefix.includes("."));
    if (isLeaky) lane.excuse("an address bound by hand on a loud host");
    await setUp(lane.agent, scenario.host, lane.machineId);
    const pristine = await this.#look();
    if (!isLoud(pristine)) lane.endExcuses();
    if (scenario.served !== undefined && !(await this.#prepare(scenario.served))) return;
    for (const meddling of scenario.drift) await this.#meddle(meddling);
    const settled = await this.#look();
    if (!isLoud(settled)) lane.endExcuses();
    this.#before = settled;
    await leaveJournal(lane.agent, scenario.host.journal);
    await this.#faultyOperation(settled);
    await this.#goOn();
    await this.#end(pristine);
    await this.#secrets();
  }

  /** What the host served before, put there by the package itself. */
  async #prepare(served: Serving): Promise<boolean> {
    const outcome = await this.#operate("create", served, 60);
    if (outcome.kind === "done") return true;
    this.#blame("I2", `a create without a fault: ${JSON.stringify(outcome)}`);
    return false;
  }

  async #meddle(meddling: Meddling): Promise<void> {
    if (meddling.what === "adds a NIC") return;
    if (mayLeak(meddling)) this.lane.excuse("somebody left the host loud");
    await this.lane.agent.run(meddlingOf(meddling));
  }

  async #faultyOperation(before: Snapshot): Promise<void> {
    const { lane, scenario } = this;
    const { fault, verb, desired } = scenario;
    const raw = await this.#look();
    this.#armed = await arm(
      {
        ...{ host: lane.host, agent: lane.agent, proxy: lane.proxy, actor: lane.actor },
        number: this.number,
        onLoud: () => lane.excuse("somebody made the host loud meanwhile"),
        onNic: (mac) => lane.macs.add(mac),
      },
      fault,
    );
    this.#isArmed = true;
    const damaged = fault.kind === "registry" ? await this.#look() : raw;
    const seconds = isSlow(scenario) ? 3 : 8;
    const outcome = await this.#operate(verb, desired, seconds);
    this.#isArmed = false;
    let quiet = await quiescence(lane.agent, seconds + 15);
    // Stopped before it had the lock and a watchdog, a shell waits for whoever stopped it.
    if (!quiet && fault.kind === "shell" && fault.how === "STOP") {
      await lane.agent.run(CONTINUE_STOPPED);
      quiet = await quiescence(lane.agent, 5);
    }
    if (!quiet) this.#blame("I2", `left on the host: ${await processesOf(lane.agent)}`);
    // Later frames of this operation are none: from here on whoever leaks is judged anew.
    const after = await this.#look();
    await this.#armed.lift();
    lane.proxy.disarm();
    if (this.#armed.struck === false) this.#tell("the fault came too late");
    this.#judge(outcome, [before, raw, damaged], after);
    await lane.agent.must(
      this.#isUnchanged([damaged], after) ? REPAIR_REGISTRY : "rm -f /run/damaged",
    );
  }

  /** I2, and with it I4: as before or as asked for, and what was said of it is true. */
  #judge(outcome: Outcome, befores: readonly Snapshot[], after: Snapshot): void {
    const { verb, desired, fault } = this.scenario;
    const masks = masksOf(this.scenario);
    const [first, , damaged] = befores as [Snapshot, Snapshot, Snapshot];
    // A kit is no record: damaged, it is put right by who needs it and left by others.
    const before = fault.kind === "registry" ? { ...first, boot: damaged.boot } : first;
    const asked = verb === "read" ? [] : this.#shortfall(verb, before, desired, after, masks);
    const unchanged = this.#isUnchanged(befores, after);
    if (after.registry.has("journal") && mayKeepJournal(this.scenario)) {
      this.#ending = "left to the next operation";
      return;
    }
    this.#ending = asked.length === 0 && verb !== "read" ? "completed" : "rolled back";
    if (!unchanged && asked.length > 0) {
      const changed = differences(before, after, masks);
      if (isHeld(this.scenario, before, after, masks)) this.#tell(`held: ${changed.join("; ")}`);
      else {
        const why = [`since before: ${changed.join("; ")}`, `beside asked: ${asked.join("; ")}`];
        this.#blame("I2", `${summaryOf(outcome)}; the host is between: ${why.join(" | ")}`);
      }
    }
    if (outcome.kind === "done" && asked.length > 0)
      this.#blame("I2", `said done, and it is not: ${asked.join("; ")}`);
    // A delete has no state to be kept in: its message alone can say that nobody knows.
    const unknown = outcome.kind === "failed" && outcome.message.includes("is not known");
    if (outcome.kind === "failed" && !unknown && !unchanged && asked.length === 0)
      this.#blame("I2", `said not done, and it is: ${outcome.message}`);
  }

  #isUnchanged(befores: readonly Snapshot[], after: Snapshot): boolean {
    const masks = masksOf(this.scenario);
    return befores.some((one) => differences(one, after, masks).length === 0);
  }

  #shortfall(
    verb: "create" | "update" | "delete",
    before: Snapshot,
    desired: Serving,
    after: Snapshot,
    masks: ReadonlySet<string>,
  ): string[] {
    const start = withMeddling(before, masks, after);
    const expected =
      verb === "delete"
        ? afterWithdrawing(start, this.#owner, this.#known)
        : afterServing(start, this.#owner, desired);
    return shortfall(start, expected, after, masks);
  }

  /** One more `up` or `destroy` without a fault does the job. */
  async #goOn(): Promise<void> {
    const { scenario } = this;
    const before = await this.#look();
    const destroys = this.#state !== undefined && scenario.finish === "destroy";
    const verb = destroys ? "delete" : this.#state === undefined ? "create" : "update";
    const wasDeleted = this.#state === undefined && scenario.verb === "delete";
    if (wasDeleted) return;
    const isDrifted = scenario.fault.kind === "somebody" || scenario.drift.length > 0;
    if (verb === "update" && isDrifted) await this.#operate("read", scenario.desired, 60);
    const outcome = await this.#operate(verb, scenario.desired, 60);
    const after = await this.#look();
    if (!isLoud(after)) this.lane.endExcuses();
    if (outcome.kind !== "done") {
      this.#blame("I2", `${verb} after the fault: ${summaryOf(outcome)}`);
      return;
    }
    // A journal that was left is settled first: then the host is as before the fault.
    const start = before.registry.has("journal") ? (this.#before ?? before) : before;
    const masks = before.registry.has("journal") ? masksOf(scenario) : new Set<string>();
    const missing = this.#shortfall(verb, start, scenario.desired, after, masks);
    if (missing.length > 0) this.#blame("I2", `${verb} after the fault: ${missing.join("; ")}`);
  }

  /** I3: in the end nothing of ours is left, and I4: nothing else was touched on the way. */
  async #end(pristine: Snapshot): Promise<void> {
    const { host, drift, fault } = this.scenario;
    if (this.#state !== undefined) {
      const before = await this.#look();
      const outcome = await this.#operate("delete", this.scenario.desired, 60);
      const after = await this.#look();
      if (outcome.kind !== "done") this.#blame("I3", `the last destroy: ${summaryOf(outcome)}`);
      else {
        const missing = this.#shortfall("delete", before, this.#known, after, new Set());
        if (missing.length > 0) this.#blame("I3", missing.join("; "));
      }
    }
    const touched = [...drift.map((one) => one.what), ...(fault.kind === "somebody" ? [1] : [])];
    const isOurs = host.byHand.length === 0 && host.owners.length === 0;
    if (touched.length > 0 || !isOurs || host.journal !== "none") return;
    const left = differences(pristine, await this.#look());
    if (left.length > 0) this.#blame("I4", `from first to last: ${left.join("; ")}`);
  }

  async #secrets(): Promise<void> {
    const text = this.lane.actor.said + this.#story.join("\n");
    this.lane.actor.said = "";
    for (const leak of this.lane.secretsIn(text)) this.#blame("I5", leak);
  }

  /** Runs a verb and keeps what the engine would keep. */
  async #operate(verb: Job["verb"], desired: Serving, seconds: number): Promise<Outcome> {
    const { lane } = this;
    const news = lane.inputs(this.#owner, desired, this.scenario.login, seconds);
    // A read and a delete go by the state's own limits.
    const olds = this.#state === undefined ? {} : { ...this.#state, timeouts: news["timeouts"] };
    if (!this.#isArmed) lane.proxy.disarm();
    const began = Date.now();
    const outcome = await lane.actor.run({ verb, id: this.#id, olds, news });
    // The answer to the commit comes before the host has tidied up.
    if (outcome.kind === "done") await quiescence(lane.agent, 20);
    const { up, down } = lane.proxy.passed;
    const took = `${Date.now() - began} ms, ${up} bytes up, ${down} down`;
    this.#tell(`${verb} (${took}): ${summaryOf(outcome)}`);
    if (outcome.kind === "done") {
      this.#id = outcome.id;
      this.#state = verb === "delete" ? undefined : outcome.state;
    } else if (outcome.kind === "unsettled" && verb !== "delete") {
      this.#id = outcome.id;
      this.#state = outcome.state;
    }
    if (this.#state !== undefined && verb !== "read") this.#known = desired;
    return outcome;
  }

  async #look(): Promise<Snapshot> {
    return look(this.lane.agent);
  }

  get #owner(): string {
    return `run-${this.number}`;
  }

  #tell(line: string): void {
    this.#story.push(line);
  }

  #blame(promise: Violation["promise"], what: string): void {
    this.#violations.push({ promise, what });
  }
}
