import type { Lab } from "../../test/lab/lab";

/** Who answered for which address: a MAC, several with commas, or nothing; and all frames of it. */
export interface Answers {
  readonly macs: ReadonlyMap<string, string>;
  /** tcpdump's lines. */
  readonly frames: string;
}

/** Asks everybody on the wire at once, by ARP and by neighbour solicitation, for a second. */
export async function askWire(lab: Lab, addresses: readonly string[]): Promise<Answers> {
  const names = addresses.map((one) => `host ${one}`).join(" or ");
  const capture = await lab.capture(`(arp or icmp6) and (${names})`);
  const answers = await Promise.all(
    addresses.map(async (one): Promise<[string, string]> => {
      const macs = one.includes(":") ? await lab.solicit(one) : await lab.arping(one);
      return [one, macs.join()];
    }),
  );
  return { macs: new Map(answers), frames: await capture.stop() };
}

/** A neighbour that asks for a VIP again and again, and a record of everything said about it. */
export interface Watch {
  /** @returns how often was asked, and the frames in which somebody says that the VIP is his. */
  stop(): Promise<{ asked: number; named: string[] }>;
}

/** Starts asking. */
export async function watchWire(lab: Lab, vip: string): Promise<Watch> {
  const capture = await lab.capture(`arp and host ${vip}`);
  let watching = true;
  const asking = (async () => {
    while (watching) await lab.arping(vip);
  })();
  return {
    stop: async () => {
      watching = false;
      await asking;
      const frames = (await capture.stop()).split("\n").filter((line) => line !== "");
      // An answer, or a request in which the VIP is the one who asks.
      const named = frames.filter((line) => / Reply | tell /.test(line) && says(line, vip));
      return { asked: frames.length - named.length, named };
    },
  };
}

function says(frame: string, vip: string): boolean {
  return frame.includes(`Reply ${vip} is-at`) || frame.includes(`tell ${vip},`);
}
