import ipaddr from "ipaddr.js";
import { canonicalAddress } from "../domain/address";

/**
 * An address in each form in which /proc/net/tcp and tcp6 may print it: 32-bit words in the host's byte
 * order. An answer does not say which order that is, so both are here; that a host also has the
 * address with its bytes swapped is next to impossible, and would only make a drain wait for it. An
 * IPv4 address is here as IPv4-mapped, too, as a dual-stack listener has it.
 */
export function inProcTcp(address: string): string[] {
  const parsed = ipaddr.parse(address);
  const both = parsed instanceof ipaddr.IPv4 ? [parsed, parsed.toIPv4MappedAddress()] : [parsed];
  return both.flatMap((one) => {
    const bytes = one.toByteArray();
    return [Buffer.from(bytes), Buffer.from(bytes).swap32()].map((words) =>
      words.toString("hex").toUpperCase(),
    );
  });
}

/**
 * The address that /proc/net/tcp or tcp6 prints as these 8 or 32 digits, on a little-endian host. Of an
 * IPv4-mapped one it is the IPv4 address.
 */
export function ofProcTcp(hex: string): string {
  return ipaddr.process(addressOfBytes(Buffer.from(hex, "hex").swap32())).toString();
}

/** The IPv4 address that /proc/net/ip_vs prints as these 8 digits, in network byte order. */
export function ofProcIpvs(hex: string): string {
  return addressOfBytes(Buffer.from(hex, "hex"));
}

/** The address that /proc/net/ip_vs_conn prints: 8 digits, or IPv6 with all its colons; undefined where it is none. */
export function nameOfProcIpvs(text: string): string | undefined {
  return /^[0-9A-Fa-f]{8}$/.test(text) ? ofProcIpvs(text) : canonicalAddress(text);
}

/** An address as /proc/net/ip_vs_conn prints it, the other way round. */
export function inProcIpvs(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv4
    ? Buffer.from(parsed.toByteArray()).toString("hex").toUpperCase()
    : withAllDigits(parsed);
}

/** An address as /proc/net/nf_conntrack prints it: IPv6 with all 32 digits, unlike `conntrack -L`. */
export function inProcConntrack(address: string): string {
  const parsed = ipaddr.parse(address);
  return parsed instanceof ipaddr.IPv4 ? parsed.toString() : withAllDigits(parsed);
}

function withAllDigits(address: ipaddr.IPv6): string {
  const groups = address.toNormalizedString().split(":");
  return groups.map((group) => group.padStart(4, "0")).join(":");
}

function addressOfBytes(bytes: Buffer): string {
  return ipaddr.fromByteArray([...bytes]).toString();
}
