/** A place among the operations on one host. */
export interface Turn {
  /** Waits until it is this operation's turn. @throws the signal's reason, when it aborts first */
  take(signal: AbortSignal): Promise<void>;
  /** Lets the next one in. May be called again, or without a turn. */
  release(): void;
}

/** A turn that never waits. */
export const NO_TURN: Turn = { take: () => Promise.resolve(), release: () => undefined };

/**
 * Lets so many operations on one host dial and hold its lock at once, in the order in which they came.
 * An sshd drops connections of which ten have not logged in (MaxStartups), and operations on a host
 * wait for each other anyway.
 */
export class Turns {
  private readonly queues = new Map<string, { free: number; readonly waiting: (() => void)[] }>();

  constructor(private readonly atOnce: number) {}

  /** A turn at a host, not taken yet. */
  at(host: string): Turn {
    let isTaken = false;
    return {
      take: async (signal) => {
        if (isTaken) return;
        await this.enter(host, signal);
        isTaken = true;
      },
      release: () => {
        if (isTaken) this.leave(host);
        isTaken = false;
      },
    };
  }

  private async enter(host: string, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    const queue = this.queues.get(host) ?? { free: this.atOnce, waiting: [] };
    this.queues.set(host, queue);
    if (queue.free > 0) {
      queue.free -= 1;
      return;
    }
    await new Promise<void>((resolve, reject) => {
      const stop = () => {
        queue.waiting.splice(queue.waiting.indexOf(enter), 1);
        reject(signal.reason as Error);
      };
      const enter = () => {
        signal.removeEventListener("abort", stop);
        resolve();
      };
      signal.addEventListener("abort", stop, { once: true });
      queue.waiting.push(enter);
    });
  }

  /** The place goes to the next one, or is free. */
  private leave(host: string): void {
    const queue = this.queues.get(host);
    const next = queue?.waiting.shift();
    if (next !== undefined) next();
    else if (queue !== undefined) queue.free += 1;
    if (queue?.free === this.atOnce) this.queues.delete(host);
  }
}
