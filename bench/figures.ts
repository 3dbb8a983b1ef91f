import type { DirectorCosts, Spoken } from "./director";
import type { FleetCosts } from "./fleet";
import type { OthersCosts } from "./others";
import { ROUND_TRIP, type Distance } from "./round-trips";
import type { Figure } from "./table";

/** What was measured of one fleet. */
export interface FleetMeasured {
  readonly hosts: number;
  /** Without a boot unit, which the others do not make either. */
  readonly bare: FleetCosts;
  /** With a boot unit. */
  readonly persistent: FleetCosts;
  readonly others: OthersCosts;
  /** The provider's peak with twice as many hosts, in bytes. */
  readonly memoryOfTwice: number;
}

/** The round trips of one host, beside their limits. */
export function roundTripFigures(
  { read, create }: { read: Distance; create: Distance },
  bySsh: { read: Distance; create: Distance },
): Figure[] {
  return [
    tripFigure("read", read, 9),
    tripFigure("converging create", create, 11),
    tripFigure("read by the user's own ssh", bySsh.read, 10),
    tripFigure("converging create by it", bySsh.create, 12),
  ];
}

function tripFigure(what: string, { near, far, roundTrips }: Distance, limit: number): Figure {
  const sides = `(${far.toFixed(0)} ms - ${near.toFixed(0)} ms without delay) / ${ROUND_TRIP} ms`;
  return { what: `${what}: round trips`, figure: roundTrips, digits: 1, limit, sides };
}

/** A director's services, with few and with many destinations. */
export function directorFigures(costs: readonly DirectorCosts[]): Figure[] {
  const [few, many] = [costs[0], costs.at(-1)];
  const each = costs.flatMap(({ destinations, read, create }) => [
    ...spokenFigures(`read of a service with ${destinations}`, read, 9),
    ...spokenFigures(`create of a service with ${destinations}`, create, 11),
  ]);
  if (few === undefined || many === undefined) return each;
  return [
    ...each,
    {
      what: `processes of a create with ${many.destinations}, beside ${few.destinations}`,
      ...{ figure: many.processes / few.processes, digits: 2, limit: 1.1 },
      sides: `${many.processes} / ${few.processes}, those of sshd among them`,
    },
  ];
}

function spokenFigures(what: string, spoken: Spoken, limit: number): Figure[] {
  const { roundTrips, connections } = spoken;
  const sides = "counted, the login among them";
  return [
    { what: `${what}: round trips`, figure: roundTrips, digits: 0, limit, sides },
    { what: `${what}: connections`, figure: connections, digits: 0, limit: 1, sides: "counted" },
  ];
}

/** The costs of a fleet beside those of others, their limits, and what has none. */
export function fleetFigures(measured: FleetMeasured): Figure[] {
  const { bare, persistent } = measured;
  return [
    ...besideOthers("persist: false", bare, measured.others),
    ...besideOthers("persist: true", persistent, measured.others),
    {
      what: "state: bytes a resource",
      figure: persistent.state.all,
      digits: 0,
      limit: 2100,
      sides: `${persistent.state.engine} of them are the engine's own fields`,
    },
    ...memory(measured),
  ];
}

/**
 * The engine's own part is taken off where the others have none: it is what `up` takes with nothing to
 * do. A fleet is to take no longer than it does without care, by pyinfra or by a script. Withdrawing
 * looks twice where the script looks never, and is not rid of the engine's part.
 */
function besideOthers(persist: string, ours: FleetCosts, others: OthersCosts): Figure[] {
  const { up, idle, refresh, destroy } = ours;
  const less = (what: string, time: number, whose: keyof OthersCosts, limit: number): Figure => ({
    what: `${what} less no-op, beside ${NAMES[whose]}, ${persist}`,
    figure: (time - idle) / others[whose],
    digits: 2,
    limit,
    sides: `(${seconds(time)} - no-op ${seconds(idle)}) / ${seconds(others[whose])}`,
  });
  return [
    less("up", up, "pyinfra", 1.0),
    less("up", up, "openssh", 1.0),
    less("refresh", refresh, "pyinfra", 0.5),
    {
      what: `destroy, beside ${NAMES.opensshUndo}, ${persist}`,
      figure: destroy / others.opensshUndo,
      digits: 2,
      limit: 1.2,
      sides: `${seconds(destroy)} / ${seconds(others.opensshUndo)}`,
    },
  ];
}

const NAMES: Record<keyof OthersCosts, string> = {
  openssh: "a script by ssh",
  opensshUndo: "its undoing by ssh",
  pyinfra: "pyinfra",
};

function memory({ hosts, bare, persistent, memoryOfTwice }: FleetMeasured): Figure[] {
  const most = Math.max(bare.memory, persistent.memory);
  return [
    {
      what: "provider: peak memory, MiB",
      figure: mebibytes(most),
      digits: 0,
      sides: `VmHWM during the up of ${hosts} hosts`,
    },
    {
      what: "provider: peak memory with twice the hosts, beside it",
      figure: memoryOfTwice / most,
      digits: 2,
      limit: 1.1,
      sides: `${mebibytes(memoryOfTwice).toFixed(0)} MiB / ${mebibytes(most).toFixed(0)} MiB`,
    },
  ];
}

function mebibytes(bytes: number): number {
  return bytes / 1024 / 1024;
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`;
}
