import { accessBy } from "../src/transport/access";
import { parseSettings } from "../src/inputs/real-server";
import { converge, inspectClaim, withdraw } from "../src/operation/converge";
import type { Claim } from "../src/plan/claim";
import type { Operation } from "../src/operation/session";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";
import { openDelayProxy } from "./delay-proxy";
import { VIPS } from "./program";

/** How long something takes near by, and as far away as a round trip makes it. */
export interface Distance {
  /** Milliseconds without delay. */
  readonly near: number;
  /** Milliseconds with every round trip delayed by {@link ROUND_TRIP}. */
  readonly far: number;
  /** What the difference amounts to, in round trips. */
  readonly roundTrips: number;
}

/** Milliseconds; so long that a busy machine's own hesitation hardly counts. */
export const ROUND_TRIP = 300;

/** The best of so many tries: whatever else the machine does only ever adds. */
const TRIES = 4;

/**
 * Counts the round trips of a converging create and of a read, on a host that is as it should be
 * afterwards, by the core that the provider calls.
 *
 * @param ssh whether the user's own ssh connects
 */
export async function roundTrips(
  lab: Lab,
  host: LabHost,
  signal: AbortSignal,
  ssh: boolean,
): Promise<{ create: Distance; read: Distance }> {
  const { path: privateKeyFile } = lab.keys.plain;
  const login: Login = { privateKeyFile, user: "root", hostKey: host.hostKey, ssh, signal };
  const near = await measure(login, host, 0);
  const far = await measure(login, host, ROUND_TRIP / 2);
  const distance = (what: "create" | "read"): Distance => {
    const [a, b] = [near[what], far[what]];
    return { near: a, far: b, roundTrips: (b - a) / ROUND_TRIP };
  };
  return { create: distance("create"), read: distance("read") };
}

interface Login {
  readonly privateKeyFile: string;
  readonly user: string;
  readonly hostKey: string;
  readonly ssh: boolean;
  /** Ends whatever goes on. */
  readonly signal: AbortSignal;
}

async function measure(
  login: Login,
  host: LabHost,
  oneWay: number,
): Promise<{ create: number; read: number }> {
  const straight = operation(login, host.address, host.port);
  let saved: Claim["saved"] = [];
  return bestThrough(
    { host: host.address, port: host.port },
    oneWay,
    async (port, timed) => {
      const delayed = operation(login, "127.0.0.1", port);
      ({ saved } = await timed("create", () => converge(delayed, CLAIM)));
      const { drift } = await timed("read", () => inspectClaim(delayed, CLAIM));
      if (drift.length > 0) throw new Error(`read drift after a create: ${drift.join("; ")}`);
    },
    () => withdraw(straight, { ...CLAIM, saved }, { sysctls: "restore" }),
  );
}

/** Runs a step of an attempt, and takes its time. */
type Timed = <T>(what: "create" | "read", work: () => Promise<T>) => Promise<T>;

/**
 * Tries some times through a proxy that delays both ways.
 *
 * @param attempt what is timed; @param undo what follows each attempt, and is not
 * @returns the best milliseconds of each step
 */
async function bestThrough(
  target: { readonly host: string; readonly port: number },
  oneWay: number,
  attempt: (port: number, timed: Timed) => Promise<void>,
  undo: () => Promise<unknown>,
): Promise<{ create: number; read: number }> {
  const proxy = await openDelayProxy(target, oneWay);
  const best = { create: Infinity, read: Infinity };
  const timed: Timed = async (what, work) => {
    const start = performance.now();
    const result = await work();
    best[what] = Math.min(best[what], performance.now() - start);
    return result;
  };
  try {
    for (let count = 0; count < TRIES; count++) {
      await attempt(proxy.port, timed);
      await undo();
    }
    return best;
  } finally {
    await proxy.close();
  }
}

const INPUTS = { connection: { host: "-", privateKeyFile: "-" }, vips: VIPS, owner: "bench" };
const SETTINGS = parseSettings(INPUTS);
const CLAIM: Claim = {
  owner: SETTINGS.owner,
  incarnation: "bench-1",
  vips: SETTINGS.vips,
  arp: SETTINGS.arp,
  persist: SETTINGS.persist,
  saved: [],
};

function operation({ signal, ...login }: Login, host: string, port: number): Operation {
  const { connection, timeouts } = parseSettings({
    ...INPUTS,
    connection: { host, port, ...login },
  });
  const warn = (text: string): void => console.error(text);
  return {
    ...accessBy(connection),
    timeouts,
    pins: {},
    signal,
    progress: () => undefined,
    warn,
  };
}
