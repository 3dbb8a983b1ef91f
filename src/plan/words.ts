import type { Change } from "./change";

/** What is done, in the order in which it is done: "setting 2 sysctls, binding 1 VIP". */
export function summary(changes: readonly Change[]): string {
  const deeds = changes.flatMap(({ kind }) => (VERBS[kind] ? [VERBS[kind]] : []));
  return counted(deeds) || "writing the host's record";
}

/** What is done to a thing each time: `["binding", "VIP"]`. */
export type Deed = readonly [verb: string, noun: string];

/** Deeds in their order, those alike in a row as one: "setting 2 sysctls, binding 1 VIP". */
export function counted(deeds: readonly Deed[]): string {
  const runs: { verb: string; noun: string; count: number }[] = [];
  for (const [verb, noun] of deeds) {
    const last = runs.at(-1);
    if (last?.verb === verb && last.noun === noun) last.count += 1;
    else runs.push({ verb, noun, count: 1 });
  }
  return runs
    .map(({ verb, noun, count }) => `${verb} ${count} ${noun}${count === 1 ? "" : "s"}`)
    .join(", ");
}

/** The first five names, and how many more there are: "eth0, eth1". */
export function listed(names: readonly string[]): string {
  const [most, rest] = [names.slice(0, 5), names.length - 5];
  return rest > 0 ? `${most.join(", ")} and ${rest} more` : most.join(", ");
}

const VERBS: Partial<Record<Change["kind"], Deed>> = {
  "write-sysctl": ["setting", "sysctl"],
  bind: ["binding", "VIP"],
  unbind: ["unbinding", "VIP"],
};

/** A change as it is still to be done: "bind 203.0.113.10/32". */
export function describe(change: Change): string {
  switch (change.kind) {
    case "put":
      return `write ${change.file}`;
    case "drop":
      return `remove ${change.file}`;
    case "write-sysctl":
      return `set ${change.interface} ${change.key} from ${change.from} to ${change.to}`;
    case "check-quiet":
      return "check the effective sysctls";
    case "bind":
    case "unbind":
      return `${change.kind} ${change.prefix}`;
  }
}
