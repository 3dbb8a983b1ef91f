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
}

/** What of the promises about a director does not hold, a sentence each. Pure. */
export function wrongOnDirector(
  scenario: DirectorScenario,
  end: DirectorEnd,
  nameOf: (member: number) => string,
): string[] {
  return [
    ...foreignTouched(end),
    ...(end.hasRebooted ? afterReboot(end) : between(scenario, end)),
    ...removedInUse(scenario, end, nameOf),
  ];
}

function foreignTouched({ foreign, foreignBefore, hasRebooted }: DirectorEnd): string[] {
  const wanted = hasRebooted ? [] : foreignBefore;
  return JSON.stringify(foreign) === JSON.stringify(wanted)
    ? []
    : [`what is foreign was changed: ${JSON.stringify(wanted)}, then ${JSON.stringify(foreign)}`];
}

/** The table is memory. */
function afterReboot({ weights }: DirectorEnd): string[] {
  return weights === undefined ? [] : [`in the table after a boot: ${JSON.stringify(weights)}`];
}

/** The table is as before or as asked for, but for what somebody has set, and what was said holds. */
function between(
  { before, after, fault }: DirectorScenario,
  { outcome, weights, isMeddledWith }: DirectorEnd,
): string[] {
  const meddler = fault.kind === "somebody" && isMeddledWith ? fault : undefined;
  const isLike = (wanted: Members | undefined): boolean => {
    const all = [0, 1, 2, 3].filter((member) => member !== meddler?.member);
    return all.every((member) => wanted?.[member] === weights?.[member]);
  };
  const seen = JSON.stringify(weights ?? "no service");
  const wrong: string[] = [];
  if (!isLike(before) && !isLike(after))
    wrong.push(
      `between: ${seen}; before ${JSON.stringify(before)}, asked for ${JSON.stringify(after)}`,
    );
  if (outcome.kind === "done" && !isLike(after)) wrong.push(`done, and it is not: ${seen}`);
  if (outcome.kind === "failed" && outcome.aftermath !== "unknown" && !isLike(before))
    wrong.push(`${outcome.aftermath}, and it is not as before: ${seen}`);
  const own = meddler && [before, after].map((one) => one?.[meddler.member]);
  const has = meddler && weights?.[meddler.member];
  if (meddler && has !== meddler.weight && has !== 0 && !own?.includes(has))
    wrong.push(`a weight that nobody asked for: ${has}`);
  return wrong;
}

/** Where a drain was asked for, what we had before is removed from weight 0 alone. */
function removedInUse(
  { before = {}, drain }: DirectorScenario,
  { steps }: DirectorEnd,
  nameOf: (member: number) => string,
): string[] {
  if (drain === undefined) return [];
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
