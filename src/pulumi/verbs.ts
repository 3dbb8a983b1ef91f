import type { dynamic } from "@pulumi/pulumi";
import { RealServerError, type HostKeys } from "../domain/errors";
import type { Operation } from "../operation/session";
import type { RecordState } from "../plan/claim";
import { reach } from "../operation/converge";
import { accessBy } from "../transport/access";
import type { Connection } from "../transport/connection";
import { inputTerms } from "../transport/terms";
import { isAnotherMachine, workBetween } from "./changes";
import { cleaned, UnsettledError } from "./clean-error";
import type { PolicySettings, Properties, ResourceKind } from "./kind";
import type { Row } from "./row";
import type { Run } from "./run";
import {
  newIncarnation,
  readState,
  reportedState,
  restatedState,
  unsettledState,
  type State,
  type StateReport,
} from "./state";

/** What a verb that connects is given. */
export interface Context {
  /** Where its words go. */
  readonly row: Row;
  /** Aborts when the engine ends the provider. */
  readonly signal: AbortSignal;
  /** What the process knows of this run. */
  readonly run: Run;
  /**
   * Whether whoever runs `pulumi` says that a host is gone for good: the only way for one that is no
   * longer in the program, where no input can say so.
   */
  isGivenUp(host: string): boolean;
}

/** What one operation is about. */
export interface Subject<Settings> {
  readonly operation: Operation;
  readonly settings: Settings;
  /** The resource's incarnation, which is its id. */
  readonly id: string;
  readonly run: Run;
  /** Undefined for a create. */
  readonly state?: State<Settings>;
}

/** What operations on one kind of host are, for the verbs. */
export interface HostVerbs<Settings, Report> {
  readonly connectionIn: (settings: Settings) => Connection;
  /** The name of the declaration in the host's registry. */
  readonly ownerIn: (settings: Settings) => string;
  converge(subject: Subject<Settings>): Promise<Report>;
  /** Reads the host and changes nothing. */
  inspect(subject: Subject<Settings>): Promise<Report>;
  /** `superseded`: a later create has taken over. `notes`: what stays on the host, and why. */
  withdraw(subject: Subject<Settings>): Promise<{ readonly notes: readonly string[] }>;
  /** The outputs of the kind's own. */
  outputs(report: Report): Properties;
  /** The inputs after a read that found drift: what does not hold is marked. */
  marked(inputs: Properties, settings: Settings, report: Report): Properties;
  /** Called when an operation that changes the host has ended. */
  ended?(subject: Subject<Settings>, isDone: boolean): void;
  /** Called when the host was read. */
  wasRead?(subject: Subject<Settings>, report: Report): void;
}

/**
 * What Pulumi asks of a resource that takes a connection to its host. Properties are plain JSON,
 * secrets in clear; a resource's id is its incarnation. Errors are this package's own here: the entry
 * makes them fit for Pulumi.
 */
export class Verbs<
  Settings extends PolicySettings,
  Report extends StateReport & { readonly record: RecordState },
