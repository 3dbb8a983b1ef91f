import { parseVip, type Vip } from "../../src/domain/address";
import type { Claim, Desired } from "../../src/plan/claim";

/** A claim as the package makes one, of addresses by their text. */
export function claim(owner: string, vips: readonly string[], more: Partial<Claim> = {}): Claim {
  return {
    owner,
    incarnation: `${owner.replace(/[^0-9a-z]/g, "-")}-1`,
    vips: vips.map(vip),
    arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
    saved: [],
    ...more,
  };
}

export function serve(of: Claim): Desired {
  return { kind: "serve", claim: of, now: "2030-01-01T00:00:00Z" };
}

export function withdraw(of: Claim): Desired {
  return { kind: "withdraw", claim: of, now: "-", sysctls: "restore" };
}

function vip(text: string): Vip {
  const parsed = parseVip(text);
  if ("vip" in parsed) return parsed.vip;
  throw new Error(`${text} ${parsed.reason}`);
}
