import "./compile-cache";
import type { dynamic } from "@pulumi/pulumi";
import { cleaned } from "./clean-error";
import { interruption } from "./interrupt";
import { engineAt, type Row, rowOf } from "./row";
import { newRun } from "./run";
import { staleChange } from "./stale-change";
import type { Properties } from "./state";
import * as offline from "./offline";
import type { Context } from "./verbs";

// The entry `pulumi-lvs-dr/provider`, which the text in every state loads: what there is one of in a
// provider's process is made here, and given to each verb. Pulumi tells a dynamic provider no URN, so
// the resource's row is found here, too, from the owner.

const engine = engineAt(process.argv[2]);
const interrupted = interruption();
const run = newRun();

/** Loaded with the first operation, because most of it is SSH. */
const verbs = () => import("./verbs.js");

/** Canonical inputs, or why they are none. Pure and offline. */
export async function check(olds: Properties, news: Properties): Promise<dynamic.CheckResult> {
  return clean(news, () => offline.check(olds, news));
}

/** Whether the host is replaced, or still has to converge; what else differs Pulumi sees itself. */
export async function diff(
  id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.DiffResult> {
  const row = ownRow(news);
  return clean(olds, () => {
    const result = offline.diff(run, id, olds, news);
    for (const note of staleChange(run.withdrawable.get(id) ?? [], olds, news)) row.warn(note);
    return result;
  }).finally(() => row.flush());
}

/** Converges the host for the first time, adopting what is bound already. */
export async function create(inputs: Properties): Promise<dynamic.CreateResult> {
  return operate(inputs, async (context) => (await verbs()).create(context, inputs));
}

/** Does no more than the change needs. */
export async function update(
  id: string,
  olds: Properties,
  news: Properties,
): Promise<dynamic.UpdateResult> {
  return operate(news, async (context) => (await verbs()).update(context, id, olds, news));
}

/** Reads the host and changes nothing. */
export async function read(id: string, outputs: Properties): Promise<dynamic.ReadResult> {
  return operate(outputs, async (context) => (await verbs()).read(context, id, outputs));
}

async function remove(id: string, outputs: Properties): Promise<void> {
  return operate(outputs, async (context) => (await verbs()).remove(context, id, outputs));
}

export { remove as delete };

/** What the text in a state calls for the provider; see {@link PROVIDER_SOURCE}. */
export function handler(): dynamic.ResourceProvider {
  return { check, diff, create, update, read, delete: remove };
}

/** Runs a verb that connects: with its words on the resource's row, and until it is interrupted. */
function operate<T>(properties: Properties, verb: (context: Context) => Promise<T>): Promise<T> {
  return interrupted.run(async (signal) => {
    const row = ownRow(properties);
    return clean(properties, () => verb({ row, signal, run, isGivenUp })).finally(() =>
      row.flush(),
    );
  });
}

function ownRow({ owner }: Properties): Row {
  return rowOf(typeof owner === "string" ? owner : "", engine);
}

async function clean<T>(properties: Properties, verb: () => T | Promise<T>): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    throw cleaned(error, properties);
  }
}

/** `PULUMI_LVS_DR_FORGET=host[,host]` in the environment of `pulumi`. */
function isGivenUp(host: string): boolean {
  const hosts = process.env["PULUMI_LVS_DR_FORGET"] ?? "";
  return hosts.split(",").some((name) => name.trim() === host);
}
