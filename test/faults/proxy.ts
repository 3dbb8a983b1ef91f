import { once } from "node:events";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";

/** Up is from the client to the host. */
export type Direction = "up" | "down";

/** What becomes of the connection. */
export type Cut =
  /** Both ends are closed in good order. */
  | "close"
  /** One end is: no more bytes come this way, the other way goes on. */
  | "half-close"
  /** Nothing is passed on any more, and nobody is told. */
  | "stall"
  /** Both ends get a RST. */
  | "reset"
  /**
   * What comes down waits until what comes at this moment is over, so that the host is not told to go
   * on; what goes up is passed on, and the host is at work meanwhile.
   */
  | "hold";

/** What one end said before the other one spoke. */
export interface Turn {
  readonly direction: Direction;
  readonly bytes: number;
}

/** When a fault comes: after so many bytes of one turn of the operation's first connection. */
export interface Moment extends Turn {
  /** Which turn of this direction after the script, from 1; with 0 all turns up to the script count as one. */
  readonly turn: number;
  /** The script is the first turn up of so many bytes, or more. */
  readonly script: number;
}

/** What the proxy does in the next operation. */
export interface Arming {
  readonly moment: Moment;
  readonly cut: Cut;
  /** Whether later connections are refused until the proxy is disarmed. */
  readonly thenRefuse: boolean;
  /** Called once, at the moment. A connection that is held goes on when the promise is kept. */
  onMoment(): Promise<unknown>;
}

/** Stands before a host's real sshd, on a port of this machine, and breaks what it passes on. */
export class Proxy {
  /** What it says, in the host's place, to who connects, and no more; empty where it passes on all. */
  words = "";
  /** Of the first connection since it was armed. */
  turns: Turn[] = [];
  #arming: Arming | undefined;
  #connections = 0;
  #struck = false;
  readonly #sockets = new Set<Socket>();

  private constructor(
    private readonly server: Server,
    private readonly target: { host: string; port: number },
  ) {
    server.on("connection", (client) => this.#serve(client));
  }

  /** Listens on 127.0.0.1. */
  static async start(target: { host: string; port: number }): Promise<Proxy> {
    // Half-open: what a close of one direction does is for the ends to decide.
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    server.unref();
    return new Proxy(server, target);
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  /** Breaks the next operation. */
  arm(arming: Arming): void {
    this.disarm();
    this.#arming = arming;
  }

  /** Passes on everything again; connections that are there, stalled ones too, are reset. */
  disarm(): void {
    this.#arming = undefined;
    this.#connections = 0;
    this.turns = [];
    this.#struck = false;
    for (const socket of this.#sockets) socket.destroy();
    this.#sockets.clear();
  }

  async end(): Promise<void> {
    this.disarm();
    this.server.close();
    await once(this.server, "close");
  }

  #serve(client: Socket): void {
    const arming = this.#arming;
    this.#connections += 1;
    const isFirst = this.#connections === 1;
    if (this.words !== "") {
      client.on("error", () => undefined).on("end", () => client.destroy());
      client.resume().end(this.words);
      return;
    }
    if (arming?.thenRefuse === true && !isFirst) {
      client.resetAndDestroy();
      return;
    }
    const host = connect({ ...this.target, allowHalfOpen: true, noDelay: true });
    const link = new Link(client, host);
    for (const socket of [client, host]) {
      this.#sockets.add(socket);
      socket.on("error", () => link.break("reset"));
      socket.on("close", () => this.#sockets.delete(socket));
    }
    const watch = isFirst ? arming : undefined;
    link.pass("up", (size) => (isFirst ? this.#count("up", size, watch, link) : size));
    link.pass("down", (size) => (isFirst ? this.#count("down", size, watch, link) : size));
  }

  /** How many of these bytes still pass. */
  #count(direction: Direction, size: number, arming: Arming | undefined, link: Link): number {
    const last = this.turns.at(-1);
    const spoken = last?.direction === direction ? last.bytes : 0;
    this.turns.splice(spoken > 0 ? -1 : this.turns.length, 1, { direction, bytes: spoken + size });
    if (arming === undefined || arming.moment.direction !== direction || this.#struck) return size;
    const { moment, cut } = arming;
    const { turn, bytes } = whereIn(this.turns, moment.script);
    // A turn may be shorter than it was in the dry run: then the moment is the next one's beginning.
    const left = turn > moment.turn ? 0 : moment.bytes - (bytes - size);
    if (turn < moment.turn || left > size) return size;
    this.#struck = true;
    // After these bytes have been written, so that "n bytes passed" is true to the byte.
    setImmediate(() => {
      link.break(cut, direction);
      if (this.#arming === arming) void arming.onMoment().finally(() => link.goOn());
    });
    if (cut === "hold" && direction === "down") link.hold();
    return cut === "hold" ? size : Math.max(0, left);
  }
}

/** The last turn's number after the script, and its bytes; up to the script's end 0, and all bytes that way. */
function whereIn(turns: readonly Turn[], script: number): Pick<Moment, "turn" | "bytes"> {
  const { direction, bytes } = turns.at(-1)!;
  const opening = turns.findIndex((one) => one.direction === "up" && one.bytes >= script);
  const isThat = (one: Turn): boolean => one.direction === direction;
  if (opening >= 0 && opening < turns.length - 1)
    return { turn: turns.slice(opening + 1).filter(isThat).length, bytes };
  return { turn: 0, bytes: turns.filter(isThat).reduce((sum, one) => sum + one.bytes, 0) };
}

/** Two sockets whose bytes go to each other. */
class Link {
  #silent = { up: false, down: false };
  #held: (() => void)[] | undefined;

  constructor(
    private readonly client: Socket,
    private readonly host: Socket,
  ) {}

  pass(direction: Direction, admit: (size: number) => number): void {
    const [from, to] = this.#ends(direction);
    from.on("data", (chunk: Buffer) => {
      if (this.#silent[direction]) return;
      const admitted = admit(chunk.length);
      if (admitted < chunk.length) this.#silent[direction] = true;
      if (admitted > 0) this.#soon(() => to.write(chunk.subarray(0, admitted)));
    });
    from.on("end", () => {
      if (!this.#silent[direction]) this.#soon(() => to.end());
    });
  }

  hold(): void {
    this.#held ??= [];
  }

  goOn(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const act of held) act();
  }

  #soon(act: () => void): void {
    if (this.#held === undefined) act();
    else this.#held.push(act);
  }

  break(cut: Cut, direction: Direction = "up"): void {
    switch (cut) {
      case "hold":
        return;
      case "stall":
        this.#silent = { up: true, down: true };
        return;
      case "half-close":
        this.#silent[direction] = true;
        this.#ends(direction)[1].end();
        return;
      case "close":
        this.#silent = { up: true, down: true };
        for (const socket of [this.client, this.host]) socket.destroySoon();
        return;
      case "reset":
        this.#silent = { up: true, down: true };
        for (const socket of [this.client, this.host]) socket.resetAndDestroy();
        return;
    }
  }

  #ends(direction: Direction): [Socket, Socket] {
    return direction === "up" ? [this.client, this.host] : [this.host, this.client];
  }
}
