import { savedFrom, savedWords, type SavedSysctl } from "../domain/sysctl";
import { checkInputs, parseSettings, realServerInputs, type Settings } from "../inputs/real-server";
import { answered, unmarked } from "./drift-marks";
import type { ClaimReport } from "../plan/report";
import type { Properties, ResourceKind } from "./kind";

/** Real servers, as far as they are known without a host. */
export const REAL_SERVER_KIND: ResourceKind<Settings> = {
  inputs: realServerInputs,
  way: "connection",
  replacing: [],
  unread: { bindings: [], effectiveArp: {}, foreignVips: [], saved: [] },
  check: checkInputs,
  parse: parseSettings,
  unmarked,
  answered,
};

/** The outputs of a real server's own after a read. */
export function realServerOutputs(report: ClaimReport): Properties {
  const { bindings, effectiveArp, foreignVips, saved } = report;
  // A text each, because every resource carries them: "all arp_ignore 0 1" was 0 before, and we wrote 1.
  const texts = saved.map((one) => savedWords(one).join(" "));
  return { bindings, effectiveArp, foreignVips, saved: texts };
}

/** The sysctl values that the host had before this resource's first claim, as the state has them. */
export function savedIn({ saved }: Properties): SavedSysctl[] {
  return (Array.isArray(saved) ? saved : []).flatMap(
    (text) => savedFrom(String(text).split(" ")) ?? [],
  );
}
