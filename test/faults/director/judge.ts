import { FOREIGN_BLOCK_LINES, type KeptLook } from "./kept";
import type { DirectorScenario, Members } from "./scenario";

/** What a run's end was like. */
export interface DirectorEnd {
  /** What whoever asked has learnt. */
  readonly outcome:
    | { readonly kind: "done" }
    | { readonly kind: "failed"; readonly aftermath: "untouched" | "rolled-back" | "unknown" };
  /** Weights of our service when all is quiet; undefined where it is not in the table. */
  readonly weights: Members | undefined;
  /** Of destinations and services that are not ours, as `ipvsadm -Sn` has them. */
  readonly foreign: readonly string[];
  readonly foreignBefore: readonly string[];
  /** All lines that were given to `ipvsadm -R`, in order. */
  readonly steps: readonly string[];
  /** Whether somebody's meddling was carried out. */
  readonly isMeddledWith: boolean;
  readonly hasRebooted: boolean;
  /** Where keepalived keeps the table. */
  readonly kept?: KeptEnd;
}

/** keepalived before the operation and at the end, when what had befallen it is over. */
export interface KeptEnd {
  readonly before: KeptLook;
  readonly after: KeptLook;
  /** What our file is to say; undefined where there is to be none. */
  readonly wanted: string | undefined;
  /** What lines of the table begin with that are somebody's destinations in our service. */
  readonly company: string;
}

/** What of the promises about a director does not hold, a sentence each. Pure. */
export function wrongOnDirector(
  scenario: DirectorScenario,
  end: DirectorEnd,
  nameOf: (member: number) => string,
): string[] {
  return [
    ...foreignTouched(scenario, end),
    ...(end.hasRebooted ? afterReboot(scenario, end) : between(scenario, end)),
    ...removedInUse(scenario, end, nameOf),
    ...(end.kept === undefined ? [] : wrongOfKeepalived(scenario, end, end.kept)),
  ];
}

function foreignTouched(
  { after, fault }: DirectorScenario,
  { foreign, foreignBefore, hasRebooted, kept }: DirectorEnd,
): string[] {
  // keepalived has no half of a service: where it removes one, everybody's destinations go.
  const isRemoved = ["keepalived stopped", "our file edited"].includes(fault.kind);
  const goes = kept && (after === undefined || isRemoved) ? [kept.company] : [];
  const staying = (lines: readonly string[]) =>
    JSON.stringify(lines.filter((line) => !goes.some((start) => line.startsWith(start))));
  const lasting = kept === undefined ? [] : foreignBefore.filter((line) => isKeptByFile(line));
  const wanted = staying(hasRebooted ? lasting : foreignBefore);
  return staying(foreign) === wanted
    ? []
    : [`what is foreign was changed: ${wanted}, then ${JSON.stringify(foreign)}`];
}

function isKeptByFile(line: string): boolean {
  return FOREIGN_BLOCK_LINES.includes(line);
}

/** The table is memory, but for what keepalived begins with: its file, which may be that of a drain. */
function afterReboot(scenario: DirectorScenario, { weights, kept }: DirectorEnd): string[] {
  const { before, after, drain } = scenario;
  if (kept === undefined)
    return weights === undefined ? [] : [`in the table after a boot: ${JSON.stringify(weights)}`];
  const quiet = Object.keys(before ?? {}).map((member) => [member, 0] as const);
  const held: Members = { ...Object.fromEntries(quiet), ...after };
  const may = [before, after, ...(drain === undefined ? [] : [held])];
  return may.some((one) => isSame(one, weights))
    ? []
    : [`after a boot: ${JSON.stringify(weights)}, of ${JSON.stringify(may)}`];
}

function isSame(some: Members | undefined, others: Members | undefined, except?: number): boolean {
  const all = [0, 1, 2, 3].filter((member) => member !== except);
  return all.every((member) => some?.[member] === others?.[member]);
}

