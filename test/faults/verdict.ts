import type { Outcome } from "./actor";
import type { Scenario } from "./scenario";
import { differences, type Snapshot } from "./snapshot";
import { prefixOf } from "./stage-host";

/** What a run showed. */
export interface Verdict {
  readonly number: number;
  readonly fault: string;
  /** Whether the fault came about: the operation may have been over before. */
  readonly struck: boolean;
  /** What the host was like when the operation was over. */
  readonly ending: "rolled back" | "completed" | "left to the next operation";
  readonly violations: readonly Violation[];
  readonly milliseconds: number;
  /** What happened, for whoever has to find out why. */
  readonly story: readonly string[];
}

/** A promise that was broken. */
export interface Violation {
  readonly promise: "I1" | "I2" | "I3" | "I4" | "I5";
  readonly what: string;
}

/** When frames of a host are not held against the package, and why. */
export interface Excuse {
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
  readonly why: string;
}

/** Where the deadline is part of the fault, it comes soon. */
export function isSlow({ fault }: Scenario): boolean {
  switch (fault.kind) {
    case "connection":
      return fault.cut === "stall" || fault.cut === "half-close";
    case "client":
      return fault.how === "stopped";
    case "shell":
      return fault.how === "STOP";
    default:
      return false;
  }
}

/**
 * Where nobody is left to undo, or what has to be undone cannot be written, the journal stays, and
 * the next operation settles it.
 */
export function mayKeepJournal({ fault, host }: Scenario): boolean {
  if (fault.kind === "shell" && fault.how === "killed with its watchdog") return true;
  if (host.journal !== "none" || fault.kind === "proc") return true;
  // Where no unit can be changed none was, and there is nothing to undo.
  return fault.kind === "disk" && fault.how !== "read-only for units";
}

/** What somebody else changed may be as it was, as asked for, or as they made it. */
export function masksOf({ fault }: Scenario): ReadonlySet<string> {
  if (fault.kind !== "somebody") return new Set();
  switch (fault.does.what) {
    case "deletes a VIP":
      return new Set([`lo ${prefixOf(fault.does.vip)}`]);
    case "resets a sysctl":
      return new Set([`sysctl ${fault.does.name}`]);
    case "adds an address":
      return new Set([`lo ${fault.does.prefix}`]);
    case "leaves a boot kit":
    case "adds a NIC":
      return new Set();
  }
}

/** An address that somebody added meanwhile keeps the sysctls that it needs. */
export function withMeddling(
  before: Snapshot,
  masks: ReadonlySet<string>,
  after: Snapshot,
): Snapshot {
  const added = [...after.lo].filter(([prefix]) => masks.has(`lo ${prefix}`));
  return { ...before, lo: new Map([...before.lo, ...added]) };
}

/**
 * I1 goes before I2: under a VIP that leaked before, because somebody bound it by hand or reset a
 * sysctl, sysctls which were made strict stay so, and their saved values with them.
 */
export function isHeld(
  { host, drift, fault }: Scenario,
  before: Snapshot,
  after: Snapshot,
  masks: ReadonlySet<string>,
): boolean {
  const others = [...drift, ...(fault.kind === "somebody" ? [fault.does] : [])];
  const isByOthers = host.byHand.length > 0 || others.some((one) => one.what === "resets a sysctl");
  if (!isByOthers) return false;
  return differences(before, after, masks).every((line) =>
    /^(sysctl |registry (saved|machine):)/.test(line),
  );
}

/** In a line. */
export function summaryOf(outcome: Outcome): string {
  switch (outcome.kind) {
    case "done":
      return "done";
    case "killed":
      return "killed";
    case "failed":
    case "unsettled":
      return `${outcome.kind}: ${outcome.message}`;
  }
}
