import { createServer, Socket, type AddressInfo } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** A way to a host that is slower than the straight one, by a fixed time. */
export interface DelayProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** How many there were so far. */
  connections(): number;
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
  let connections = 0;
  const server = createServer({ noDelay: true }, (near) => {
    connections += 1;
    const far = new Socket();
    const connected = performance.now() + 2 * oneWay;
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
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

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
