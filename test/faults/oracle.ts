import { idOf } from "../../src/observed/registry";
import { bootAfter, OUTCOME } from "./kit";
import { prefixOf } from "./others";
import type { Serving } from "./scenario";
import { shown, type Snapshot } from "./snapshot";

/** What an operation was to do. */
export interface Asked {
  readonly verb: "create" | "update" | "delete";
  readonly owner: string;
  /** What is to be served; for a withdrawal what the state says, for a host without the record. */
  readonly serving: Serving;
}

/**
 * In what a host is not as the documents promise of it after an operation that completed, a line a
 * difference; empty where it is so. Worked out from what the host was like before and without the
 * package's planner.
 *
 * @param either names in which it may differ. An address or a local route that somebody added meanwhile
 *   keeps the sysctls that it needs.
 */
export function shortfall(
  asked: Asked,
  before: Snapshot,
  found: Snapshot,
  either: ReadonlyMap<string, unknown> = new Map(),
): string[] {
  const added = [...found].filter(([name]) => /^(lo|route4) /.test(name) && either.has(name));
  const wanted = wantedAfter(asked, new Map([...before, ...added]));
  const isNeeded = [...wanted.keys()].some((name) => name.startsWith("registry owners/"));
  // Of the folder's own accord nothing stays, and what the replay said goes with it.
  wanted.set("folder", (there) => there === undefined || isNeeded || found.has("registry saved"));
  if (!found.has("folder")) wanted.delete(`boot ${OUTCOME}`);
  return [...new Set([...wanted.keys(), ...found.keys()])]
    .filter((name) => !either.has(name))
    .flatMap((name) => {
      const may = wanted.get(name) ?? [undefined];
      const value = found.get(name);
      if (typeof may === "function" ? may(value) : may.includes(value)) return [];
      const words = typeof may === "function" ? "as asked for" : may.map(shown).join(" or ");
      return [`${name}: wanted ${words}, is ${shown(value)}`];
    });
}

/** The VIPs that an operation takes off `lo`: of the owner's record, or of its state, and no other owner's. */
export function withdrawn({ verb, owner, serving }: Asked, before: Snapshot): string[] {
  const records = recordsIn(before);
  const former = records.get(recordOf(owner));
  const isDelete = verb === "delete";
  records.delete(recordOf(owner));
  const kept = new Set([...records.values()].flatMap(({ vips }) => vips));
  for (const vip of isDelete ? [] : serving.vips) kept.add(vip);
  const vips = former?.vips ?? (isDelete ? serving.vips : []);
  return vips.filter((vip) => !kept.has(vip));
}

/** Routes that an operation would take along with a VIP that is their source: it must be refused. */
export function routesHolding(asked: Asked, before: Snapshot): string[] {
  const gone = withdrawn(asked, before).filter((vip) => before.has(`lo ${prefixOf(vip)}`));
  return gone.flatMap((vip) => routesFrom(vip, before));
}

/**
 * Does a NIC answer, or announce, for an address on `lo`? By the kernel's rule.
 *
 * @param toCome whether one counts, too, that comes with the values that NICs have by default
 */
export function isLoud(snapshot: Snapshot, toCome: boolean): boolean {
  const value = (name: string): number => Number(snapshot.get(`sysctl ${name}`) ?? 0);
  const nics = new Set(
    [...snapshot.keys()].flatMap((name) => /^sysctl (\S+)/.exec(name)?.[1] ?? []),
  );
  return [...nics]
    .filter((nic) => !["all", "lo"].includes(nic) && (nic !== "default" || toCome))
    .some((nic) => {
      const ignore = Math.max(value("all arp_ignore"), value(`${nic} arp_ignore`));
      const announce = Math.max(value("all arp_announce"), value(`${nic} arp_announce`));
      return ignore === 0 || announce !== 2;
    });
}

/** What a value may be: where the documents leave it open, several; undefined for one that is not there. */
type May = readonly (string | undefined)[] | ((value: string | undefined) => boolean);

