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

// Neighbouring address steps go to the host together: one process, however many VIPs.
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
      return [call("addresses", ...byFamily(segment.steps).flatMap(stepTexts))];
  }
}

function byFamily(steps: readonly Step[]): Step[] {
  return ([4, 6] as const).flatMap((family) => steps.filter((step) => step.family === family));
}

/**
 * An IPv6 address can be told other lifetimes. One of IPv4 goes and comes, while an entry in between,
 * which differs by its peer alone, has its routes stay: the kernel drops them with the last entry
 * that has their source (fib_del_ifaddr in net/ipv4/fib_frontend.c).
 */
function stepTexts(step: Step): string[] {
  const { kind, family, prefix, inPlace } = step;
  if (!inPlace) return [stepText(step)];
  if (family === 6) return [stepText(step, "change")];
  const between = `${prefix.replace("/32", "")},peer,127.0.0.1/32 host forever forever`;
  return kind === "unbind"
    ? [`bound ${between}`, stepText(step)]
    : [stepText(step), `unbound ${between}`];
}

/** `attributes`: what else is to be known of it. Blanks within a word are commas. */
function stepText(step: Step, ...attributes: string[]): string {
  const { kind, prefix, scope, validLft, preferredLft, label, extras = "" } = step;
  const word = kind === "bind" ? "bound" : "unbound";
  const all = [scope, ...extras.split(" "), ...attributes].filter((one) => one !== "").join(",");
  return `${word} ${prefix} ${all} ${validLft} ${preferredLft} ${label}`.trimEnd();
}
