import type { dynamic } from "@pulumi/pulumi";
import { workBetween } from "./changes";
import { cleaned, UnsettledError } from "./clean-error";
import { converge, inspectClaim, reach, withdraw } from "../operation/converge";
import type { Claim } from "../plan/claim";
import type { Operation } from "../operation/session";
import { marked } from "./drift-marks";
import type { Row } from "./row";
import type { Run } from "./run";
import { accessBy } from "../transport/access";
import { RealServerError, type HostKeys } from "../domain/errors";
import { parseSettings, type Settings } from "../inputs/real-server";
import {
  newIncarnation,
  readState,
  reportedState,
  restatedState,
  unsettledState,
  type Properties,
  type State,
} from "./state";

// What Pulumi asks of a real server that takes a connection to its host. Properties are plain JSON,
// secrets in clear; a resource's id is its incarnation. Errors are this package's own here: the entry
// makes them fit for Pulumi.

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

/** Converges the host for the first time, adopting what is bound already. */
export async function create(context: Context, inputs: Properties): Promise<dynamic.CreateResult> {
  const settings = parseSettings(inputs);
  const id = newIncarnation();
  const claim = claimOf(context.run, settings, id);
  context.run.made.add(id);
  const report = await converge(operationOn(context, settings, {}), claim, settings).catch(
    (error: unknown) => {
      throw unsettled(error, id, inputs, {}, {});
    },
  );
  const outs = reportedState(inputs, report, {});
  const machine = identity(settings.owner, report);
  if (machine !== undefined) context.run.creates.set(machine, id);
  return { id, outs };
}

/** Does no more than the change needs; see {@link workBetween}. */
export async function update(
  context: Context,
  id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.UpdateResult> {
  const state = readState(olds);
  const settings = parseSettings(news);
  const pins = pinsFor(state, settings);
  switch (state.converged ? workBetween(state.settings, settings) : "converge") {
    case "nothing":
      return { outs: restatedState(news, olds, pins) };
    case "reach":
      return { outs: restatedState(news, olds, await reach(operationOn(context, settings, pins))) };
    case "converge": {
      const claim = claimOf(context.run, settings, id, state);
      context.run.made.add(id);
      const report = await converge(operationOn(context, settings, pins), claim, settings).catch(
        (error: unknown) => {
          throw unsettled(error, id, news, olds, pins);
        },
      );
      return { outs: reportedState(news, report, olds) };
    }
  }
}

/**
 * Reads the host and changes nothing. What is missing is marked in `inputs`, so that `up` shows and
 * repairs it; the outputs keep what is declared, because delete needs it.
 */
export async function read(
  context: Context,
  id: string,
  outputs: Properties,
): Promise<dynamic.ReadResult> {
  const state = readState(outputs);
  const { settings, inputs } = state;
  if (context.isGivenUp(settings.connection.host)) {
    context.row.warn(`${settings.connection.host} is ${GIVEN_UP}: taken out of the state`);
    return { id: "", props: {} };
  }
  const claim = claimOf(context.run, settings, id, state);
  const report = await inspectClaim(operationOn(context, settings, state.pins), claim).catch(
    (error: unknown) => {
      if (!isUnreachable(error) || settings.unreachableOnRefresh === "fail") throw error;
      context.row.warn(`not read, what was known is kept: ${error.message}`);
    },
  );
  if (report === undefined) return { id, props: outputs, inputs };
  if (report.record === "newer") return { id: "", props: {} };
  context.run.withdrawable.set(id, report.withdrawable);
  if (report.drift.length > 0) context.row.warn(`drift:\n${report.drift.join("\n")}`);
  return {
    id,
    props: reportedState(inputs, report, outputs),
    inputs: marked(inputs, settings, report),
  };
}

/** Withdraws the VIPs and puts the sysctls back, unless a later create has taken this one's place. */
export async function remove(context: Context, id: string, outputs: Properties): Promise<void> {
  const state = readState(outputs);
  const { settings, pins } = state;
  const { host } = settings.connection;
  if (context.isGivenUp(host)) {
    context.row.warn(`${host} is ${GIVEN_UP}: forgotten, and nothing was withdrawn there`);
    return;
  }
  const machine = identity(settings.owner, { ...state, ...pins });
  const later = machine === undefined ? undefined : context.run.creates.get(machine);
  const superseded = later !== undefined && later !== id;
  const options = { sysctls: settings.sysctlsOnDestroy, drain: settings.drain };
  const claim = claimOf(context.run, settings, id, state);
  const done = await withdraw(operationOn(context, settings, pins), claim, options).catch(
    (error: unknown) => {
      if (!isUnreachable(error)) throw error;
      if (superseded) {
        context.row.warn(`${host} is no address of its host any more: ${error.message}`);
        return;
      }
      if (settings.unreachableOnDestroy === "fail" || !error.isGone) throw error;
      context.row.warn(`${host} is forgotten, and nothing was withdrawn there: ${error.message}`);
    },
  );
  for (const note of done?.notes ?? []) context.row.warn(note);
}

/** Clones of one image have a machine-id in common; where nothing else is known, none is taken for another. */
function identity(
  owner: string,
  host: Pick<State, "machineId" | "productUuid"> & HostKeys,
): string | undefined {
  const { machineId, hostKey, productUuid } = host;
  const proof = hostKey ?? (productUuid === "-" ? undefined : productUuid);
  return proof === undefined ? undefined : JSON.stringify([owner, machineId, proof]);
}

function operationOn(context: Context, settings: Settings, pins: HostKeys): Operation {
  const { row, signal } = context;
  const { connection, timeouts } = settings;
  return {
    ...accessBy(connection),
    timeouts,
    pins,
    signal,
    progress: row.progress,
    warn: row.warn,
  };
}

function claimOf(run: Run, settings: Settings, incarnation: string, state?: State): Claim {
  const { owner, vips, arp, persist, staleVips } = settings;
  const saved = state?.saved ?? [];
  // The very sets, not copies: operations that run at once must see each other's.
  const { replaced: replaces, made: beside } = run;
  return { owner, incarnation, vips, arp, persist, staleVips, saved, replaces, beside };
}

/** Another bastion has another key; with the user's own ssh, or after it, keys are not our affair. */
function pinsFor(state: State, { connection }: Settings): HostKeys {
  const before = state.settings.connection;
  if (connection.ssh !== undefined || before.ssh !== undefined) return {};
  const { hostKey, proxyHostKey } = state.pins;
  const sameProxy = before.proxy?.host === connection.proxy?.host;
  return {
    ...(hostKey !== undefined && { hostKey }),
    ...(sameProxy && proxyHostKey !== undefined && { proxyHostKey }),
  };
}

/**
 * A failure after which the host is as it was is thrown plainly, and the state stays as it was: kept
 * in the state, a mistyped host could never be deleted. One with an unknown outcome is kept.
 */
function unsettled(
  error: unknown,
  id: string,
  news: Properties,
  olds: Properties,
  pins: HostKeys,
): unknown {
  if (!(error instanceof RealServerError) || error.aftermath !== "unknown") return error;
  const properties = unsettledState(news, olds, { ...pins, ...error.pins });
  return new UnsettledError(cleaned(error, news).message, id, properties);
}

function isUnreachable(error: unknown): error is RealServerError {
  return error instanceof RealServerError && error.kind === "unreachable";
}

const GIVEN_UP = "named in PULUMI_LVS_DR_FORGET";
