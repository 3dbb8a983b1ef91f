// npm run bench: what it costs, as ratios from one run, beside the limits that it has.
import { Stage } from "../lab/stage";
import { AT_A_TIME, fleetCosts } from "./fleet";
import { ROUND_TRIP, roundTrips, type Distance } from "./round-trips";
import { isWithin, printTable, type Figure } from "./table";

const HOSTS = 50;
const INTERRUPTED = 130;

async function main(): Promise<number> {
  const interruption = new AbortController();
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
    process.on(signal, () => interruption.abort(new Error(signal)));
  }
  const stage = await Stage.set();
  try {
    const figures = await stage.endEngineOn(
      interruption.signal,
      measure(stage, interruption.signal),
    );
    printTable(figures);
    return figures.every(isWithin) ? 0 : 1;
  } catch (error) {
    if (!interruption.signal.aborted) throw error;
    console.error("interrupted: removing the hosts and the stack");
    return INTERRUPTED;
  } finally {
    await stage.strike();
  }
}

async function measure(stage: Stage, signal: AbortSignal): Promise<Figure[]> {
  const lab = await stage.lab();
  console.log(`round trips of one host, through a proxy that makes each ${ROUND_TRIP} ms long`);
  const near = await lab.host("near");
  const trips = await roundTrips(lab, near, signal, false);
  const bySsh = await roundTrips(lab, near, signal, true);
  signal.throwIfAborted();
  console.log(`${HOSTS} hosts, ${AT_A_TIME} at a time, by the engine and by OpenSSH`);
  const names = Array.from({ length: HOSTS }, (_, index) => `web-${index + 1}`);
  const hosts = await Promise.all(names.map((name) => lab.host(name)));
  const engine = await stage.engine();
  signal.throwIfAborted();
  const fleet = await fleetCosts(lab, engine, hosts, signal);
  const ratio = (fleet.up - fleet.idle) / fleet.openssh;
  return [
    distance("read: round trips", trips.read, 9),
    distance("converging create: round trips", trips.create, 11),
    distance("read by the user's own ssh: round trips", bySsh.read, 10),
    distance("converging create by it: round trips", bySsh.create, 12),
    {
      what: `up of ${HOSTS} hosts, over OpenSSH`,
      figure: ratio,
      digits: 2,
      limit: 0.7,
      sides: `(up ${seconds(fleet.up)} - no-op up ${seconds(fleet.idle)}) / ssh ${seconds(fleet.openssh)}`,
    },
    {
      what: "state: bytes a resource",
      figure: fleet.state.all,
      digits: 0,
      limit: 3000,
      sides: `${fleet.state.engine} of them are the engine's own fields`,
    },
    {
      what: `provider: peak memory, MiB`,
      figure: fleet.memory / 1024 / 1024,
      digits: 0,
      sides: `VmHWM during the up of ${HOSTS} hosts`,
    },
  ];
}

function distance(
  what: string,
  { near, far, roundTrips: figure }: Distance,
  limit: number,
): Figure {
  const sides = `(${far.toFixed(0)} ms - ${near.toFixed(0)} ms without delay) / ${ROUND_TRIP} ms`;
  return { what, figure, digits: 1, limit, sides };
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}

main().then(
  (status) => process.exit(status),
  (error: unknown) => {
    console.error(error);
    process.exit(1);
  },
);
