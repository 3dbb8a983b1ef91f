import { createSocket } from "node:dgram";
import { connect, isIP } from "node:net";
import type { Duplex } from "node:stream";
import type { Hop } from "../connection";
import { connectProblem, TryAgain } from "../problems";

/**
 * Makes the byte stream for an attempt, and says when the hop itself is being dialled: until then a
 * name is looked up, or a bastion asked.
 *
 * @throws TryAgain, and the signal's reason
 */
export type OpenStream = (signal: AbortSignal, onDialling: () => void) => Promise<Duplex>;

/** A TCP connection of our own: ssh2 leaves Nagle's algorithm on, at up to 40 ms a message. */
export function openTcp(hop: Hop): OpenStream {
  return (signal, onDialling) =>
    new Promise((resolve, reject) => {
      const socket = connect({
        host: hop.host,
        port: hop.port,
        noDelay: true,
        // Node's 250 ms for each address of a name is less than a round trip round the world.
        autoSelectFamilyAttemptTimeout: 2000,
      });
      const stop = (): void => {
        socket.destroy();
        reject(signal.reason as Error);
      };
      signal.addEventListener("abort", stop, { once: true });
      socket.on("connectionAttempt", onDialling);
      // Node announces no attempt where there is no name to look up.
      if (isIP(hop.host) !== 0) onDialling();
      const fail = (error: Error): void => {
        signal.removeEventListener("abort", stop);
        void connectFailure(error).then(reject);
      };
      socket.once("error", fail);
      socket.once("connect", () => {
        signal.removeEventListener("abort", stop);
        socket.removeListener("error", fail);
        resolve(socket);
      });
    });
}

/**
 * "No route" counts only as far as this machine has one: where its own table refuses, the host was
 * not asked.
 */
async function connectFailure(error: Error): Promise<TryAgain> {
  const { text, sign, unrouted } = connectProblem(error);
  const routed = await Promise.all(unrouted.map(hasRouteTo));
  if (routed.every((one) => one)) return new TryAgain(text, sign, { cause: error });
  return new TryAgain(`${text}, by this machine's own routes`, "nothing", { cause: error });
}

/** connect(2) on a datagram socket looks a route up, and sends nothing. */
function hasRouteTo(address: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = createSocket(isIP(address) === 6 ? "udp6" : "udp4");
    const end = (found: boolean): void => {
      socket.close();
      resolve(found);
    };
    socket.once("error", () => end(false));
    socket.once("connect", () => end(true));
    socket.connect(9, address);
  });
}
