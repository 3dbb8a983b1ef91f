import type { PulumiFn } from "@pulumi/pulumi/automation";

import type { Engine } from "../lab/engine";
import type { LabHost } from "../lab/host";
import type { Lab } from "../lab/lab";
import { fleetRound, noCosts, programRound, type FleetCosts } from "./fleet";
import { componentProgram, poolProgram } from "./program";
import type { Figure } from "./table";

/** What a pool costs, beside what the same hosts cost one by one. Of one run, the best of its rounds. */
export interface PoolCosts {
  readonly single: FleetCosts;
  /** One by one below a component of the program's own: what any parent costs. */
  readonly below: FleetCosts;
  /** All members at once. */
  readonly whole: FleetCosts;
  /** In the batches that a pool has by default. */
  readonly batched: FleetCosts;
}

/** Measures the hosts one by one, below a component, as a pool, and as a pool in batches: in turns, on one machine. */
export async function poolCosts(
  lab: Lab,
  engine: Engine,
  hosts: readonly LabHost[],
  rounds: number,
  signal: AbortSignal,
): Promise<PoolCosts> {
  const costs: PoolCosts = {
    single: noCosts(),
    below: noCosts(),
    whole: noCosts(),
    batched: noCosts(),
  };
  const withParent = (program: PulumiFn, best: FleetCosts) =>
    programRound(engine, program, hosts.length + 2, best);
  const kinds = [
    () => fleetRound(lab, engine, hosts, true, costs.single),
    () => withParent(componentProgram(lab, hosts), costs.below),
    () => withParent(poolProgram(lab, hosts, "100%"), costs.whole),
    () => withParent(poolProgram(lab, hosts, [1, "25%"]), costs.batched),
  ];
  // Whoever is first finds a colder machine, and whoever comes later a longer history: each is each once.
  for (let round = 0; round < rounds; round += 1) {
    for (let turn = 0; turn < kinds.length; turn += 1) {
      await kinds[(round + turn) % kinds.length]?.();
      signal.throwIfAborted();
    }
  }
  return costs;
}

/** A pool beside single resources. Batches have no limit: waiting is what they are for. */
export function poolFigures({ single, below, whole, batched }: PoolCosts): Figure[] {
  return [
    ...WHATS.map((what) => beside(`below a component: ${NAMES[what]}`, below[what], single[what])),
    ...WHATS.map((what) => beside(`pool, "100%": ${NAMES[what]}`, whole[what], single[what], MOST)),
    ...WHATS.map((what) => beside(`pool, [1, "25%"]: ${NAMES[what]}`, batched[what], single[what])),
    bytes("single resources", single),
    bytes("below a component", below),
    bytes('pool, "100%"', whole),
    bytes('pool, [1, "25%"]', batched),
  ];
}

const WHATS = ["up", "idle", "refresh", "destroy"] as const;
const NAMES = { up: "up", idle: "up, nothing to do", refresh: "refresh", destroy: "destroy" };
const MOST = 1.05;

function beside(what: string, ours: number, theirs: number, limit?: number): Figure {
  const sides = `${(ours / 1000).toFixed(2)} s / ${(theirs / 1000).toFixed(2)} s`;
  return {
    what: `${what}, beside single resources`,
    ...{ figure: ours / theirs, digits: 2, sides },
    ...(limit !== undefined && { limit }),
  };
}

function bytes(what: string, { state }: FleetCosts): Figure {
  return {
    what: `state: bytes a resource, ${what}`,
    ...{ figure: state.all, digits: 0 },
    sides: `${state.engine} of them are the engine's own fields, such as whom it depends on`,
  };
}
