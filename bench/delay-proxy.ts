import { createServer, Socket, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to a host that is slower than the straight one, by a fixed time. */
export interface DelayProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** How many there were so far. */
  connections(): number;
  /**
   * Round trips of the connections from that one on (0: the first), the handshake of TCP among them: how
   * often the host has answered something new. Whatever it says until it is spoken to again is one answer,
   * and whether it is still there is nothing new.
   */
  roundTrips(from: number): number;
  /** Ends it and every connection through it. */
  close(): Promise<void>;
}

/**
 * Listens on loopback and passes everything on to a host, each way `oneWay` milliseconds later.
 *
 * TCP's own handshake is counted, too: our listener answers at once, where a far host's answer
 * would take a round trip; so what the client says is passed on as if it had waited for that.
 */
export async function openDelayProxy(
  target: { readonly host: string; readonly port: number },
  oneWay: number,
): Promise<DelayProxy> {
  const sockets = new Set<Socket>();
  const trips: number[] = [];
  const server = createServer({ noDelay: true }, (near) => {
    const connection = trips.push(1) - 1;
    let isSaid = false;
    let last = performance.now();
    near.on("data", () => {
      // What comes after a long silence only asks whether the host is still there.
      isSaid ||= performance.now() - last < KEEPALIVE;
      last = performance.now();
    });
    const far = new Socket();
    const connected = performance.now() + 2 * oneWay;
    far.on("data", () => {
      last = performance.now();
      if (isSaid) trips[connection] = (trips[connection] ?? 0) + 1;
      isSaid = false;
    });
    for (const socket of [near, far]) {
      sockets.add(socket);
      socket.on("close", () => sockets.delete(socket)).on("error", () => undefined);
    }
    // SYN and SYN-ACK, and the ACK upon which the host's sshd says its first word.
    const reached = waitUntil(connected + oneWay).then(() => {
      far.connect({ ...target, noDelay: true });
    });
    pass(near, far, oneWay, connected, reached);
    pass(far, near, oneWay, connected, reached);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    port: (server.address() as AddressInfo).port,
    connections: () => trips.length,
    roundTrips: (from) => trips.slice(from).reduce((sum, count) => sum + count, 0),
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** In milliseconds, and a little less than src/transport waits before it asks. */
const KEEPALIVE = 4500;

/** Each piece waits for its own time and for the one before it. */
function pass(
  from: Socket,
  to: Socket,
  oneWay: number,
  connected: number,
  reached: Promise<void>,
): void {
  let before = reached;
  const later = (act: () => void): void => {
    const due = Math.max(performance.now(), connected) + oneWay;
    before = before.then(() => waitUntil(due)).then(act);
  };
  from.on("data", (chunk: Buffer) => later(() => to.destroyed || to.write(chunk)));
  from.on("end", () => later(() => to.end()));
  from.on("close", () => later(() => to.destroy()));
}

/** Timers come up to a millisecond late, which adds up over ten round trips: the last one is spun. */
async function waitUntil(due: number): Promise<void> {
  const early = Math.floor(due - performance.now()) - 1;
  if (early > 0) await sleep(early);
  while (performance.now() < due) await new Promise((resolve) => setImmediate(resolve));
}
