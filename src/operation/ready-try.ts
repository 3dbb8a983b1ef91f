import { request as httpRequest, type IncomingMessage } from "node:http";
import { isIP } from "node:net";
import type { Duplex } from "node:stream";
import { connect as tlsConnect, type TLSSocket } from "node:tls";
import { excerpt } from "../domain/terminal";
import type { Endpoint, FromHost, Transport } from "../transport/transport";
import type { ReadyRequest, Sighting } from "./ready-words";

/** What bounds a try. */
export interface TryBounds {
  /** Ends it, and all others. */
  readonly ended: AbortSignal;
  readonly seconds: number;
}

/**
 * Connects to a place from the host itself, and has it answer a request where there is one.
 *
 * @throws the reason of `ended`; RealServerError where the transport needs a login and is refused
 */
export async function tryOnce(
  connect: Transport["connect"],
  to: Endpoint,
  request: ReadyRequest | undefined,
  { ended, seconds }: TryBounds,
): Promise<Sighting | Extract<FromHost, { readonly kind: "forbidden" }>> {
  const limit = AbortSignal.timeout(Math.ceil(seconds * 1000));
  const signal = AbortSignal.any([ended, limit]);
  const silent = { kind: "silent", seconds } as const;
  let stream: Duplex | undefined;
  try {
    const made = await connect(to, signal);
    if (made.kind !== "connected") return made;
    stream = made.stream;
    if (request === undefined) return { kind: "connected" };
    const sighting = await ask(stream, to, request, signal);
    ended.throwIfAborted();
    return sighting.kind !== "answered" && limit.aborted ? silent : sighting;
  } catch (error) {
    ended.throwIfAborted();
    if (limit.aborted) return silent;
    throw error;
  } finally {
    stream?.destroy();
  }
}

/** Of the answer its head alone is read. Node bounds what that may be, and the signal how long it takes. */
function ask(
  stream: Duplex,
  { address, port }: Endpoint,
  { path, host, https }: ReadyRequest,
  signal: AbortSignal,
): Promise<Sighting> {
  const secured = https ? tlsOver(stream, host) : undefined;
  let isSecure = !https;
  secured?.once("secureConnect", () => (isSecure = true));
  return new Promise((resolve) => {
    const request = httpRequest({
      ...{ host: address, port, defaultPort: https ? 443 : 80, path, signal, ...LENIENT },
      headers: { ...(host !== undefined && { host }), "user-agent": "pulumi-lvs-dr" },
      createConnection: () => secured ?? stream,
    });
    const answered = ({ statusCode = 0, headers: { location } }: IncomingMessage): void => {
      resolve({ kind: "answered", status: statusCode, location });
      request.destroy();
    };
    request.once("response", answered);
    request.once("upgrade", answered);
    const failed = (words: string): void =>
      resolve({ kind: "not-answered", layer: isSecure ? "HTTP" : "TLS", words });
    request.on("error", (error) => failed(wordsOf(error)));
    request.once("close", () => failed("closed without an answer"));
    request.end();
  });
}

/** As other checks are: a script that ends its lines as a shell does may be healthy. */
const LENIENT = { insecureHTTPParser: true } as const;

/** An address is no name to ask for (RFC 6066, 3). */
function tlsOver(stream: Duplex, host = ""): TLSSocket {
  const name = host.replace(/:\d+$/, "");
  const isName = name !== "" && isIP(name.replace(/^\[|\]$/g, "")) === 0;
  return tlsConnect({
    socket: stream,
    rejectUnauthorized: false,
    ...(isName && { servername: name }),
    ALPNProtocols: ["http/1.1"],
  });
}

/** OpenSSL's errors are `error:0A00010B:SSL routines:FUNCTION:the reason:FILE:LINE` (ERR_error_string(3)). */
function wordsOf({ message }: Error): string {
  return excerpt(/error:[0-9A-F]{8}:[^:]*:[^:]*:([^:]+)/.exec(message)?.[1] ?? message);
}
