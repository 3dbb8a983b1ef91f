import type { Outcome, Verb } from "./driver";
import { withdrawn, type Asked } from "./oracle";
import { BINDING_FILES } from "./others";
import type { Fault, Scenario } from "./scenario";
import type { Snapshot } from "./snapshot";
import { SYSCTL_FILE } from "./stage-host";

/** What must be among the words of an operation that was carried out, by the documents. Pure. */
export function wordsOf(
  { verb, owner, serving }: Omit<Asked, "verb"> & { readonly verb: Verb },
  { files, litter }: Scenario["host"],
  before: Snapshot,
): string[] {
  const binding = (vips: readonly string[]) =>
    files
      .filter(({ vip }) => vips.includes(vip))
      .map(({ path, vip }) => `${path} line ${BINDING_FILES[path]!(vip)[1]} binds ${vip}`);
  if (verb === "delete") {
    // One that others need stays.
    const left = withdrawn({ verb, owner, serving }, before);
    const kept = left.filter((vip) => before.has(routeTo(vip)) || before.has(localRouteTo(vip)));
    return [...binding(left), ...kept.map((vip) => `${vip} is still delivered to the host itself`)];
  }
  const isClaimed = serving.interfaces === "all" && serving.vips.some((vip) => vip.includes("."));
  const undone = litter && isClaimed ? [`${SYSCTL_FILE} line 1 sets all arp_ignore to 0`] : [];
  return [...binding(serving.vips), ...undone];
}

/** What is wrong in how an operation ended under a fault, whatever became of the host. Pure. */
export function wrongIn(
  outcome: Outcome,
  { fault, verb, isHeld, bySsh }: { fault: Fault; verb: Verb; isHeld: boolean; bySsh: boolean },
): string[] {
  const said = outcome.kind === "done" ? undefined : outcome.message;
  const wrong: string[] = [];
  // The proxy answers always, so no proof is ever there; where it was silent, ssh has none to the contrary.
  if (!bySsh && said?.includes("PULUMI_LVS_DR_FORGET"))
    wrong.push("a host that answers is to be forgotten");
  // With a VIP that somebody deletes the route is gone.
  if (isHeld && said === undefined && fault.kind !== "somebody")
    wrong.push("done, though a route depends on what was to go");
  // What comes and goes while we look is passed over.
  if (fault.kind === "NICs come and go" && said !== undefined && !isHeld)
    wrong.push(`not done: ${said}`);
  const words = refusalOf(fault, bySsh);
  if (words === undefined) return wrong;
  if (said === undefined && verb !== "read") wrong.push("done, though nobody was let in");
  if (said !== undefined && !words.test(said)) wrong.push(`not a word of ${String(words)}`);
  return wrong;
}

/** What is said of a fault that lets nobody in. */
function refusalOf(fault: Fault, bySsh: boolean): RegExp | undefined {
  if (fault.kind === "second factor") return /second factor|is not enough/;
  if (fault.kind !== "sshd" || fault.seconds !== undefined) return undefined;
  // Of what is said before SSH is spoken, ssh prints nothing.
  return fault.how === "is full" || bySsh ? /MaxStartups/ : /Not allowed at this time/;
}

function routeTo(vip: string): string {
  return `route${vip.includes(":") ? 6 : 4} ${vip}`;
}

function localRouteTo(vip: string): string {
  return routeTo(vip).replace(" ", " local ");
}