> {
  constructor(
    private readonly kind: ResourceKind<Settings>,
    private readonly host: HostVerbs<Settings, Report>,
  ) {}

  /** Converges the host for the first time, adopting what is there already. */
  async create(context: Context, inputs: Properties): Promise<dynamic.CreateResult> {
    const settings = this.kind.parse(inputs);
    const id = newIncarnation(context.run.replaced);
    const report = await this.converge(context, this.subject(context, settings, id, {}), inputs);
    const outs = this.reported(inputs, report, {});
    const machine = this.identity(settings, report);
    if (machine !== undefined) context.run.creates.set(machine, id);
    return { id, outs };
  }

  /** Does no more than the change needs; see {@link workBetween}. */
  async update(
    context: Context,
    id: string,
    olds: Properties,
    news: Properties,
  ): Promise<dynamic.UpdateResult> {
    const state = readState(this.kind, olds);
    const settings = this.kind.parse(news);
    const pins = this.pinsFor(state, settings);
    const subject = this.subject(context, settings, id, pins, state);
    const restated = (keys: HostKeys) => ({ outs: restatedState(this.kind, news, olds, keys) });
    const work = state.converged ? workBetween(this.kind, state.settings, settings) : "converge";
    if (work === "nothing") return restated(pins);
    if (work === "reach") {
      const { keys, machineId } = await reach(subject.operation);
      if (!isAnotherMachine(machineId, olds)) return restated(keys);
      context.row.warn(
        `another machine answers there (machine-id ${machineId}): it converges, too`,
      );
    }
    return { outs: this.reported(news, await this.converge(context, subject, news), olds) };
  }

  /**
   * Reads the host and changes nothing. What is missing is marked in `inputs`, so that `up` shows and
   * repairs it; the outputs keep what is declared, because delete needs it.
   */
  async read(context: Context, id: string, outputs: Properties): Promise<dynamic.ReadResult> {
    const state = readState(this.kind, outputs);
    const { settings, inputs, pins } = state;
    const { host } = this.host.connectionIn(settings);
    if (context.isGivenUp(host)) {
      context.row.warn(`${host} is ${GIVEN_UP}: taken out of the state`);
      return { id: "", props: {} };
    }
    const subject = this.subject(context, settings, id, pins, state);
    const report = await this.host.inspect(subject).catch((error: unknown) => {
      if (!isUnreachable(error) || settings.unreachableOnRefresh === "fail") throw error;
      context.row.warn(`not read, what was known is kept: ${error.message}`);
    });
    if (report === undefined) return { id, props: outputs, inputs };
    if (report.record === "newer") return { id: "", props: {} };
    this.host.wasRead?.(subject, report);
    if (report.drift.length > 0) context.row.warn(`drift:\n${report.drift.join("\n")}`);
    return {
      id,
      props: this.reported(inputs, report, outputs),
      inputs: this.host.marked(inputs, settings, report),
    };
  }

  /** Takes the resource off its host, unless a later create has taken this one's place. */
  async remove(context: Context, id: string, outputs: Properties): Promise<void> {
    const state = readState(this.kind, outputs);
    const { settings, pins } = state;
    const { host } = this.host.connectionIn(settings);
    const subject = this.subject(context, settings, id, pins, state);
    if (context.isGivenUp(host)) {
      context.row.warn(`${host} is ${GIVEN_UP}: forgotten, and nothing was withdrawn there`);
      return;
    }
    const machine = this.identity(settings, { ...state, ...pins });
    const later = machine === undefined ? undefined : context.run.creates.get(machine);
    const superseded = later !== undefined && later !== id;
    const done = await this.host.withdraw(subject).catch((error: unknown) => {
      const isMoved = isUnreachable(error) && superseded;
      const isForgotten =
        isUnreachable(error) && error.isGone && settings.unreachableOnDestroy === "forget";
      if (isMoved)
        return { notes: [`${host} is no address of its host any more: ${error.message}`] };
      if (isForgotten)
        return {
          notes: [`${host} is forgotten, and nothing was withdrawn there: ${error.message}`],
        };
      this.host.ended?.(subject, false);
      throw error;
    });
    this.host.ended?.(subject, true);
    for (const note of done.notes) context.row.warn(note);
  }

  /**
   * A failure after which the host is as it was is thrown plainly, and the state stays as it was: kept
   * in the state, a mistyped host could never be deleted. One with an unknown outcome is kept.
   */
  private async converge(
    { run }: Context,
    subject: Subject<Settings>,
    news: Properties,
  ): Promise<Report> {
    const { id, operation, state } = subject;
    run.made.add(id);
    try {
      const report = await this.host.converge(subject);
      this.host.ended?.(subject, true);
      return report;
    } catch (error) {
      this.host.ended?.(subject, false);
      if (!(error instanceof RealServerError) || error.aftermath !== "unknown") throw error;
      const pins = { ...operation.pins, ...error.pins };
      const properties = unsettledState(this.kind, news, state?.outputs ?? {}, pins);
      throw new UnsettledError(cleaned(error, news, this.kind).message, id, properties);
    }
  }

  private subject(
    { row, signal, run }: Context,
    settings: Settings,
    id: string,
    pins: HostKeys,
    state?: State<Settings>,
  ): Subject<Settings> {
    const operation: Operation = {
      ...accessBy(this.host.connectionIn(settings), inputTerms(this.kind.way)),
      timeouts: settings.timeouts,
      pins,
      signal,
      progress: row.progress,
      warn: row.warn,
    };
    return { operation, settings, id, run, ...(state && { state }) };
  }

  private reported(inputs: Properties, report: Report, olds: Properties): Properties {
    return reportedState(this.kind, inputs, report, this.host.outputs(report), olds);
  }

  /** Clones of one image have a machine-id in common; where nothing else is known, none is taken for another. */
  private identity(
    settings: Settings,
    host: Pick<State<Settings>, "machineId" | "productUuid"> & HostKeys,
  ): string | undefined {
    const { machineId, hostKey, productUuid } = host;
    const proof = hostKey ?? (productUuid === "-" ? undefined : productUuid);
    const owner = this.host.ownerIn(settings);
    return proof === undefined ? undefined : JSON.stringify([owner, machineId, proof]);
  }

  /** Another bastion has another key; with the user's own ssh, or after it, keys are not our affair. */
  private pinsFor(state: State<Settings>, settings: Settings): HostKeys {
    const [before, after] = [state.settings, settings].map(this.host.connectionIn);
    if (before?.ssh !== undefined || after?.ssh !== undefined) return {};
    const { proxyHostKey, ...pins } = state.pins;
    const sameProxy = before?.proxy?.host === after?.proxy?.host;
    return { ...pins, ...(sameProxy && proxyHostKey !== undefined && { proxyHostKey }) };
  }
}

function isUnreachable(error: unknown): error is RealServerError {
  return error instanceof RealServerError && error.kind === "unreachable";
}

const GIVEN_UP = "named in PULUMI_LVS_DR_FORGET";
