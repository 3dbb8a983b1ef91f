// A process that runs the provider's verbs, as Pulumi's dynamic provider does, and can be killed.
import * as provider from "../../src/pulumi/provider";
import type { Properties } from "./driver";
import type { Answer, Job } from "./provider-driver";

process.on("message", (job: Job) => {
  void run(job).then((answer) => process.send?.(answer));
});
// Whoever started it is gone.
process.on("disconnect", () => process.exit());

async function run(job: Job): Promise<Answer> {
  try {
    return { kind: "done", ...(await perform(job)) };
  } catch (error) {
    return failureOf(error);
  }
}

async function perform(job: Job): Promise<{ id: string; state: Properties | undefined }> {
  const { verb, id, olds, news } = job;
  switch (verb) {
    case "create": {
      const created = await provider.create(await checked({}, news));
      return { id: created.id, state: created.outs as Properties };
    }
    case "update": {
      const updated = await provider.update(id, olds, await checked(olds, news));
      return { id, state: updated.outs as Properties };
    }
    case "read": {
      const found = await provider.read(id, olds);
      const state = found.props as Properties;
      return { id: found.id ?? "", state: found.id === "" ? undefined : state };
    }
    case "delete":
      await provider.delete(id, olds);
      return { id: "", state: undefined };
  }
}

async function checked(olds: Properties, news: Properties): Promise<Properties> {
  const result = await provider.check(olds, news);
  const reasons = (result.failures ?? []).map(({ reason }) => reason);
  if (reasons.length > 0) throw new Error(reasons.join("; "));
  return result.inputs as Properties;
}

/** What the engine learns of a failure: a message, and of the partial-state error what to keep. */
function failureOf(error: unknown): Answer {
  const message = error instanceof Error ? error.message : String(error);
  const stack = error instanceof Error ? (error.stack ?? "") : "";
  if (!(error instanceof Error) || !("reasons" in error)) return { kind: "failed", message, stack };
  const { id, properties } = error as unknown as { id: string; properties: Properties };
  return { kind: "unsettled", message, stack, id, state: properties };
}
