import type { Vip } from "../../domain/address";

/** One service of a pool on one director. */
export interface ServicePlace {
  /** The director's name in the program. */
  readonly director: string;
  readonly vip: Vip;
  readonly port: number;
  readonly protocol: "tcp" | "udp";
}

/**
 * The name of a service within its pool: `lb-1-203.0.113.10-80`, `lb-1-2001.db8..10-53-udp`. No two places
 * have one name, because only a director's name can have hyphens. IPv6 is written with dots, for `::` is
 * what separates the parts of a URN.
 */
export function serviceNameOf({ director, vip, port, protocol }: ServicePlace): string {
  const address = vip.address.replaceAll(":", ".");
  return `${director}-${address}-${port}${protocol === "udp" ? "-udp" : ""}`;
}

/** The name of a pool's resource in the program. */
export function childName(pool: string, name: string): string {
  return `${pool}-${name}`;
}
