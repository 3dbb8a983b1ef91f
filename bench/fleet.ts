import type { PulumiFn } from "@pulumi/pulumi/automation";

import type { Engine, Outcome } from "../lab/engine";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";
import { fleetProgram } from "./program";
import { watchProvider } from "./provider-memory";

/** What a fleet costs; times in milliseconds, the best of the rounds so far. */
export interface FleetCosts {
  /** `pulumi up` that creates them all. */
  up: number;
  /** `pulumi up` again, with nothing to do. */
  idle: number;
  /** `pulumi refresh`. */
  refresh: number;
  /** `pulumi destroy`. */
  destroy: number;
  /** The dynamic provider's resident memory at its peak during `up`, in bytes: the most of the rounds. */
  memory: number;
  /** The exported state of one resource, in bytes, and what of it are not inputs and outputs. */
  state: { readonly all: number; readonly engine: number };
}

/** As many hosts at a time, by whatever they are converged. */
export const AT_A_TIME = 64;

/** The costs of a fleet before its first round. */
export function noCosts(): FleetCosts {
  const never = { up: Infinity, idle: Infinity, refresh: Infinity, destroy: Infinity };
  return { ...never, memory: 0, state: { all: NaN, engine: NaN } };
}

/** Creates, leaves alone, refreshes and destroys a real server on each host, into the best so far. */
export async function fleetRound(
  lab: Lab,
  engine: Engine,
  hosts: readonly LabHost[],
  persist: boolean,
  best: FleetCosts,
): Promise<void> {
  const program = fleetProgram(lab, hosts, persist);
  await programRound(engine, program, hosts.length + 1, best);
}

/**
 * The same with any program.
 *
 * @param count how many resources it has, the stack's own among them
 */
export async function programRound(
  engine: Engine,
  program: PulumiFn,
  count: number,
  best: FleetCosts,
): Promise<void> {
  const options = { parallel: AT_A_TIME, withoutEvents: true };
  const keep = async (
    what: "up" | "idle" | "refresh" | "destroy",
    change: "create" | "same" | "delete",
    run: () => Promise<Outcome>,
  ): Promise<void> => {
    best[what] = Math.min(best[what], await timed({ [change]: count }, run));
  };
  const watch = watchProvider(engine);
  await keep("up", "create", () => engine.up(program, options));
  best.memory = Math.max(best.memory, await watch.stop());
  best.state = await stateOfOne(engine);
  await keep("idle", "same", () => engine.up(program, options));
  await keep("refresh", "same", () => engine.refresh(options));
  await keep("destroy", "delete", () => engine.destroy(options));
}

async function timed(
  wanted: Readonly<Record<string, number>>,
  run: () => Promise<Outcome>,
): Promise<number> {
  const start = performance.now();
  const outcome = await run();
  const milliseconds = performance.now() - start;
  if (JSON.stringify(outcome.changes) !== JSON.stringify(wanted)) {
    throw new Error(`wanted ${JSON.stringify(wanted)}, the engine said:\n${outcome.text}`);
  }
  return milliseconds;
}

async function stateOfOne(engine: Engine): Promise<FleetCosts["state"]> {
  const { text } = await engine.run("stack", "export");
  const { deployment } = JSON.parse(text) as { deployment: { resources: object[] } };
  const bytes = (value: object): number => Buffer.byteLength(JSON.stringify(value));
  const sizes = deployment.resources
    .filter((one) => "inputs" in one && "outputs" in one && "id" in one)
    .filter((one) => JSON.stringify(one).includes("RealServer"))
    .map((one) => ({ all: bytes(one), engine: bytes({ ...one, inputs: {}, outputs: {} }) }));
  return sizes.sort((a, b) => b.all - a.all)[0] ?? { all: NaN, engine: NaN };
}
