/** How a destination's connections are waited for before it is removed. */
export interface ServiceDrainPolicy {
  /** How long at most, in seconds; at least 15. `operationSeconds` does not count it. */
  readonly timeoutSeconds: number;
  /** What becomes of those that are left then. */
  readonly onTimeout: "remove" | "fail";
}

/** What a drain does after a count, and the words for it. */
export type ServiceDrainVerdict =
  | { readonly kind: "unused" }
  | { readonly kind: "wait"; readonly progress: string }
  /** The time is over, and the connections that are left are cut. */
  | { readonly kind: "cut"; readonly warning: string }
  /** The destinations stay. */
  | { readonly kind: "give-up"; readonly message: string };

/**
 * What follows from a count.
 *
 * @param inUse connections by destination
 * @param secondsLeft of the policy's time; 0 or less when it is over
 */
export function serviceVerdict(
  inUse: ReadonlyMap<string, number>,
  policy: ServiceDrainPolicy,
  secondsLeft: number,
): ServiceDrainVerdict {
  const total = [...inUse.values()].reduce((sum, count) => sum + count, 0);
  if (total === 0) return { kind: "unused" };
  const each = [...inUse].map(([address, count]) => `${address}: ${count}`).join(", ");
  const what = `${total} connection${total === 1 ? "" : "s"} (${each})`;
  if (secondsLeft > 0)
    return { kind: "wait", progress: `draining ${what}, at most ${Math.ceil(secondsLeft)} s more` };
  const verb = total === 1 ? "was" : "were";
  const left = `${what} ${verb} left after draining for ${policy.timeoutSeconds} s`;
  if (policy.onTimeout === "remove") return { kind: "cut", warning: `${left}, cut now` };
  return { kind: "give-up", message: `${left}. ${INSTEAD}` };
}

/**
 * How long to wait before a director is asked again, in milliseconds: a second at first, five after a
 * minute, and at least twice as long as it took to answer, up to ten. A director of many services that
 * drain at once would have nothing else to do.
 *
 * @param answered how long the last answer took
 * @param waited since the drain began
 * @param left of the policy's time, more than 0: at its end it is asked once more
 */
export function pauseBeforeNextCount(answered: number, waited: number, left: number): number {
  const patient = Math.min(5 * SECOND, waited / 12);
  const considerate = Math.min(10 * SECOND, 2 * answered);
  return Math.min(left, Math.max(SECOND, patient, considerate));
}

const SECOND = 1000;

const INSTEAD =
  'Run it again, raise drain.timeoutSeconds, or set drain.onTimeout to "remove", which cuts them';
