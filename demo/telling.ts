import type { Outcome } from "../lab/engine";
import type { Guest } from "../lab/guest";
import type { LabHost } from "../lab/host";
import {
  BASH,
  difference,
  effectiveArp,
  footprint,
  LOOK_AT_ARP,
  LOOK_AT_LO,
  vipsOn,
} from "./host-view";
import { expectSame, Mismatch, type Narrator } from "./narrator";

/** What a host should look like: its VIPs with their prefix, and the sysctls in force on eth0. */
export interface Look {
  readonly vips: readonly string[];
  readonly arp: string;
}

/** Shows what is on `lo` and which ARP sysctls are in force, and expects each host to be so. */
export async function showHosts(
  narrator: Narrator,
  wanted: readonly (readonly [LabHost, Look])[],
): Promise<void> {
  const rows = [];
  for (const [host, look] of wanted) {
    const vips = vipsOn((await host.run(LOOK_AT_LO)).stdout);
    const arp = effectiveArp((await host.run(LOOK_AT_ARP, { shell: BASH })).stdout);
    expectSame(`VIPs on ${host.name}`, sorted(vips), sorted(look.vips));
    expectSame(`in force on eth0 of ${host.name}`, arp, look.arp);
    rows.push([host.name, vips.join(" ") || "no VIP", arp]);
  }
  narrator.table([["host", "on lo", "in force on eth0"], ...rows]);
}

/** Runs a line on a host and shows both, as a terminal does. @returns what it printed. */
export async function prompt(
  narrator: Narrator,
  host: LabHost | Guest,
  line: string,
): Promise<string> {
  // A guest has a shell of its own to read it.
  const run = { shell: BASH, allowFailure: true };
  const { stdout } = await host.run(`{ ${line}; } 2>&1`, run);
  narrator.quote(`${host.name}# ${line}`, stdout);
  return stdout;
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

/** Shows what the engine did to each resource of ours, and what it said on its row, if that took long. */
export function showRows(narrator: Narrator, outcome: Outcome): void {
  for (const { op, urn, diffs } of outcome.steps) {
    const words = outcome.said.filter((one) => one.urn === urn && !isProgress(one.message));
    if (op === "same" || (words.length === 0 && !isDone({ op, urn }))) continue;
    const title = diffs.length === 0 ? op : `${op} (${diffs.join(", ")})`;
    narrator.quote(
      `${title} ${nameIn(urn)}`,
      abridged(words.map(({ message }) => message)).join("\n"),
    );
  }
}

function isDone({ op, urn }: Pick<Outcome["steps"][number], "op" | "urn">): boolean {
  return /:(RealServer|VirtualService)::/.test(urn) && /^(create|update|replace|delete)/.test(op);
}

/** Without the middle of what is said once a second. */
function abridged(messages: readonly string[]): string[] {
  const draining = messages.filter((one) => one.trim().startsWith("draining "));
  const middle = draining.slice(2, -1);
  return messages.flatMap((one) => {
    if (!middle.includes(one)) return [one];
    return one === middle[0] ? ["..."] : [];
  });
}

/** Of every operation alike, or, where services of one director wait for each other, by chance. */
function isProgress(message: string): boolean {
  return /^(dialling|observing|verified|waiting for the lock)/.test(message.trim());
}

/** Expects the engine to have succeeded and to have done this to so many resources. */
export function expectChanges(outcome: Outcome, wanted: Readonly<Record<string, number>>): void {
  if (!outcome.succeeded) throw new Mismatch(`the engine failed:\n${outcome.text}`);
  expectSame("changes", counts(outcome.changes), counts(wanted));
}

/** Expects the engine to have begun with all of one group before it began with the next. */
export function expectOrder(outcome: Outcome, ...groups: readonly (readonly string[])[]): void {
  const rest = outcome.steps.filter(isDone).map(({ urn }) => nameIn(urn));
  for (const group of groups)
    expectSame("next in order", sorted(rest.splice(0, group.length)), sorted(group));
  expectSame("beside them", sorted(rest), "");
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
