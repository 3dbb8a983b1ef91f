// npm run bench: what it costs, as ratios from one run, beside the limits that it has.
// npm run bench -- --hosts 50 --rounds 1: a smaller fleet. npm run bench -- --growth: how it grows.
// npm run bench -- --director: what a service on a director costs.
// npm run bench -- --pool: what a pool costs beside single resources.
import { guestImage } from "../lab/guest-image";
import { Stage } from "../lab/stage";
import type { Engine } from "../lab/engine";
import type { LabHost } from "../lab/host";
import type { Lab } from "../lab/lab";
import { directorCosts } from "./director";
import { directorFigures, fleetFigures, roundTripFigures } from "./figures";
import { AT_A_TIME, fleetRound, noCosts } from "./fleet";
import { benchOptions, type BenchOptions } from "./options";
import { noOthersCosts, othersRound } from "./others";
import { poolCosts, poolFigures } from "./pool";
import { ROUND_TRIP, roundTrips } from "./round-trips";
import { isWithin, printGrowth, printTable, type Figure } from "./table";

const INTERRUPTED = 130;
const GROWTH = [25, 50, 100, 200, 400];
/** The hosts of one lab: there is room for a few beside them. */
const A_LAB = 200;

async function main(): Promise<number> {
  const options = benchOptions(process.argv.slice(2));
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => interruption.abort(new Error(signal)));
  }
  const stage = await Stage.set();
  try {
    const figures = await stage.endEngineOn(
      interruption.signal,
      workOf(options)(stage, options, interruption.signal),
    );
    return figures.every(isWithin) ? 0 : 1;
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    console.error("interrupted: removing the hosts and the stack");
    return INTERRUPTED;
  } finally {
    await stage.strike();
  }
}

type Work = (stage: Stage, options: BenchOptions, signal: AbortSignal) => Promise<Figure[]>;

function workOf({ growth: isGrowth, director, pool }: BenchOptions): Work {
  if (isGrowth) return growth;
  if (director) return directors;
  return pool ? pools : measure;
}

async function measure(
  stage: Stage,
  { hosts: count, rounds }: BenchOptions,
  signal: AbortSignal,
): Promise<Figure[]> {
  const lab = await stage.lab();
  console.log(`round trips of one host, through a proxy that makes each ${ROUND_TRIP} ms long`);
  const near = await lab.host("near");
  const trips = await roundTrips(lab, near, signal, false);
  const bySsh = await roundTrips(lab, near, signal, true);
  signal.throwIfAborted();
  console.log(`${count} hosts, ${AT_A_TIME} at a time: the best of ${rounds} rounds`);
  const [engine, hosts] = [await stage.engine(), await fleetOf(stage, count)];
  await know(engine, hosts);
  const [bare, persistent, others] = [noCosts(), noCosts(), noOthersCosts()];
  for (let round = 0; round < rounds; round += 1) {
    await fleetRound(lab, engine, hosts, false, bare);
    signal.throwIfAborted();
    await othersRound(lab, engine, hosts, others);
    signal.throwIfAborted();
    await fleetRound(lab, engine, hosts, true, persistent);
    signal.throwIfAborted();
  }
  hosts.push(...(await fleetOf(stage, count, count)));
  await know(engine, hosts);
  const twice = noCosts();
  await fleetRound(lab, engine, hosts, true, twice);
  const figures = [
    ...roundTripFigures(trips, bySsh),
    ...fleetFigures({ hosts: count, bare, persistent, others, memoryOfTwice: twice.memory }),
  ];
  printTable(figures);
  return figures;
}

/** Alone, because the director is a kernel that takes a core. */
async function directors(stage: Stage, _: BenchOptions, signal: AbortSignal): Promise<Figure[]> {
  await guestImage();
  const lab = await stage.lab();
  const figures = directorFigures(await directorCosts(lab, await lab.guest("lb"), signal));
  printTable(figures);
  return figures;
}

async function pools(
  stage: Stage,
  { hosts: count, rounds }: BenchOptions,
  signal: AbortSignal,
): Promise<Figure[]> {
  const lab = await stage.lab();
  console.log(`${count} hosts, ${AT_A_TIME} at a time: the best of ${rounds} rounds`);
  const [engine, hosts] = [await stage.engine(), await fleetOf(stage, count)];
  await know(engine, hosts);
  const figures = poolFigures(await poolCosts(lab, engine, hosts, rounds, signal));
  printTable(figures);
  return figures;
}

/** The table of docs/reference/figures.md. It holds no limit. */
async function growth(
  stage: Stage,
  { rounds }: BenchOptions,
  signal: AbortSignal,
): Promise<Figure[]> {
  const lab = await stage.lab();
  const engine = await stage.engine();
  const hosts: LabHost[] = [];
  const rows: { hosts: number; costs: ReturnType<typeof noCosts> }[] = [];
  for (const count of GROWTH) {
    hosts.push(...(await fleetOf(stage, count - hosts.length, hosts.length)));
    await know(engine, hosts);
    const costs = noCosts();
    for (let round = 0; round < rounds; round += 1) {
      await fleetRound(lab, engine, hosts, false, costs);
      signal.throwIfAborted();
    }
    rows.push({ hosts: count, costs });
  }
  printGrowth(rows);
  return [];
}

/** A few at a time: each is some processes and a dozen mounts. */
async function fleetOf(stage: Stage, count: number, first = 0): Promise<LabHost[]> {
  const hosts: LabHost[] = [];
  const numbers = Array.from({ length: count }, (_, index) => first + index + 1).values();
  const labs: Lab[] = [];
  for (let at = 0; at * A_LAB < first + count; at += 1) labs.push(await stage.lab(at));
  const make = async (): Promise<void> => {
    for (const number of numbers) {
      const lab = labs[Math.floor((number - 1) / A_LAB)]!;
      hosts.push(await lab.host(`web-${number}`));
    }
  };
  await Promise.all(Array.from({ length: 8 }, make));
  return hosts;
}

function know(engine: Engine, hosts: readonly LabHost[]): Promise<void> {
  return engine.writeKnownHosts(hosts.map((one) => `${one.address} ${one.hostKey}\n`).join(""));
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
