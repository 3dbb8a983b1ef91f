import type { Guest } from "../lab/guest";
import type { Lab } from "../lab/lab";
import { shapeOf } from "../src/inputs/service-shape";
import { parseServiceSettings } from "../src/inputs/virtual-service";
import { inspectService, serve, withdrawService } from "../src/operation/serve";
import type { Operation } from "../src/operation/session";
import type { ServiceClaim } from "../src/plan/service/claim";
import { accessBy } from "../src/transport/access";
import { bestThrough, ROUND_TRIP, type Distance } from "./round-trips";

/** What one service costs, by the number of its destinations. */
export interface DirectorCosts {
  readonly destinations: number;
  readonly read: Distance;
  readonly create: Distance;
  /** Processes that a create starts on the director. */
  readonly processes: number;
  /** Connections of a create and a read. */
  readonly connections: number;
}

/** Measures a service on a director that is a guest, with a kernel, a disk and an sshd of its own. */
export async function directorCosts(
  lab: Lab,
  guest: Guest,
  signal: AbortSignal,
): Promise<DirectorCosts[]> {
  const costs: DirectorCosts[] = [];
  for (const destinations of [1, 500]) {
    const near = await measure(lab, guest, destinations, 0, signal);
    const far = await measure(lab, guest, destinations, ROUND_TRIP / 2, signal);
    const distance = (what: "create" | "read"): Distance => {
      const [a, b] = [near.best[what], far.best[what]];
      return { near: a, far: b, roundTrips: (b - a) / ROUND_TRIP };
    };
    const { processes, connections } = near;
    costs.push({
      ...{ destinations, read: distance("read"), create: distance("create") },
      ...{ processes, connections },
    });
  }
  return costs;
}

async function measure(
  lab: Lab,
  guest: Guest,
  destinations: number,
  oneWay: number,
  signal: AbortSignal,
) {
  const claim = claimOf(destinations);
  let processes = Infinity;
  const target = { host: guest.address, port: guest.port };
  const { best, connections } = await bestThrough(
    target,
    oneWay,
    async (port, timed) => {
      const operation = operationBy(lab, port, guest.hostKey, signal);
      const before = await started(guest);
      await timed("create", () => serve(operation, claim));
      processes = Math.min(processes, (await started(guest)) - before);
      await timed("read", () => inspectService(operation, claim));
    },
    () => withdrawService(operationBy(lab, guest.port, guest.hostKey, signal, guest), claim),
  );
  return { best, processes, connections };
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
