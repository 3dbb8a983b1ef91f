import { setTimeout as pause } from "node:timers/promises";

import type { Capture } from "./capture";
import type { Client, RequestStream, StreamResult } from "./client";
import type { Lab } from "./lab";
import { countVipFrames, recordVipFrames, type VipFrames } from "./vip-frames";

/** What became of the requests, and what the wire said meanwhile. */
export interface TrafficOutcome {
  readonly requests: StreamResult;
  readonly frames: VipFrames;
}

/**
 * A client's steady requests to VIPs while something else happens, and a record of the wire. Four
 * times a second the client forgets whose the VIPs are, and asks the wire again.
 */
export class Traffic {
  #flows = true;
  #stopped: Promise<TrafficOutcome> | undefined;
  readonly #forgetting: Promise<void>;

  private constructor(
    private readonly client: Client,
    private readonly vips: readonly string[],
    private readonly capture: Capture,
    private readonly stream: RequestStream,
  ) {
    this.#forgetting = this.#forget();
    // What goes wrong is told by stop().
    this.#forgetting.catch(() => undefined);
  }

  /** Starts it over these VIPs in turn. */
  static async start(
    lab: Lab,
    client: Client,
    vips: readonly string[],
    perSecond: number,
  ): Promise<Traffic> {
    const capture = await recordVipFrames(lab);
    return new Traffic(client, vips, capture, await client.stream(vips, perSecond));
  }

  /** What became of the requests until now; some are under way. */
  async soFar(): Promise<StreamResult> {
    return this.stream.soFar();
  }

  /**
   * Waits until this holds of the requests.
   * @throws Error after a minute; the signal's reason
   */
  async until(holds: (requests: StreamResult) => boolean, signal?: AbortSignal): Promise<void> {
    const deadline = Date.now() + 60_000;
    for (;;) {
      signal?.throwIfAborted();
      const requests = await this.soFar();
      if (holds(requests)) return;
      if (Date.now() > deadline)
        throw new Error(`not so within a minute: ${holds.toString()}, ${JSON.stringify(requests)}`);
      await pause(100);
    }
  }

  /** Sends no more, waits for what is under way, and ends. */
  async stop(): Promise<TrafficOutcome> {
    this.#stopped ??= this.#end();
    return this.#stopped;
  }

  async #end(): Promise<TrafficOutcome> {
    this.#flows = false;
    const ended = await Promise.allSettled([this.#forgetting, this.stream.stop()]);
    const frames = await countVipFrames(this.capture, this.vips);
    const [forgetting, requests] = ended;
    if (forgetting.status === "rejected") throw forgetting.reason;
    if (requests.status === "rejected") throw requests.reason;
    return { requests: requests.value, frames };
  }

  async #forget(): Promise<void> {
    // Not what is being asked for: that would fail the requests that wait for the answer.
    const known = "nud reachable nud stale nud delay";
    const line = this.vips.map((vip) => `ip neigh flush to ${vip} ${known}`).join("; ");
    while (this.#flows) {
      await this.client.host.run(line);
      await pause(250);
    }
  }
}
