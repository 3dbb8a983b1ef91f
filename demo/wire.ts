import { setTimeout as pause } from "node:timers/promises";

import { countVipFrames, recordVipFrames, type VipFrames } from "../lab/vip-frames";
import { expectSame } from "./narrator";
import type { Scene } from "./scene";

/**
 * Asks everybody on the wire, for a second, who has each address, and shows who answered.
 * @param wanted the names of those who should
 * @throws Mismatch when others, more or fewer did
 */
export async function askWire(
  scene: Scene,
  addresses: readonly string[],
  wanted: readonly string[],
): Promise<void> {
  const { lab } = scene;
  const answers = await Promise.all(
    addresses.map(async (address): Promise<[string, string]> => {
      const macs = await (address.includes(":") ? lab.solicit(address) : lab.arping(address));
      return [address, macs.map((mac) => nameOf(scene, mac)).join(", ")];
    }),
  );
  scene.narrator.table(answers.map(([address, names]) => [`who has ${address}?`, names]));
  for (const [address, names] of answers)
    expectSame(`who has ${address}?`, names, wanted.join(", "));
}

/** Asks for the VIPs again and again while something happens. @returns all that was said. */
export async function askMeanwhile<T>(
  { lab }: Scene,
  happens: () => Promise<T>,
): Promise<{ outcome: T; frames: VipFrames }> {
  const capture = await recordVipFrames(lab);
  let isOver = false;
  const ask = async (vip: string, first: number): Promise<void> => {
    await pause(first);
    while (!isOver) await (vip.includes(":") ? lab.solicit(vip) : lab.arping(vip));
  };
  // Each asks at once and a second later; four of them leave no long gaps.
  const [vip, vip6] = lab.vips;
  const askers = [...[0, 250, 500, 750].map((first) => ask(vip, first)), ask(vip6, 0)];
  for (const asker of askers) asker.catch(() => undefined);
  try {
    const outcome = await happens();
    isOver = true;
    await Promise.all(askers);
    return { outcome, frames: await countVipFrames(capture, lab.vips) };
  } finally {
    isOver = true;
    await Promise.allSettled(askers);
    await capture.stop();
  }
}

/** The name of the machine that has this MAC. */
export function nameOf({ director, lab }: Scene, mac: string): string {
  if (mac === director.mac) return "director";
  return lab.hosts.find((host) => host.mac === mac)?.name ?? mac;
}
