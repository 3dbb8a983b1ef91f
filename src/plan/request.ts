import type { Family } from "../domain/address";
import { call } from "../protocol/program";
import type { Change } from "./change";

/** Puts a plan's changes on one request line: journal, verbs in order, and how the host is then. */
export function changeRequest(
  changes: readonly Change[],
  guard: readonly string[],
  vips: readonly string[],
): string {
  const files = changes.flatMap((one) =>
    one.kind === "put" || one.kind === "drop" ? [one.file] : [],
  );
  return [
    call("begin", guard.join(" "), ...new Set(files)),
    ...segments(changes).flatMap(verbCalls),
    call("observe", ...vips),
  ].join(" && ");
}

type Step = Extract<Change, { kind: "bind" | "unbind" }>;
type Segment = { readonly kind: "steps"; readonly steps: readonly Step[] } | Exclude<Change, Step>;

// Neighbouring address steps go to the host together: one process a family, however many VIPs.
function segments(changes: readonly Change[]): Segment[] {
  const result: Segment[] = [];
  for (const change of changes) {
    if (!isStep(change)) {
      result.push(change);
      continue;
    }
    const last = result.at(-1);
    if (last?.kind === "steps")
      result[result.length - 1] = { ...last, steps: [...last.steps, change] };
    else result.push({ kind: "steps", steps: [change] });
  }
  return result;
}

function isStep(change: Change): change is Step {
  return change.kind === "bind" || change.kind === "unbind";
}

function verbCalls(segment: Segment): string[] {
  switch (segment.kind) {
    case "put":
      return [call("put", segment.file, ...segment.lines)];
    case "drop":
      return [call("drop", segment.file)];
    case "write-sysctl":
      return [call("sysctl", segment.interface, segment.key, `${segment.from}`, `${segment.to}`)];
    case "check-quiet":
      return [call("quiet", ...(segment.interfaces === "all" ? ["all"] : segment.interfaces))];
    case "steps":
      return ([4, 6] as const).flatMap((family) => addressCall(family, segment.steps));
  }
}

function addressCall(family: Family, steps: readonly Step[]): string[] {
  const own = steps.filter((step) => step.family === family);
  if (own.length === 0) return [];
  return [call("addresses", `${family}`, ...own.map(stepText))];
}

function stepText(step: Step): string {
  const { kind, prefix, scope, validLft, preferredLft, label } = step;
  const word = kind === "bind" ? "bound" : "unbound";
  return `${word} ${prefix} ${scope} ${validLft} ${preferredLft} ${label}`.trimEnd();
}
