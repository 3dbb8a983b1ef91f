import { idOf } from "../../src/observed/registry";
import { bootAfter, OUTCOME } from "./kit";
import type { Serving } from "./scenario";
import { differences, type Snapshot } from "./snapshot";
import { prefixOf } from "./stage-host";

/**
 * What the documents promise of a host after an operation that completed, worked out from what the
 * host was like before and without the package's planner.
 */
export interface Expected {
  readonly lo: ReadonlyMap<string, string>;
  /** Where the documents leave it open, several values. */
  readonly sysctls: ReadonlyMap<string, readonly number[]>;
  /** By id: what each record must say; null where it must be as it was. */
  readonly owners: ReadonlyMap<string, Pick<Serving, "vips" | "persist"> | null>;
  readonly boot: ReadonlyMap<string, string>;
}

interface Record {
  readonly vips: readonly string[];
  readonly claims: readonly { readonly name: string; readonly value: number }[];
  readonly persist: boolean;
}

/** After a converging operation of this owner. */
export function afterServing(before: Snapshot, owner: string, desired: Serving): Expected {
  const { records, saved } = readRegistry(before);
  const own = records.get(idOf(owner));
  const others = [...records].filter(([id]) => id !== idOf(owner)).map(([, record]) => record);
  const kept = new Set([...desired.vips, ...others.flatMap(({ vips }) => vips)]);
  const lo = new Map(before.lo);
  for (const vip of own?.vips ?? []) if (!kept.has(vip)) lo.delete(prefixOf(vip));
  for (const vip of desired.vips) lo.set(prefixOf(vip), AS_BOUND[vip.includes(":") ? 6 : 4]);
  const { vips, persist } = desired;
  const mine: Record = { vips, persist, claims: claimsOf(desired) };
  const needed = [mine, ...others].some((record) => record.persist);
  return {
    lo,
    sysctls: sysctlsAfter(before, lo, [mine, ...others], saved, "tighten"),
    owners: new Map([...ids(records), [idOf(owner), { vips, persist }]]),
    boot: bootAfter(before.boot, { needed, asked: persist }),
  };
}

/** After this owner's withdrawal; `known` are the VIPs of its state, for a host without its record. */
export function afterWithdrawing(before: Snapshot, owner: string, known: Serving): Expected {
  const { records, saved } = readRegistry(before);
  const own = records.get(idOf(owner));
  records.delete(idOf(owner));
  const kept = new Set([...records.values()].flatMap(({ vips }) => vips));
  const needed = [...records.values()].some((record) => record.persist);
  const lo = new Map(before.lo);
  for (const vip of own?.vips ?? known.vips) if (!kept.has(vip)) lo.delete(prefixOf(vip));
  return {
    lo,
    sysctls: sysctlsAfter(before, lo, [...records.values()], saved, "leave"),
    owners: ids(records),
    boot: bootAfter(before.boot, { needed, asked: false }),
  };
}

/** In what a host differs from what it should be, a line a difference; empty where it is so. */
export function shortfall(
  before: Snapshot,
  expected: Expected,
  found: Snapshot,
  except: ReadonlySet<string>,
): string[] {
  const wanted: Snapshot = {
    ...found,
    lo: expected.lo,
    // What the replay said goes with the registry's folder.
    boot: found.hasFolder ? expected.boot : without(expected.boot, OUTCOME),
    elsewhere: before.elsewhere,
    files: before.files,
  };
  const sysctls = [...expected.sysctls]
    .filter(([name, values]) => !values.includes(found.sysctls.get(name) ?? -1))
    .map(
      ([name, values]) =>
        `sysctl ${name}: wanted ${values.join(" or ")}, is ${found.sysctls.get(name)}`,
    );
  const all = [
    ...differences(wanted, found),
    ...sysctls,
    ...recordShortfall(before, expected, found),
  ];
  return all.filter((line) => ![...except].some((name) => line.startsWith(`${name}:`)));
}

/** Does a NIC answer, or announce, for an address on `lo`? By the kernel's rule. */
export function isLoud(snapshot: Snapshot): boolean {
  const value = (name: string): number => snapshot.sysctls.get(name) ?? 0;
  const nics = new Set([...snapshot.sysctls.keys()].map((name) => name.split(" ")[0] ?? ""));
  return [...nics]
    .filter((nic) => !["all", "default", "lo"].includes(nic))
    .some((nic) => {
      const ignore = Math.max(value("all arp_ignore"), value(`${nic} arp_ignore`));
      const announce = Math.max(value("all arp_announce"), value(`${nic} arp_announce`));
      return ignore === 0 || announce !== 2;
    });
}

