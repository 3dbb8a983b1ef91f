import { realServerInputs } from "../inputs/real-server";
import { storedReader } from "../inputs/stored";
import { UNKNOWN } from "../inputs/values";
import { goesBy } from "../plan/claim";
import type { Properties } from "./kind";

/**
 * What an update would take from `lo` because `staleVips` changed, a sentence each: with the old value
 * it is no drift, and the diff of the inputs names no address.
 *
 * @param withdrawable What the read of this run found there and nobody declares, with prefix.
 */
export function staleChange(
  withdrawable: readonly string[],
  olds: Properties,
  news: Properties,
): string[] {
  // The read of what only the update will know would fail.
  if (JSON.stringify(news["staleVips"] ?? null).includes(UNKNOWN)) return [];
  const [before, after] = [readStale(olds).staleVips, readStale(news).staleVips];
  const declared: unknown[] = Array.isArray(news["vips"]) ? news["vips"] : [];
  return withdrawable
    .filter((prefix) => {
      const address = prefix.replace(/\/.*$/, "");
      return !declared.includes(address) && !goesBy(before, address) && goesBy(after, address);
    })
    .map((prefix) => `${prefix} would leave lo: declared by nobody (staleVips)`);
}

const readStale = storedReader({ staleVips: realServerInputs.staleVips }, "this real server");
