import type { Outcome } from "../../test/lab/engine";
import type { LabHost } from "../../test/lab/lab";
import {
  addressesOn,
  difference,
  effectiveArp,
  footprint,
  LOOK_AT_ARP,
  LOOK_AT_LO,
} from "./host-view";
import { expectSame, Mismatch, type Narrator } from "./narrator";

/** Shows what a host prints of `lo` and its ARP sysctls, and expects it to be this. */
export async function showHost(
  narrator: Narrator,
  host: LabHost,
  wanted: { readonly lo: readonly string[]; readonly arp: string },
): Promise<void> {
  const lo = (await host.run(LOOK_AT_LO)).stdout;
  const arp = (await host.run(LOOK_AT_ARP, { shell: "/bin/bash" })).stdout;
  narrator.quote(`${host.name}# ${LOOK_AT_LO}`, lo);
  narrator.quote(`${host.name}# ${LOOK_AT_ARP}`, arp);
  expectSame(`lo of ${host.name}`, sorted(addressesOn(lo)), sorted(wanted.lo));
  expectSame(`in force on eth0 of ${host.name}`, effectiveArp(arp), wanted.arp);
}

/** Expects a host to be as it was; the last SSH session's processes may need a moment to end. */
export async function expectUntouched(host: LabHost, before: string): Promise<void> {
  const deadline = Date.now() + 5000;
  let now = await footprint(host);
  while (now !== before && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 100));
    now = await footprint(host);
  }
  const left = difference(before, now).slice(0, 10).join("\n");
  expectSame(`${host.name} beside what it was before`, left || "the same", "the same");
}

/** Shows what the engine did to each resource, and what it said on its row. */
export function showRows(narrator: Narrator, outcome: Outcome): void {
  for (const { op, urn, diffs } of outcome.steps) {
    const words = outcome.said.filter((one) => one.urn === urn).map((one) => one.message.trim());
    if (words.length === 0) continue;
    const title = diffs.length === 0 ? op : `${op}, because of ${diffs.join(", ")}`;
    narrator.quote(`${nameIn(urn)}: ${title}`, words.join("\n"));
  }
}

/** Shows who answered for which address. */
export function showAnswers(narrator: Narrator, macs: ReadonlyMap<string, string>): void {
  narrator.table(
    [...macs].map(([name, mac]) => [`who has ${name}?`, mac === "" ? "nobody answers" : mac]),
  );
}

/** Expects the engine to have succeeded and to have done this to so many resources. */
export function expectChanges(outcome: Outcome, wanted: Readonly<Record<string, number>>): void {
  if (!outcome.succeeded) throw new Mismatch(`the engine failed:\n${outcome.text}`);
  expectSame("changes", counts(outcome.changes), counts(wanted));
}

/** Expects each of these words to be there. */
export function expectWords(what: string, seen: string, wanted: readonly string[]): void {
  const missing = wanted.filter((word) => !seen.includes(word));
  if (missing.length > 0)
    throw new Mismatch(`${what}: nothing of ${missing.join(", ")} in ${seen}`);
}

/** The name at the end of a URN. */
export function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}

function counts(changes: Readonly<Record<string, number>>): string {
  return sorted(Object.entries(changes).map(([op, count]) => `${count} ${op}`));
}

function sorted(lines: readonly string[]): string {
  return [...lines].sort().join(", ");
}
