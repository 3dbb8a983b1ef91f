import type { Capture } from "./capture";
import type { Lab } from "./lab";

/** Who asked for a VIP, and who answered, while a capture ran. Hosts by their MAC. */
export interface VipFrames {
  /** Requests for a VIP's MAC: ARP requests and neighbour solicitations. */
  readonly requests: number;
  readonly answers: Readonly<Record<string, number>>;
  /** ARP requests in which the one who asks says that a VIP is his. */
  readonly announcements: Readonly<Record<string, number>>;
  /** Connections accepted with a VIP as the source address, by the MAC they came from. */
  readonly accepted: Readonly<Record<string, number>>;
}

/** Records ARP, neighbour discovery, and the second packet of every TCP connection. */
export async function recordVipFrames(lab: Lab): Promise<Capture> {
  const discovery = "icmp6 and (ip6[40] == 135 or ip6[40] == 136)";
  return lab.capture(`arp or (${discovery}) or (tcp[13] == 18) or (ip6[6] == 6 and ip6[53] == 18)`);
}

/** Ends the recording and counts what it saw of these VIPs. */
export async function countVipFrames(
  capture: Capture,
  vips: readonly string[],
): Promise<VipFrames> {
  const seen = { requests: 0, answers: {}, announcements: {}, accepted: {} } satisfies VipFrames;
  const connections = new Set<string>();
  for (const frame of (await capture.stop()).split("\n")) {
    const source = frame.split(" ")[1] ?? "";
    for (const vip of vips) {
      // ARP, then neighbour discovery; the closing blank or comma ends the address.
      if (frame.includes(` tell ${vip},`)) increment(seen.announcements, source);
      else if (includesAny(frame, [`who-has ${vip} `, `who has ${vip},`])) seen.requests += 1;
      if (includesAny(frame, [`Reply ${vip} `, `tgt is ${vip},`])) increment(seen.answers, source);
      const [, connection] = frame.split(` ${vip}.80 > `);
      // One that is repeated, because its answer was late, is still one.
      const end = connection?.split(": ")[0];
      if (end === undefined || connections.has(`${source} ${end}`)) continue;
      connections.add(`${source} ${end}`);
      increment(seen.accepted, source);
    }
  }
  return seen;
}

function includesAny(text: string, parts: readonly string[]): boolean {
  return parts.some((part) => text.includes(part));
}

function increment(counts: Record<string, number>, key: string): void {
  counts[key] = (counts[key] ?? 0) + 1;
}
