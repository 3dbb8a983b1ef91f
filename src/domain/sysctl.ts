/**
 * The two kernel settings that keep a real server quiet, and what their values mean.
 *
 * The kernel decides on the NIC that hears a request (`arp_ignore`) or sends one (`arp_announce`),
 * with `max(conf.all, conf.<NIC>)`: Documentation/networking/ip-sysctl.rst, and IN_DEV_MAXCONF in
 * include/linux/inetdevice.h.
 */
export type ArpKey = "arp_ignore" | "arp_announce";

/** Both keys, in the order in which they are written. */
export const ARP_KEYS: readonly ArpKey[] = ["arp_ignore", "arp_announce"];

/** A pair of values as one interface has them: `arp_ignore` 0-8, `arp_announce` 0-2 (larger acts as 0). */
export interface ArpValues {
  readonly arp_ignore: number;
  readonly arp_announce: number;
}

/** One owner's claim: this key of this interface ("all" or a NIC) is to be at least this strict. */
export interface SysctlClaim {
  readonly interface: string;
  readonly key: ArpKey;
  readonly value: number;
}

/**
 * What a key was before this package first wrote it, and what was written: it goes back only while
 * it still has the written value.
 */
export interface SavedSysctl {
  readonly interface: string;
  readonly key: ArpKey;
  /** Before the first claim. */
  readonly value: number;
  /** The last value that this package wrote. */
  readonly written: number;
}

/**
 * Is a VIP of scope host on `lo` neither answered nor announced with this effective value?
 *
 * Not monotonic: `arp_ignore` 1, 2 and (for scope host) 3 are silent, 4 and above leak or, at 8,
 * silence the host's own address too; `arp_announce` is silent at exactly 2.
 */
export function isSilent(key: ArpKey, effective: number): boolean {
  return key === "arp_announce" ? effective === 2 : effective >= 1 && effective <= 3;
}

/** Silent, and no laxer than what was claimed. */
export function satisfies(key: ArpKey, effective: number, claimed: number): boolean {
  return isSilent(key, effective) && effective >= claimed;
}

/** The kernel's rule: the larger of the interface's own value and that of `all`. */
export function effective(all: ArpValues, own: ArpValues): ArpValues {
  return {
    arp_ignore: Math.max(all.arp_ignore, own.arp_ignore),
    arp_announce: Math.max(all.arp_announce, own.arp_announce),
  };
}

/** The strictest claim on each key, in the order of first mention. */
export function strictest(claims: readonly SysctlClaim[]): SysctlClaim[] {
  const byKey = new Map<string, SysctlClaim>();
  for (const claim of claims) {
    const known = byKey.get(nameOf(claim));
    if (known === undefined || known.value < claim.value) byKey.set(nameOf(claim), claim);
  }
  return [...byKey.values()];
}

/** A key's name for people and for comparing: `eth0.100 arp_ignore`. */
export function nameOf(key: { readonly interface: string; readonly key: ArpKey }): string {
  return `${key.interface} ${key.key}`;
}

/**
 * A saved value as four words, the one spelling of it: interface, key, value, value written. A state
 * joins them by blanks (`all arp_ignore 0 1`); the registry has the interface last.
 */
export function savedWords({ interface: nic, key, value, written }: SavedSysctl): string[] {
  return [nic, key, `${value}`, `${written}`];
}

/** Reads what {@link savedWords} wrote; undefined for other words. Any value that the kernel keeps, -1 too. */
export function savedFrom(words: readonly string[]): SavedSysctl | undefined {
  const [nic = "", key, value = "", written = "", ...more] = words;
  const numbers = [value, written].every((number) => /^-?\d+$/.test(number));
  if (!isArpKey(key) || !isInterface(nic) || !numbers || more.length > 0) return undefined;
  return { interface: nic, key, value: Number(value), written: Number(written) };
}

/** Is it one of the two keys? */
export function isArpKey(text: string | undefined): text is ArpKey {
  return ARP_KEYS.some((key) => key === text);
}

/**
 * Is it an interface as a record or a state has it? It becomes part of a path on the host, and must not lead out
 * of there. The kernel takes control characters in a name, no input does: with one, they are damaged.
 */
export function isInterface(text: string): boolean {
  return text !== "" && !/[ /\p{Cc}]/u.test(text) && text !== "." && text !== "..";
}
