import type { Client, ConnectConfig } from "ssh2";

/**
 * Connects, without what ssh2 does about the host keys that OpenSSH's servers offer after a login: it has
 * each proven, with a signature there and a check here, and nobody here takes the keys.
 *
 * ssh2 has no option for that, so the handler of its protocol is wrapped. Where a later ssh2 has none, the
 * keys are proven as before.
 */
export function connectWithoutProofs(client: Client, config: ConnectConfig): void {
  client.connect(config);
  const handlers = (client as unknown as Internals)._protocol?._handlers;
  const handle = handlers?.GLOBAL_REQUEST;
  if (handlers === undefined || typeof handle !== "function") return;
  handlers.GLOBAL_REQUEST = (...words) => {
    const [, name, wantsReply] = words;
    // OpenSSH wants no reply to it, see PROTOCOL in its source, 2.5.
    if (name !== "hostkeys-00@openssh.com" || wantsReply) handle.apply(handlers, words);
  };
}

/** As of ssh2 1.17: `messageHandlers` of its Protocol, which a client makes in `connect`. */
interface Internals {
  readonly _protocol?: {
    readonly _handlers?: {
      GLOBAL_REQUEST?: (
        ...words: [protocol: unknown, name: string, wantsReply: boolean, ...unknown[]]
      ) => void;
    };
  };
}
