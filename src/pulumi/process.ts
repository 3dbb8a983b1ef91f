import type { dynamic } from "@pulumi/pulumi";
import { cleaned } from "./clean-error";
import { interruption } from "./interrupt";
import type { Properties, ResourceKind } from "./kind";
import * as offline from "./offline";
import { engineAt, type Row, rowOf } from "./row";
import { newRun } from "./run";
import type { Context } from "./verbs";

// What there is one of in a provider's process is made here, for the resources of all kinds, and given
// to each verb. Pulumi tells a dynamic provider no URN, so the resource's row is found here, too, from
// the owner.

const engine = engineAt(process.argv[2]);
const interrupted = interruption();
const run = newRun();

/** What a kind's verbs that connect are, as the entry needs them. */
interface ConnectingVerbs {
  create(context: Context, inputs: Properties): Promise<dynamic.CreateResult>;
  update(
    context: Context,
    id: string,
    olds: Properties,
    news: Properties,
  ): Promise<dynamic.UpdateResult>;
  read(context: Context, id: string, outputs: Properties): Promise<dynamic.ReadResult>;
  remove(context: Context, id: string, outputs: Properties): Promise<void>;
}

/** What Pulumi calls: a dynamic.ResourceProvider, whole. */
export interface Entry {
  readonly check: (olds: Properties, news: Properties) => Promise<dynamic.CheckResult>;
  readonly diff: (id: string, olds: Properties, news: Properties) => Promise<dynamic.DiffResult>;
  readonly create: (inputs: Properties) => Promise<dynamic.CreateResult>;
  readonly update: (
    id: string,
    olds: Properties,
    news: Properties,
  ) => Promise<dynamic.UpdateResult>;
  readonly read: (id: string, outputs: Properties) => Promise<dynamic.ReadResult>;
  readonly delete: (id: string, outputs: Properties) => Promise<void>;
}

/**
 * Makes what Pulumi calls for the resources of one kind.
 *
 * @param verbs Loads what connects, with the first operation, because most of it is SSH.
 * @param notes What is said on the resource's row when it is compared with what is declared.
 */
export function entryOf(
  kind: ResourceKind,
  verbs: () => Promise<ConnectingVerbs>,
  notes: (found: readonly string[], olds: Properties, news: Properties) => string[] = () => [],
): Entry {
  /** Runs a verb that connects: with its words on the resource's row, and until it is interrupted. */
  const operate = <T>(
    properties: Properties,
    verb: (all: ConnectingVerbs, context: Context) => Promise<T>,
  ): Promise<T> =>
    interrupted.run(async (signal) => {
      const row = ownRow(properties);
      const context = { row, signal, run, isGivenUp };
      return clean(kind, properties, async () => verb(await verbs(), context)).finally(() =>
        row.flush(),
      );
    });
  return {
    check: (olds, news) => clean(kind, news, () => offline.check(kind, olds, news)),
    diff: async (id, olds, news) => {
      const row = ownRow(news);
      return clean(kind, olds, () => {
        const result = offline.diff(kind, run, id, olds, news);
        for (const note of notes(run.withdrawable.get(id) ?? [], olds, news)) row.warn(note);
        return result;
      }).finally(() => row.flush());
    },
    create: (inputs) => operate(inputs, (all, context) => all.create(context, inputs)),
    update: (id, olds, news) =>
      operate(news, (all, context) => all.update(context, id, olds, news)),
    read: (id, outputs) => operate(outputs, (all, context) => all.read(context, id, outputs)),
    delete: (id, outputs) => operate(outputs, (all, context) => all.remove(context, id, outputs)),
  };
}

function ownRow({ owner }: Properties): Row {
  return rowOf(typeof owner === "string" ? owner : "", engine);
}

async function clean<T>(
  kind: ResourceKind,
  properties: Properties,
  verb: () => T | Promise<T>,
): Promise<T> {
  try {
    return await verb();
  } catch (error) {
    throw cleaned(error, properties, kind);
  }
}

/** `PULUMI_LVS_DR_FORGET=host[,host]` in the environment of `pulumi`. */
function isGivenUp(host: string): boolean {
  const hosts = process.env["PULUMI_LVS_DR_FORGET"] ?? "";
  return hosts.split(",").some((name) => name.trim() === host);
}