function without(map: ReadonlyMap<string, string>, key: string): Map<string, string> {
  return new Map([...map].filter(([one]) => one !== key));
}

const AS_BOUND = { 4: "host lo:dr forever forever", 6: "global  forever 0sec" };

function claimsOf({ vips, ignore, interfaces }: Serving): Record["claims"] {
  if (!vips.some((vip) => vip.includes("."))) return [];
  const nics = interfaces === "all" ? ["all"] : interfaces;
  return nics.flatMap((nic) => [
    { name: `${nic} arp_ignore`, value: ignore },
    { name: `${nic} arp_announce`, value: 2 },
  ]);
}

function ids(records: ReadonlyMap<string, Record>): Map<string, null> {
  return new Map([...records.keys()].map((id) => [id, null]));
}

interface Saved {
  readonly name: string;
  readonly value: number;
  readonly written: number;
}

function readRegistry({ registry }: Snapshot): { records: Map<string, Record>; saved: Saved[] } {
  const records = new Map<string, Record>();
  for (const [name, text] of registry) {
    if (!name.startsWith("owners/")) continue;
    records.set(name.slice(7), {
      vips: [...text.matchAll(/^vip (\S+)$/gm)].map(([, vip = ""]) => vip),
      claims: [...text.matchAll(/^claim (\S+) (\d+) (\S+)$/gm)].map(([, key, value, nic]) => ({
        name: `${nic} ${key}`,
        value: Number(value),
      })),
      persist: /^persist$/m.test(text),
    });
  }
  const lines = registry.get("saved") ?? "";
  const saved = [...lines.matchAll(/^sysctl (\S+) (-?\d+) (-?\d+) (\S+)$/gm)];
  return {
    records,
    saved: saved.map(([, key, value, written, nic]) => ({
      name: `${nic} ${key}`,
      value: Number(value),
      written: Number(written),
    })),
  };
}

/**
 * A claimed key is at least as strict as the strictest claim, and no stricter than that if it was us
 * who made it so; one that nobody claims any more goes back, unless an address still needs it.
 */
function sysctlsAfter(
  before: Snapshot,
  lo: ReadonlyMap<string, string>,
  records: readonly Record[],
  saved: readonly Saved[],
  tooLax: "tighten" | "leave",
): Map<string, readonly number[]> {
  const claims = records.flatMap((record) => record.claims);
  const needed = [...lo.keys()].some((prefix) => prefix.includes("."));
  return new Map(
    [...before.sysctls].map(([name, value]) => {
      const claimed = claims.filter((claim) => claim.name === name).map((claim) => claim.value);
      const ours = saved.find((one) => one.name === name && one.written === value);
      if (claimed.length > 0) {
        const strictest = Math.max(...claimed);
        const isStrict = name.endsWith("announce") ? value === 2 : value >= strictest && value <= 3;
        // Another owner's drift is for that owner to repair.
        if (!isStrict && tooLax === "leave") return [name, [value]];
        return [name, [isStrict && !(ours && value > strictest) ? value : strictest]];
      }
      if (ours === undefined) return [name, [value]];
      const isSilent = name.endsWith("announce")
        ? ours.value === 2
        : ours.value >= 1 && ours.value <= 3;
      return [name, needed && !isSilent ? [value, ours.value] : [ours.value]];
    }),
  );
}

function recordShortfall(before: Snapshot, expected: Expected, found: Snapshot): string[] {
  const files = found.registry;
  const known = [...files.keys()].filter((name) => name.startsWith("owners/"));
  const strange = [
    ...known.filter((name) => !expected.owners.has(name.slice(7))),
    ...[...files.keys()].filter((name) => !/^(owners\/.*|saved|machine)$/.test(name)),
  ];
  const wrong = [...expected.owners].filter(([id, wanted]) => {
    const text = files.get(`owners/${id}`);
    if (wanted === null) return text !== before.registry.get(`owners/${id}`);
    const listed = [...(text ?? "").matchAll(/^vip (\S+)$/gm)].map(([, vip]) => vip);
    const vips = [...wanted.vips].sort(byPlace(listed));
    if (/^persist$/m.test(text ?? "") !== wanted.persist) return true;
    return text === undefined || listed.join() !== vips.join();
  });
  return [
    ...strange.map((name) => `registry ${name}: should not be there`),
    ...wrong.map(([id]) => `registry owners/${id}: not as it should be`),
    ...(expected.owners.size === 0 && !files.has("saved") && found.hasFolder
      ? ["registry: the folder is still there, and nobody needs it"]
      : []),
  ];
}

function byPlace(order: readonly (string | undefined)[]): (a: string, b: string) => number {
  return (a, b) => order.indexOf(a) - order.indexOf(b);
}
