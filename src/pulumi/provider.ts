import type { dynamic } from "@pulumi/pulumi";
import { isMoved, workBetween } from "./changes";
import { cleaned, UnsettledError } from "./clean-error";
import { converge, inspectClaim, reach, withdraw } from "../operation/converge";
import type { Claim } from "../plan/claim";
import type { Operation } from "../operation/session";
import { rowOf, type Row } from "./row";
import { RealServerError } from "../domain/errors";
import { interruptible } from "./interrupt";
import { checkInputs } from "../inputs/schema";
import { parseSettings, type Settings } from "../inputs/settings";
import type { Pins } from "../transport/ssh2/ssh2";
import {
  newIncarnation,
  readState,
  refuseNewer,
  reportedState,
  restatedState,
  unsettledState,
  type Properties,
  type State,
} from "./state";

// The entry `pulumi-lvs-dr/provider`, which the text in every state loads. Pulumi calls these verbs
// with plain JSON, secrets in clear; a resource's id is its incarnation.

/** Canonical inputs, or why they are none. Pure and offline. */
export async function check(_olds: Properties, news: Properties): Promise<dynamic.CheckResult> {
  return attempt(news, () => {
    const { inputs, failures } = checkInputs(news);
    // A failure that names a property makes Pulumi print the property's value, secrets included.
    return { inputs, failures: failures.map(({ reason }) => ({ property: "", reason })) };
  });
}

