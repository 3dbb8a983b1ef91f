import type { Guest } from "../lab/guest";
import type { Lab } from "../lab/lab";
import { shapeOf } from "../src/inputs/service-shape";
import { parseServiceSettings } from "../src/inputs/virtual-service";
import { inspectService, serve, withdrawService } from "../src/operation/serve";
import type { Operation } from "../src/operation/session";
import type { ServiceClaim } from "../src/plan/service/claim";
import { accessBy } from "../src/transport/access";
import { openDelayProxy, type DelayProxy } from "./delay-proxy";

/** What one service costs, by the number of its destinations. */
export interface DirectorCosts {
  readonly destinations: number;
  readonly read: Spoken;
  readonly create: Spoken;
  /** Processes that a create starts on the director. */
  readonly processes: number;
}

/** What one operation says to a director. */
export interface Spoken {
  readonly connections: number;
  readonly roundTrips: number;
}

/** Milliseconds each way: so long that what belongs together is one word, on a busy machine, too. */
const ONE_WAY = 50;

/** The best of so many tries: whatever else a director does only ever adds. */
const TRIES = 2;

/**
 * Counts what a service costs on a director that is a guest, with a kernel, a disk and an sshd of its
 * own. Nothing is timed: a guest is slow, by how much depends on what else the machine does.
 */
export async function directorCosts(
  lab: Lab,
  guest: Guest,
  signal: AbortSignal,
): Promise<DirectorCosts[]> {
  const proxy = await openDelayProxy({ host: guest.address, port: guest.port }, ONE_WAY);
  try {
    const costs: DirectorCosts[] = [];
    for (const destinations of [1, 500]) {
      console.log(`a service with ${destinations} destination${destinations === 1 ? "" : "s"}`);
      const tries: DirectorCosts[] = [];
      while (tries.length < TRIES)
        tries.push(await tryOnce({ lab, guest, proxy, signal }, destinations));
      costs.push(tries.reduce(best));
    }
    return costs;
  } finally {
    await proxy.close();
  }
}

interface Measuring {
  readonly lab: Lab;
  readonly guest: Guest;
  readonly proxy: DelayProxy;
  readonly signal: AbortSignal;
}

async function tryOnce(
  { lab, guest, proxy, signal }: Measuring,
  destinations: number,
): Promise<DirectorCosts> {
  const claim = claimOf(destinations);
  const operation = operationBy(lab, proxy.port, guest.hostKey, signal);
  const said = async (work: () => Promise<unknown>): Promise<Spoken> => {
    const before = proxy.connections();
    await work();
    return {
      connections: proxy.connections() - before,
      roundTrips: proxy.roundTrips(before),
    };
  };
  const before = await started(guest);
  const create = await said(() => serve(operation, claim));
  const processes = (await started(guest)) - before;
  const read = await said(() => inspectService(operation, claim));
  await withdrawService(operationBy(lab, guest.port, guest.hostKey, signal, guest), claim);
  return { destinations, create, read, processes };
}

function best(a: DirectorCosts, b: DirectorCosts): DirectorCosts {
  const lesser = (one: Spoken, other: Spoken) => (one.roundTrips <= other.roundTrips ? one : other);
  return {
    ...{ destinations: a.destinations, processes: Math.min(a.processes, b.processes) },
    ...{ read: lesser(a.read, b.read), create: lesser(a.create, b.create) },
  };
}

/** All processes that the director's kernel has ever started. */
async function started(guest: Guest): Promise<number> {
  return Number((await guest.run("sed -n 's/^processes //p' /proc/stat")).stdout);
}

function claimOf(destinations: number): ServiceClaim {
  const settings = parseServiceSettings({
    director: { host: "-", privateKeyFile: "-" },
    ...{ vip: "203.0.113.10", port: 80, owner: "bench" },
    destinations: Array.from({ length: destinations }, (_, index) => ({
      address: `10.1.${Math.floor(index / 250)}.${(index % 250) + 1}`,
    })),
  });
  return { owner: "bench", incarnation: "bench-1", service: shapeOf(settings), persist: true };
}

function operationBy(
  lab: Lab,
  port: number,
  hostKey: string,
  signal: AbortSignal,
  guest?: Guest,
): Operation {
  const { path: privateKeyFile } = lab.keys.plain;
  const settings = parseServiceSettings({
    director: { host: guest?.address ?? "127.0.0.1", port, privateKeyFile, hostKey },
    ...{ vip: "203.0.113.10", port: 80, owner: "bench", destinations: [] },
  });
  return {
    ...accessBy(settings.director),
    timeouts: settings.timeouts,
    ...{ pins: {}, signal, progress: () => undefined },
    // The VIP is on none of its NICs.
    warn: () => undefined,
  };
}
