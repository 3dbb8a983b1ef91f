import { setTimeout as sleep } from "node:timers/promises";

import type { Lab } from "../../test/lab/lab";

/** Who answered for which address. */
export interface Answers {
  /** By address: a MAC, several with commas, or nothing. */
  readonly macs: ReadonlyMap<string, string>;
  /** tcpdump's lines without times and lengths, each different one once. */
  readonly frames: string;
}

/** Asks everybody on the wire at once, by ARP and by neighbour solicitation, for a second. */
export async function askWire(lab: Lab, addresses: readonly string[]): Promise<Answers> {
  // Neighbour solicitations and advertisements, 135 and 136 (RFC 4861), name the address inside.
  const capture = await lab.capture("arp or (icmp6 and (ip6[40] == 135 or ip6[40] == 136))");
  const asked = await Promise.allSettled(
    addresses.map(async (one): Promise<[string, string]> => {
      const macs = one.includes(":") ? await lab.solicit(one) : await lab.arping(one);
      return [one, macs.join()];
    }),
  );
  const frames = (await capture.stop()).split("\n").filter((frame) => {
    return addresses.some((one) => new RegExp(`(who-has|who has|Reply|is) ${one}[, ]`).test(frame));
  });
  const lines = new Set(frames.map((frame) => frame.replace(/^\S+ (.*?), ethertype .*?:/, "$1:")));
  return { macs: new Map(succeeded(asked)), frames: [...lines].join("\n") };
}

/** A neighbour that asks for a VIP again and again, and a record of everything said about it. */
export interface Watch {
  /** @returns how often was asked, and the frames in which somebody says that the VIP is his. */
  stop(): Promise<{ asked: number; claims: string[] }>;
}

/** Starts asking. */
export async function watchWire(lab: Lab, vip: string): Promise<Watch> {
  const capture = await lab.capture(`arp and host ${vip}`);
  let watching = true;
  // Each asks at once and a second later; eight of them, one after the other, leave no long gaps.
  const askers = Array.from({ length: 8 }, async (_, at): Promise<void> => {
    await sleep(at * 125);
    while (watching) await lab.arping(vip);
  });
  // What goes wrong is heard of in the end; until then it is no unhandled rejection.
  for (const asker of askers) asker.catch(() => undefined);
  const end = async (): Promise<{ asked: number; claims: string[] }> => {
    watching = false;
    const asked = await Promise.allSettled(askers);
    const frames = (await capture.stop()).split("\n").filter((line) => line !== "");
    succeeded(asked);
    const claims = frames.filter((frame) => isClaim(frame, vip));
    return { asked: frames.length - claims.length, claims };
  };
  let ended: ReturnType<typeof end> | undefined;
  return { stop: () => (ended ??= end()) };
}

/** A capture is ended first, whatever became of the questions. */
function succeeded<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}

/** An answer, or a request in which the one who asks says that the VIP is his. */
function isClaim(frame: string, vip: string): boolean {
  return frame.includes(`Reply ${vip} is-at`) || frame.includes(`tell ${vip},`);
}