/** Whether the host is replaced, or still has to converge; what else differs Pulumi sees itself. */
export async function diff(
  _id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.DiffResult> {
  return attempt(olds, () => {
    refuseNewer(olds);
    return {
      ...(olds["converged"] !== true && { changes: true }),
      ...(isMoved(olds, news) && { replaces: ["connection"] }),
    };
  });
}

/** Converges the host for the first time, adopting what is bound already. */
export async function create(inputs: Properties): Promise<dynamic.CreateResult> {
  return operate(inputs, async (way) => {
    const settings = parseSettings(inputs);
    const id = newIncarnation();
    const claim = claimOf(settings, id);
    const report = await converge(way.to(settings, {}), claim, settings).catch((error: unknown) => {
      throw unsettled(error, id, inputs, {}, {});
    });
    const outs = reportedState(inputs, report);
    created.set(identity(settings.owner, report), id);
    return { id, outs };
  });
}

/** Does no more than the change needs; see {@link workBetween}. */
export async function update(
  id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.UpdateResult> {
  return operate(news, async (way) => {
    const state = readState(olds);
    const settings = parseSettings(news);
    const pins = pinsFor(state, settings);
    switch (state.converged ? workBetween(state.settings, settings) : "converge") {
      case "nothing":
        return { outs: restatedState(news, olds, pins) };
      case "reach":
        return { outs: restatedState(news, olds, await reach(way.to(settings, pins))) };
      case "converge": {
        const claim = claimOf(settings, id, state);
        const report = await converge(way.to(settings, pins), claim, settings).catch(
          (error: unknown) => {
            throw unsettled(error, id, news, olds, pins);
          },
        );
        return { outs: reportedState(news, report) };
      }
    }
  });
}

/**
 * Reads the host and changes nothing. What is missing comes back in `inputs`, so that `up` shows and
 * repairs it; the outputs keep what is declared, because delete needs it.
 */
export async function read(id: string, outputs: Properties): Promise<dynamic.ReadResult> {
  return operate(outputs, async (way) => {
    const state = readState(outputs);
    const { settings, inputs } = state;
    if (isGiven(settings.connection.host)) {
      way.row.warn(`${settings.connection.host} is ${GIVEN_UP}: taken out of the state`);
      return { id: "", props: {} };
    }
    const claim = claimOf(settings, id, state);
    const report = await inspectClaim(way.to(settings, state.pins), claim).catch(
      (error: unknown) => {
        if (!isUnreachable(error) || settings.unreachableOnRefresh === "fail") throw error;
        way.row.warn(`not read, what was known is kept: ${error.message}`);
      },
    );
    if (report === undefined) return { id, props: outputs, inputs };
    if (report.record === "newer") return { id: "", props: {} };
    if (report.drift.length > 0) way.row.warn(`drift:\n${report.drift.join("\n")}`);
    const { observedVips, observedArp } = report;
    const arp = { ...(inputs["arp"] as Properties), ...observedArp };
    return {
      id,
      props: reportedState(inputs, report),
      inputs: { ...inputs, vips: observedVips, arp },
    };
  });
}

/** Withdraws the VIPs and puts the sysctls back, unless a later create has taken this one's place. */
async function remove(id: string, outputs: Properties): Promise<void> {
  return operate(outputs, async (way) => {
    const state = readState(outputs);
    const { settings, pins } = state;
    const { host } = settings.connection;
    if (isGiven(host)) {
      way.row.warn(`${host} is ${GIVEN_UP}: forgotten, and nothing was withdrawn there`);
      return;
    }
    const later = created.get(identity(settings.owner, { ...pins, machineId: state.machineId }));
    const superseded = later !== undefined && later !== id;
    const options = { sysctls: settings.sysctlsOnDestroy, drain: settings.drain };
    const claim = claimOf(settings, id, state);
    const done = await withdraw(way.to(settings, pins), claim, options).catch((error: unknown) => {
      if (!isUnreachable(error)) throw error;
      if (superseded) {
        way.row.warn(`${host} is no address of its host any more: ${error.message}`);
        return;
      }
      if (settings.unreachableOnDestroy === "fail") throw error;
      way.row.warn(`${host} is forgotten, and nothing was withdrawn there: ${error.message}`);
    });
    for (const note of done?.notes ?? []) way.row.warn(note);
  });
}

export { remove as delete };

/**
 * The creates of this process, by owner and host. When a host's address in the program changes, the
 * same process creates at the new one and deletes at the old one. That the record there is a later
 * create's is for the host to say; only where the old address answers no more is this believed,
 * because machines cloned from one image may look alike.
 */
const created = new Map<string, string>();

function identity(owner: string, host: { machineId: string; hostKey?: string }): string {
  return JSON.stringify([owner, host.machineId, host.hostKey]);
}

/** What an operation needs from Pulumi's side: the row to speak on, and the way to a host. */
interface Way {
  readonly row: Row;
  to(settings: Settings, pins: Pins): Operation;
}

/** Runs a verb that connects: with its words on the resource's row, and until it is interrupted. */
function operate<T>(properties: Properties, verb: (way: Way) => Promise<T>): Promise<T> {
  return interruptible(async (signal) => {
    const owner = properties["owner"];
    const row = rowOf(typeof owner === "string" ? owner : "");
    const { progress, warn } = row;
    const to = ({ connection, timeouts }: Settings, pins: Pins): Operation => {
      return { connection, timeouts, pins, signal, progress, warn };
    };
    return attempt(properties, () => verb({ row, to })).finally(() => row.flush());
  });
}

async function attempt<T>(properties: Properties, verb: () => T | Promise<T>): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    throw cleaned(error, properties);
  }
}

function claimOf(settings: Settings, incarnation: string, state?: State): Claim {
  const { owner, vips, arp, persist, staleVips } = settings;
  return { owner, incarnation, vips, arp, persist, staleVips, saved: state?.saved ?? [] };
}

/** Another bastion has another key. */
function pinsFor(state: State, { connection }: Settings): Pins {
  const { hostKey, proxyHostKey } = state.pins;
  const sameProxy = state.settings.connection.proxy?.host === connection.proxy?.host;
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
  pins: Pins,
): unknown {
  if (!(error instanceof RealServerError) || error.aftermath !== "unknown") return error;
  const properties = unsettledState(news, olds, { ...pins, ...error.pins });
  return new UnsettledError(cleaned(error, news).message, id, properties);
}

function isUnreachable(error: unknown): error is RealServerError {
  return error instanceof RealServerError && error.kind === "unreachable";
}

const GIVEN_UP = "named in PULUMI_LVS_DR_FORGET";

/** Hosts that are gone for good and no longer in the program, where no input can say so. */
function isGiven(host: string): boolean {
  const hosts = process.env["PULUMI_LVS_DR_FORGET"] ?? "";
  return hosts.split(",").some((name) => name.trim() === host);
}
