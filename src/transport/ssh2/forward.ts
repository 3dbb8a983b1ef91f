import type { Client } from "ssh2";
import type { Duplex } from "node:stream";
import { excerpt } from "../../domain/terminal";
import type { Endpoint, FromHost } from "../transport";

/**
 * A TCP connection that an SSH server makes for us, as a channel (RFC 4254, 7.2).
 *
 * @throws the signal's reason
 */
export function forward(client: Client, to: Endpoint, signal: AbortSignal): Promise<FromHost> {
  return new Promise((resolve, reject) => {
    const stop = (): void => reject(signal.reason as Error);
    signal.addEventListener("abort", stop, { once: true });
    const settle = (error: OpenError | undefined, channel?: Duplex): void => {
      signal.removeEventListener("abort", stop);
      // Without a listener an error of the stream would end the process.
      channel?.on("error", () => undefined);
      if (signal.aborted) channel?.destroy();
      else if (channel !== undefined) resolve({ kind: "connected", stream: channel });
      else resolve(notOpened(error));
    };
    try {
      client.forwardOut("127.0.0.1", 0, to.address, to.port, (error, channel) =>
        settle(error, error === undefined ? channel : undefined),
      );
    } catch (error) {
      // ssh2 throws at once when it knows that the connection is gone.
      settle(error as Error);
    }
  });
}

type OpenError = Error & { readonly reason?: unknown };

/** Reason 1 (RFC 4254, 5.1): asking again would not help. */
function notOpened(error: OpenError | undefined): FromHost {
  const words = excerpt(error?.message ?? "").replace(/^\(SSH\) Channel open failure: /, "");
  return error?.reason === 1
    ? { kind: "forbidden", words: `administratively prohibited: ${words}` }
    : { kind: "not-connected", words };
}