/** The table is as before or as asked for, but for what somebody has set, and what was said holds. */
function between(
  { before, after, fault }: DirectorScenario,
  { outcome, weights, isMeddledWith }: DirectorEnd,
): string[] {
  const meddles = fault.kind === "somebody" || fault.kind === "our file edited";
  const meddler = meddles && isMeddledWith ? fault : undefined;
  // A file that somebody has removed is a service that goes when keepalived reads it.
  const isRemoved = meddler?.kind === "our file edited" && meddler.weight === undefined;
  if (isRemoved && weights === undefined) return [];
  const except = isRemoved ? undefined : meddler?.member;
  const isLike = (wanted: Members | undefined) => isSame(wanted, weights, except);
  const seen = JSON.stringify(weights ?? "no service");
  const wrong: string[] = [];
  if (!isLike(before) && !isLike(after))
    wrong.push(
      `between: ${seen}; before ${JSON.stringify(before)}, asked for ${JSON.stringify(after)}`,
    );
  if (outcome.kind === "done" && !isLike(after)) wrong.push(`done, and it is not: ${seen}`);
  if (outcome.kind === "failed" && outcome.aftermath !== "unknown" && !isLike(before))
    wrong.push(`${outcome.aftermath}, and it is not as before: ${seen}`);
  if (meddler === undefined || except === undefined) return wrong;
  const own = [before, after].map((one) => one?.[except]);
  const has = weights?.[except];
  if (has !== meddler.weight && has !== 0 && !own.includes(has))
    wrong.push(`a weight that nobody asked for: ${has}`);
  return wrong;
}

/** It runs all the time, with VRRP, and of its files only ours is changed, as a whole. */
function wrongOfKeepalived(
  { fault }: DirectorScenario,
  { outcome, isMeddledWith, hasRebooted }: DirectorEnd,
  { before, after, wanted }: KeptEnd,
): string[] {
  const wrong: string[] = [];
  if (after.processes === "") wrong.push("keepalived does not run, or VRRP has not its address");
  const mayEnd = hasRebooted || fault.kind === "keepalived stopped";
  if (!mayEnd && after.processes !== before.processes)
    wrong.push(`keepalived has ended: processes ${before.processes}, then ${after.processes}`);
  if (after.others !== before.others)
    wrong.push(`files of somebody's were changed: ${before.others}, then ${after.others}`);
  if (hasRebooted || (fault.kind === "our file edited" && isMeddledWith)) return wrong;
  const { block } = after;
  if (block !== before.block && block !== wanted) wrong.push(`the file is between: ${block}`);
  if (outcome.kind === "done" && block !== wanted) wrong.push(`done, and the file is: ${block}`);
  if (outcome.kind === "failed" && outcome.aftermath !== "unknown" && block !== before.block)
    wrong.push(`${outcome.aftermath}, and the file is: ${block}`);
  return wrong;
}

/** Where a drain was asked for, what we had before is removed from weight 0 alone. */
function removedInUse(
  { before = {}, drain, fault }: DirectorScenario,
  { steps, kept, hasRebooted }: DirectorEnd,
  nameOf: (member: number) => string,
): string[] {
  if (drain === undefined) return [];
  // keepalived removes what others take away, too.
  const others = ["somebody", "our file edited", "keepalived stopped", "real server fails"];
  if (kept !== undefined && (hasRebooted || others.includes(fault.kind))) return [];
  const weights = new Map(
    Object.entries(before).map(([member, weight]) => [nameOf(Number(member)), weight]),
  );
  return steps.flatMap((step) => {
    const [, verb = "", destination = ""] = /^-([aed]) .* -r (\S+)/.exec(step) ?? [];
    const weight = Number(/ -w (\d+)/.exec(step)?.[1] ?? 0);
    const had = weights.get(destination);
    if (verb === "d") weights.delete(destination);
    // What the operation itself added has no drain when it is undone.
    else if (verb === "e" && had !== undefined) weights.set(destination, weight);
    return verb === "d" && had !== undefined && had > 0
      ? [`${destination} was removed at weight ${had}, and it was to be drained`]
      : [];
  });
}
