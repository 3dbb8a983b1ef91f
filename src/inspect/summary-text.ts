import { asciiJson, oneLine } from "../domain/terminal";
import { section, type Cells } from "./section";
import type { LookedAt, Summary } from "./summary";
import { inspectionText } from "./text";

/** The inspections of several hosts for people, a table each and a summary, as no terminal obeys it. */
export function inspectionsText(looks: readonly LookedAt[], summary: Summary): string {
  const tables = looks.flatMap(({ host, inspection }) =>
    inspection ? [inspectionText(inspection, host)] : [],
  );
  return [...tables, summaryText(summary, looks.length)].join("\n\n\n");
}

/** The same for programs, as one document. ASCII alone, like that of a single host. */
export function inspectionsJson(looks: readonly LookedAt[], summary: Summary): string {
  return asciiJson({ hosts: looks, summary }, 2);
}

function summaryText(summary: Summary, hosts: number): string {
  const { fine, leaks, stale, others, notInspected, repeated } = summary;
  const wrong = hosts - fine.length - notInspected.length;
  const head = `${hosts} hosts: ${fine.length} fine, ${wrong} with something wrong, ${notInspected.length} not inspected`;
  return [
    [head],
    section("Who has which VIP", vipRows(summary), "none"),
    section(
      "Leaks",
      leaks.map(({ host, why }) => [host, why]),
      "none",
    ),
    section(
      "Stale: on lo, and claimed by no owner",
      stale.map(({ host, address }) => [host, address]),
      "none",
    ),
    section(
      "Wrong besides",
      others.map(({ host, why }) => [host, why]),
    ),
    section(
      "Not inspected",
      notInspected.map(({ host, kind, message }) => [host, kind, oneLine(message)]),
    ),
    section(
      "Named more than once, inspected once",
      repeated.map((host) => [host]),
    ),
  ]
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join("\n"))
    .join("\n\n");
}

// The hosts stand last: there may be many, and no other column is to be as wide.
function vipRows({ vips }: Summary): Cells[] {
  if (vips.length === 0) return [];
  const row = (address: string, where: string, hosts: readonly string[]): Cells[] =>
    hosts.length === 0 ? [] : [[address, where, String(hosts.length), hosts.join(" ")]];
  return [
    ["VIP", "where", "hosts", ""],
    ...vips.flatMap(({ address, onLo, missing, directors }) => [
      ...row(address, "on lo", onLo),
      ...row(address, "claimed, not on lo", missing),
      ...row(address, "in an IPVS table", directors),
    ]),
  ];
}