/** What no name is said of here is not there. */
function wantedAfter({ verb, owner, serving }: Asked, before: Snapshot): Map<string, May> {
  const own = recordOf(owner);
  const records = recordsIn(before);
  records.delete(own);
  const others = [...before].filter(
    ([name]) => /^(address|file|route[46]) /.test(name) || records.has(name),
  );
  const serves = verb !== "delete";
  const mine: Record = { ...serving, claims: claimsOf(serving) };
  if (serves) records.set(own, mine);
  const all = [...records.values()];
  const lo = new Map([...before].filter(([name]) => name.startsWith("lo ")));
  for (const vip of withdrawn({ verb, owner, serving }, before)) lo.delete(`lo ${prefixOf(vip)}`);
  const bound = (serves ? serving.vips : []).map((vip): [string, May] => {
    const name = `lo ${prefixOf(vip)}`;
    lo.set(name, "");
    // One that a route depends on may stay as it is.
    const asItIs = routesFrom(vip, before).length > 0 ? [before.get(name)] : [];
    return [name, [asBound(vip), ...asItIs]];
  });
  const needed = all.some(({ persist }) => persist);
  const boot = bootAfter(before, { needed, asked: serves && serving.persist });
  return new Map<string, May>([
    ...[...others, ...lo, ...boot].map(([name, value]): [string, May] => [name, [value]]),
    ...bound,
    ...sysctlsAfter(before, lo, all, serves ? "tighten" : "leave"),
    ...(serves ? [[own, (text) => isSame(recordIn(text ?? ""), mine)] as [string, May]] : []),
    ["registry saved", () => true],
    ["registry machine", () => true],
  ]);
}

interface Record {
  readonly vips: readonly string[];
  readonly claims: readonly { readonly name: string; readonly value: number }[];
  readonly persist: boolean;
}

function recordsIn(snapshot: Snapshot): Map<string, Record> {
  const files = [...snapshot].filter(([name]) => name.startsWith("registry owners/"));
  return new Map(files.map(([name, text]) => [name, recordIn(text)]));
}

function recordIn(text: string): Record {
  return {
    vips: [...text.matchAll(/^vip (\S+)$/gm)].map(([, vip = ""]) => vip),
    claims: [...text.matchAll(/^claim (\S+) (\d+) (\S+)$/gm)].map(([, key, value, nic]) => ({
      name: `sysctl ${nic} ${key}`,
      value: Number(value),
    })),
    persist: /^persist$/m.test(text),
  };
}

function isSame(left: Record, right: Record): boolean {
  const [one, other] = [left, right].map(({ vips, claims, persist }) => [
    ...[persist, ...vips.toSorted()],
    ...claims.map(({ name, value }) => `${name} ${value}`).toSorted(),
  ]);
  return String(one) === String(other);
}

function claimsOf({ vips, ignore, interfaces }: Serving): Record["claims"] {
  if (!vips.some((vip) => vip.includes("."))) return [];
  const nics = interfaces === "all" ? ["all"] : interfaces;
  return nics.flatMap((nic) => [
    { name: `sysctl ${nic} arp_ignore`, value: ignore },
    { name: `sysctl ${nic} arp_announce`, value: 2 },
  ]);
}

function routesFrom(vip: string, snapshot: Snapshot): string[] {
  return [...snapshot].flatMap(([name, text]) =>
    name.startsWith("route") && `${text} `.includes(` src ${vip} `) ? [name] : [],
  );
}

function recordOf(owner: string): string {
  return `registry owners/${idOf(owner)}`;
}

function asBound(vip: string): string {
  return vip.includes(":") ? "global  forever 0sec" : "host lo:dr forever forever";
}

/**
 * A claimed key is at least as strict as the strictest claim, and no stricter than that if it was us
 * who made it so; one that nobody claims any more goes back, unless an address still needs it.
 */
function sysctlsAfter(
  before: Snapshot,
  lo: Snapshot,
  records: readonly Record[],
  tooLax: "tighten" | "leave",
): [name: string, May][] {
  const claims = records.flatMap((record) => record.claims);
  const needed =
    [...lo.keys()].some((name) => name.includes(".")) ||
    [...before.keys()].some((name) => /^route4 local (?!127\.)(?!.* table )/.test(name));
  const saved = before.get("registry saved") ?? "";
  const sysctls = [...before].filter(([name]) => name.startsWith("sysctl "));
  return sysctls.map(([name, text]) => {
    const value = Number(text);
    const isSilent = (one: number) =>
      name.endsWith("announce") ? one === 2 : one >= 1 && one <= 3;
    const [, nic, key] = name.split(" ");
    const line = new RegExp(`^sysctl ${key} (-?\\d+) ${value} ${nic}$`, "m").exec(saved);
    const former = line === null ? undefined : Number(line[1]);
    const may = (...values: number[]): [string, May] => [name, values.map(String)];
    const claimed = claims.filter((claim) => claim.name === name).map((claim) => claim.value);
    if (claimed.length > 0) {
      const strictest = Math.max(...claimed);
      const isStrict = isSilent(value) && value >= strictest;
      // Another owner's drift is for that owner to repair.
      if (!isStrict && tooLax === "leave") return may(value);
      return may(isStrict && !(former !== undefined && value > strictest) ? value : strictest);
    }
    if (former === undefined) return may(value);
    return needed && !isSilent(former) ? may(value, former) : may(former);
  });
}
