import type { Refusal } from "../domain/errors";

/** A plan, as far as it must be known to be carried out. */
export interface KindPlan {
  /** Why it must not be carried out. */
  readonly refusals: readonly Refusal[];
  /** What is to be done, in order. Empty where the host is as desired. */
  readonly changes: readonly unknown[];
}

/** What an operation reads of a host of some kind. */
export interface Observer<Observed> {
  /** What runs on the host: the argument of `sh -c`. host/scripts.ts puts it together. */
  readonly program: string;
  /**
   * Reads an observation. Total.
   *
   * @throws UnreadableAnswer when it is not whole
   */
  parse(body: string): Observed;
}

/**
 * A kind of host: what is specific about real servers, and about whatever else is brought to a
 * declared state by the same conversation. The journal, the lock, the undo and the commit are the same
 * for all kinds; each has a program, a folder of records, verbs and a planner of its own.
 */
export interface HostKind<Desired, Observed, Plan extends KindPlan> extends Observer<Observed> {
  /** The one decision: what is to be done to bring a host as observed to what is desired. Pure. */
  plan(desired: Desired, observed: Observed): Plan;
  /**
   * A plan's changes as one request line, which ends in an observation.
   *
   * @param subjects what the observation is to tell of besides: words of the kind's own
   */
  request(plan: Plan, subjects: readonly string[]): string;
  /**
   * Waits for what a request leaves to others on the host, and does what they have left. Default: there are
   * none.
   *
   * @param observed the host as the request's answer has it
   * @param ask sends a request of the same conversation
   * @returns the host as it is then
   */
  settle?(
    desired: Desired,
    observed: Observed,
    ask: (request: string) => Promise<string>,
  ): Promise<Observed>;
  /** What is being done, for a person: `setting 2 sysctls, binding 1 VIP`. */
  summary(plan: Plan): string;
  /** What is still to be done, a phrase each. */
  left(plan: Plan): readonly string[];
  /** Whether the operation that wanted this was committed on the host as it is now. */
  isCommitted(desired: Desired, observed: Observed): boolean;
}
