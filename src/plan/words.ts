import type { Change } from "./change";

/** What is done, in the order in which it is done: "setting 2 sysctls, binding 1 VIP". */
export function summary(changes: readonly Change[]): string {
  const runs: { kind: Change["kind"]; count: number }[] = [];
  for (const { kind } of changes) {
    if (!(kind in VERBS)) continue;
    const last = runs.at(-1);
    if (last?.kind === kind) last.count += 1;
    else runs.push({ kind, count: 1 });
  }
  const said = runs.map(({ kind, count }) => {
    const [verb, noun] = VERBS[kind] ?? ["", ""];
    return `${verb} ${count} ${noun}${count === 1 ? "" : "s"}`;
  });
  return said.join(", ") || "writing the host's record";
}

const VERBS: Partial<Record<Change["kind"], readonly [verb: string, noun: string]>> = {
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
