import { compareVips, parseVip } from "../domain/address";
import type { ErrorKind } from "../domain/errors";
import { faultsOf } from "./faults";
import type { Inspection, InspectedLeak } from "./types";

/** One of several hosts: what an inspection of it found, or why there was none. */
export type LookedAt =
  /** `host` is its name among the others. */
  | { readonly host: string; readonly inspection: Inspection; readonly error?: undefined }
  | { readonly host: string; readonly inspection?: undefined; readonly error: LookError };

/** Why a host could not be inspected. */
export interface LookError {
  readonly kind: ErrorKind;
  /** For people, with what to do next. May hold line breaks. */
  readonly message: string;
}

/** What inspections of several hosts say together. Hosts by their names, in the order of the inspections. */
export interface Summary {
  /** Every host was inspected, and nothing is wrong with any of them. */
  readonly ok: boolean;
  /** Those with nothing wrong. */
  readonly fine: readonly string[];
  /** Whatever is on some host's `lo` as a VIP is, is claimed, or has a service on a director. In order. */
  readonly vips: readonly VipHolders[];
  readonly leaks: readonly (InspectedLeak & { readonly host: string })[];
  /** On `lo`, and declared by nobody. */
  readonly stale: readonly { readonly host: string; readonly address: string }[];
  /** Whatever else is wrong, a sentence each. */
  readonly others: readonly { readonly host: string; readonly why: string }[];
  readonly notInspected: readonly ({ readonly host: string } & LookError)[];
  /** Those that were named more than once, and inspected once. */
  readonly repeated: readonly string[];
}

/** Where a VIP is. */
export interface VipHolders {
  /** Canonical, without prefix. */
  readonly address: string;
  /** On `lo`, stale or not. */
  readonly onLo: readonly string[];
  /** Claimed by an owner, and not on `lo`. */
  readonly missing: readonly string[];
  /** Directors with an IPVS service at it. */
  readonly directors: readonly string[];
}

/** Says of several hosts what one has to look for in all their inspections. Pure. */
export function summaryOf(looks: readonly LookedAt[], repeated: readonly string[]): Summary {
  const seen = looks.flatMap(({ host, inspection }) => (inspection ? [{ host, inspection }] : []));
  return {
    ok: looks.every(({ inspection }) => inspection?.ok === true),
    fine: seen.filter(({ inspection }) => inspection.ok).map(({ host }) => host),
    vips: vipsOf(seen),
    leaks: seen.flatMap(({ host, inspection: { leaks } }) =>
      leaks.map((leak) => ({ host, ...leak })),
    ),
    stale: seen.flatMap(({ host, inspection: { staleVips } }) =>
      staleVips.map((address) => ({ host, address })),
    ),
    others: seen.flatMap(({ host, inspection }) =>
      faultsOf(inspection).others.map((why) => ({ host, why })),
    ),
    notInspected: looks.flatMap(({ host, error }) => (error ? [{ host, ...error }] : [])),
    repeated,
  };
}

type Seen = readonly { readonly host: string; readonly inspection: Inspection }[];

function vipsOf(seen: Seen): VipHolders[] {
  const relations = { onLo: vipsOnLo, missing: missingVips, directors: directedVips };
  const withVip = (vip: string, vipsIn: (inspection: Inspection) => readonly string[]) =>
    seen.filter(({ inspection }) => vipsIn(inspection).includes(vip)).map(({ host }) => host);
  const all = seen.flatMap(({ inspection }) =>
    Object.values(relations).flatMap((vipsIn) => vipsIn(inspection)),
  );
  return [...new Set(all)].sort(byNumber).map((address) => ({
    address,
    onLo: withVip(address, relations.onLo),
    missing: withVip(address, relations.missing),
    directors: withVip(address, relations.directors),
  }));
}

/** Of an address with a wider prefix a host says that it is no VIP. */
function vipsOnLo({ vips }: Inspection): readonly string[] {
  return vips
    .filter(({ owners, directed, stale }) => owners.length > 0 || directed || stale)
    .map(({ address }) => address);
}

function missingVips({ owners }: Inspection): readonly string[] {
  return owners.flatMap((owner) => owner.missingVips);
}

function directedVips({ director }: Inspection): readonly string[] {
  return (director?.services ?? []).flatMap(({ service }) => {
    const [, ipv4, ipv6] = SERVICE_AT_VIP.exec(service) ?? [];
    return ipv4 ?? ipv6 ?? [];
  });
}

/** `203.0.113.10:80`, `[2001:db8::10]:53/udp`; a service of a firewall mark has no VIP. */
const SERVICE_AT_VIP = /(?:^| )(?:([\d.]+)|\[([^\]]+)\]):\d+(?:\/udp)?$/;

function byNumber(a: string, b: string): number {
  const [left, right] = [parseVip(a), parseVip(b)];
  if ("vip" in left && "vip" in right) return compareVips(left.vip, right.vip);
  return a < b ? -1 : 1;
}
