import type { ClaimReport } from "../plan/report";
import { realServerInputs } from "../inputs/real-server";
import { isRecord } from "../inputs/values";
import type { Properties } from "./kind";

/**
 * The inputs after a read that found drift: as declared, and each value that does not hold says so.
 * A preview then shows the repair, `203.0.113.10 (not bound) => 203.0.113.10`. Written over by what was
 * observed, the declared value would be lost to a program with `ignoreChanges`, which takes its inputs
 * from there.
 */
export function marked(
  inputs: Properties,
  declared: Declared,
  { observedVips, observedArp }: Pick<ClaimReport, "observedVips" | "observedArp">,
): Properties {
  const { ignore, announce } = declared.arp;
  const arp = {
    ignore: markedValue(ignore, observedArp.ignore),
    announce: markedValue(announce, observedArp.announce),
  };
  return {
    ...inputs,
    vips: declared.vips.map(({ address }) =>
      observedVips.includes(address) ? address : address + NOT_BOUND,
    ),
    ...(isMarked(arp) && { arp: { ...(inputs["arp"] as Properties | undefined), ...arp } }),
  };
}

/**
 * The inputs of a program beside those of a state: where ARP values are marked there that the program
 * leaves to their defaults, these are spelled out, or a preview would show that `arp` is taken away
 * instead of what is repaired.
 */
export function answered(inputs: Properties, olds: Properties): Properties {
  const { arp } = olds;
  if (!isRecord(arp) || !isMarked(arp)) return inputs;
  const given = inputs["arp"] ?? {};
  if (!isRecord(given)) return inputs;
  const { ignore, announce } = realServerInputs.arp.fields;
  return { ...inputs, arp: { ignore: ignore.default, announce: announce.default, ...given } };
}

/** What a program or a state declares: the inputs without the marks. Any other value stays as it is. */
export function unmarked(inputs: Properties): Properties {
  const { vips, arp } = inputs;
  return {
    ...inputs,
    ...(Array.isArray(vips) && { vips: vips.map(unmarkedVip) }),
    ...(isRecord(arp) && { arp: mapValues(arp, unmarkedValue) }),
  };
}

interface Declared {
  readonly vips: readonly { readonly address: string }[];
  readonly arp: { readonly ignore: number; readonly announce: number };
}

const NOT_BOUND = " (not bound)";

function unmarkedVip(vip: unknown): unknown {
  return typeof vip === "string" && vip.endsWith(NOT_BOUND) ? vip.slice(0, -NOT_BOUND.length) : vip;
}

function markedValue(declared: number, inForce: number): number | string {
  return inForce === declared ? declared : `${declared} (${inForce} in force)`;
}

function unmarkedValue(value: unknown): unknown {
  const [, declared] = /^(\d+) \(-?\d+ in force\)$/.exec(String(value)) ?? [];
  return declared === undefined ? value : Number(declared);
}

function isMarked(arp: Properties): boolean {
  return Object.values(arp).some((value) => unmarkedValue(value) !== value);
}

/** An object with each value changed, under the same names. */
export function mapValues(object: Properties, change: (value: unknown) => unknown): Properties {
  return Object.fromEntries(Object.entries(object).map(([key, value]) => [key, change(value)]));
}
