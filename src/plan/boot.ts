import type { Refusal } from "../domain/errors";
import type { BootKit, KitFile } from "../host/boot-kit";
import type { BootState, KitState } from "../observed/boot-state";
import { isFileChange, type FileChange } from "./change";

/** What a kind of host has for its boot, and what people are told of it. */
export interface KindOfBoot {
  readonly kit: BootKit;
  /** Drift: the program is not as it should be. */
  readonly replayDiffers: string;
  /** Refused where neither init runs. */
  readonly noInit: string;
  /** Refused where somebody else's unit has the name of ours. */
  readonly foreignUnit: string;
}

/** Who wants what is declared to be there again at boot. */
export interface BootWishes {
  /** The owner that is served. */
  readonly own: boolean;
  /** Any other owner that the registry has. */
  readonly others: boolean;
}

/** The part of a plan that is about the next boot. */
export interface BootPlan {
  readonly before: readonly FileChange[];
  readonly after: readonly FileChange[];
  readonly differs: boolean;
  readonly refusals: readonly Refusal[];
  /** What stays of it, because it cannot be removed. */
  readonly notes: readonly string[];
}

/**
 * The replay and its unit come with the first owner that asks for it, and go with the last. One of a
 * newer version of this package is left as it is, and so is a unit that cannot be changed: it still
 * starts the replay, and nobody would be helped by a host that keeps what is declared for it.
 */
export function planBoot(kind: KindOfBoot, { own, others }: BootWishes, boot: BootState): BootPlan {
  const { before, refusals } = own ? kitFor(kind, boot) : NOTHING;
  const needed = own || others;
  const after = [
    ...(needed ? [] : leftovers(boot)),
    // Said once: what is put right now has failed no more.
    ...(own && boot.failure !== undefined ? [dropped("boot/outcome")] : []),
  ];
  return {
    ...{ before, after, differs: before.length + after.length > 0, refusals },
    notes: needed ? [] : fixedNotes(boot),
  };
}

/** What is not as it should be about the boot, for people: a replay that failed, files that differ. */
export function kitDrift(
  { replayDiffers }: KindOfBoot,
  { failure }: BootState,
  changes: readonly { readonly kind: string }[],
): string[] {
  return changes.filter(isFileChange).flatMap((change) => {
    if (change.kind === "drop" && change.file === "boot/outcome")
      return [`boot: the replay failed: ${failure ?? "unknown"}`];
    if (change.kind !== "put") return [];
    switch (change.file) {
      case "replay":
        return [`boot: ${replayDiffers}`];
      case "boot/unit":
        return ["boot: the unit that starts it is missing, changed, or an older one"];
      case "boot/link":
        return ["boot: the unit is not enabled"];
      default:
        return [];
    }
  });
}

const NOTHING = { before: [], refusals: [] };

function kitFor(
  { kit, noInit, foreignUnit }: KindOfBoot,
  boot: BootState,
): Pick<BootPlan, "before" | "refusals"> {
  if (boot.init === "none") return { before: [], refusals: [{ what: noInit, remedies: [] }] };
  if (isForeign(boot)) return { before: [], refusals: [{ what: foreignUnit, remedies: [] }] };
  const unit = kit.units[boot.init];
  const before = [
    ...(isCurrent(boot.replay, kit, kit.replay) ? [] : [put("replay", kit.replay.lines)]),
    ...(isCurrent(boot.unit, kit, unit) || isFixed(boot) ? [] : [put("boot/unit", unit.lines)]),
    ...(boot.enabled ? [] : [put("boot/link", [])]),
  ];
  return { before, refusals: [] };
}

function isForeign({ unit }: BootState): boolean {
  return unit !== undefined && unit.version === undefined;
}

function isCurrent(found: KitState | undefined, { version }: BootKit, { sum }: KitFile): boolean {
  if (found?.version === undefined) return false;
  return found.version > version || (found.version === version && found.sum === sum);
}

/** A unit of ours that no operation can change. What somebody has altered has the version 0. */
function isFixed({ unit, fixed }: BootState): boolean {
  return fixed !== undefined && (unit?.version ?? 0) > 0;
}

/** Newest first: what starts a program goes before it. */
function leftovers(boot: BootState): FileChange[] {
  const { enabled, dangling, unit, replay, fixed } = boot;
  const own = unit !== undefined && !isForeign(boot) && fixed === undefined;
  return [
    ...((enabled && own) || dangling ? [dropped("boot/link")] : []),
    ...(own ? [dropped("boot/unit")] : []),
    ...(replay ? [dropped("replay")] : []),
  ];
}

function fixedNotes(boot: BootState): string[] {
  if (boot.fixed === undefined || isForeign(boot)) return [];
  return [
    `${boot.fixed} stays${boot.enabled ? ", and what enables it" : ""}: it cannot be changed (is its file system read-only?), and fails at every boot; remove it yourself`,
  ];
}

function put(file: string, lines: readonly string[]): FileChange {
  return { kind: "put", file, lines };
}

function dropped(file: string): FileChange {
  return { kind: "drop", file };
}
