import { ARP_KEYS } from "../../src/domain/sysctl";
import { KIT_PATHS } from "./kit";
import { addsNic, mayLeak } from "./others";
import { LEFT_BEHIND_ON, type Scenario } from "./scenario";

/** Why something is not held against the package. */
export type Why = string;

/**
 * All that may be otherwise after a run than the documents promise. What is not here is a violation.
 *
 * Beside it a NIC that somebody adds (tap*) is looked at by nobody, and the host counts as unchanged
 * where a file of the registry is as the fault left it.
 */
export interface Allowed {
  /**
   * Frames with a VIP, by what somebody does from then on: the address or the sysctl is theirs. Until the
   * host is next seen to be silent.
   */
  readonly frames: {
    readonly atFirst: Why | undefined;
    readonly drift: Why | undefined;
    readonly meanwhile: Why | undefined;
  };
  /**
   * What somebody changes in the middle of the operation, by its name in a difference: as it was, as
   * asked for, or as they made it.
   */
  readonly either: ReadonlyMap<string, Why>;
  /** After an undo ARP sysctls may be strict still, and what is saved of them kept. */
  readonly strict: Why | undefined;
  /** The journal may be there, for the next operation to settle. */
  readonly journal: Why | undefined;
  /** A shell may wait until it is continued. */
  readonly stopped: Why | undefined;
  /** In the end the host need not be as it was at first. */
  readonly changed: Why | undefined;
}

/** What a run may leave otherwise than promised, and why; the only place that forgives. */
export function allowed(scenario: Scenario): Allowed {
  const { host, drift, fault } = scenario;
  const meanwhile = fault.kind === "somebody" ? [fault.does] : [];
  const leaky = host.byHand.some(({ prefix }) => prefix.includes(".")) || host.routes.some(mayLeak);
  const atFirst = leaky ? "an address or a route of somebody's on a loud host" : undefined;
  const drifted = drift.some((one) => one.mayLeak) ? "somebody left the host loud" : undefined;
  const why = drifted ?? atFirst;
  const others = [...drift, ...meanwhile];
  const isFixed = fault.kind === "disk" && fault.how === "read-only for units";
  const resets = others.some((one) => one.what === "resets a sysctl");
  const hasOthers =
    host.byHand.length + host.routes.length + host.owners.length > 0 || host.journal !== "none";
  return {
    frames: {
      atFirst,
      drift: drifted,
      meanwhile: meanwhile.some((one) => one.mayLeak)
        ? "somebody made the host loud meanwhile"
        : bringsNic(scenario) && why !== undefined
          ? `${why}, and a NIC came`
          : undefined,
    },
    either: new Map([
      ...meanwhile
        .flatMap(({ changes }) => changes)
        .map((name) => [name, "somebody changed it"] as const),
      ...(host.journal === "of this boot" && resets ? tightenedBefore(drift) : []).map(
        (name) => [name, "what a dead operation tightened stays: a VIP leaked before"] as const,
      ),
      ...(isFixed ? [KIT_PATHS.unit, KIT_PATHS.link] : []).map(
        (path) => [`boot ${path}`, "it cannot be changed, and is named"] as const,
      ),
      ...(host.litter || fault.kind === "lock" ? [["folder", "somebody made it"] as const] : []),
      ...(isBeforeWatchdog(fault)
        ? [["folder", "nobody was left; the next one takes it"] as const]
        : []),
    ]),
    strict:
      host.byHand.length > 0 || resets
        ? "a VIP leaked before, and I1 goes before I2: what would make it leak again stays"
        : undefined,
    journal: journal(scenario),
    stopped:
      fault.kind === "shell" && fault.how === "STOP"
        ? "stopped before it had the lock and a watchdog, it waits for whoever stopped it"
        : undefined,
    changed: others.length > 0 || hasOthers ? "others have changed it on the way" : undefined,
  };
}

/**
 * Whether a NIC comes in the middle of the operation. Where the host's own is silent by a value of its own,
 * what others did shows on that one.
 */
export function bringsNic({ fault }: Scenario): boolean {
  return fault.kind === "somebody" && addsNic(fault.does);
}

/** What the operation that left a journal has tightened: its own NIC, and what had drifted. */
function tightenedBefore(drift: Scenario["drift"]): string[] {
  const drifted = drift.flatMap(({ changes }) => changes);
  const own = ARP_KEYS.map((key) => `sysctl ${LEFT_BEHIND_ON} ${key}`);
  return [...own, ...drifted.filter((name) => name.startsWith("sysctl "))];
}

/** Between the folder and its watchdog a shell has nobody to tidy up after it, and nothing is begun yet. */
function isBeforeWatchdog(fault: Scenario["fault"]): boolean {
  const isKilled = fault.kind === "shell" && /^(KILL|killed with its watchdog)$/.test(fault.how);
  return isKilled && fault.place.part === "connecting";
}

function journal({ fault, host }: Scenario): Why | undefined {
  if (host.journal !== "none") return "the operation may have ended before it could settle it";
  if (fault.kind === "shell" && fault.how === "killed with its watchdog")
    return "nobody was left to undo";
  // Where no unit can be changed none was, and there is nothing to undo.
  const isDisk = fault.kind === "disk" && fault.how !== "read-only for units";
  return isDisk || fault.kind === "proc" ? "what has to be undone cannot be written" : undefined;
}
