import type { Refusal } from "../domain/errors";
import { KIT_VERSION, REPLAY, UNITS, type KitFile } from "../host/boot-kit";
import type { BootState, KitState } from "../observed/boot-state";
import type { Observed } from "../observed/observed";
import type { Change } from "./change";
import type { OwnerRecord } from "../observed/registry";

/** The part of a plan that is about the next boot. */
export interface BootPlan {
  readonly before: readonly Change[];
  readonly after: readonly Change[];
  readonly differs: boolean;
  readonly refusals: readonly Refusal[];
  /** What stays of it, because it cannot be removed. */
  readonly notes: readonly string[];
}

/**
 * The replay and its unit come with the first owner that asks to be bound again at boot, and go with
 * the last. One of a newer version of this package is left as it is, and so is a unit that cannot be
 * changed: it still starts the replay, and nobody would be helped by a host that keeps its VIPs for it.
 */
export function planBoot(
  record: OwnerRecord | undefined,
  others: readonly OwnerRecord[],
  { boot }: Observed,
): BootPlan {
  const { before, refusals } = record?.persist === true ? kitFor(boot) : NOTHING;
  const needed = [...(record ? [record] : []), ...others].some((one) => one.persist);
  const after = [
    ...(needed ? [] : leftovers(boot)),
    // Said once: what is put right now has failed no more.
    ...(record?.persist === true && boot.failure !== undefined ? [dropped("boot/outcome")] : []),
  ];
  return {
    ...{ before, after, differs: before.length + after.length > 0, refusals },
    notes: needed ? [] : fixedNotes(boot),
  };
}

/** What is not as it should be about the boot, for people: a replay that failed, files that differ. */
export function kitDrift({ boot }: Observed, changes: readonly Change[]): string[] {
  return changes.flatMap((change) => {
    if (change.kind === "drop" && change.file === "boot/outcome")
      return [`boot: the replay failed: ${boot.failure ?? "unknown"}`];
    if (change.kind !== "put") return [];
    switch (change.file) {
      case "replay":
        return ["boot: the program that binds the VIPs again is missing, changed, or an older one"];
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

function kitFor(boot: BootState): Pick<BootPlan, "before" | "refusals"> {
  if (boot.init === "none") return { before: [], refusals: [{ what: NO_INIT, remedies: [] }] };
  if (isForeign(boot)) return { before: [], refusals: [{ what: FOREIGN, remedies: [] }] };
  const unit = UNITS[boot.init];
  const before: Change[] = [
    ...(isCurrent(boot.replay, REPLAY) ? [] : [put("replay", REPLAY.lines)]),
    ...(isCurrent(boot.unit, unit) || isFixed(boot) ? [] : [put("boot/unit", unit.lines)]),
    ...(boot.enabled ? [] : [put("boot/link", [])]),
  ];
  return { before, refusals: [] };
}

function isForeign({ unit }: BootState): boolean {
  return unit !== undefined && unit.version === undefined;
}

function isCurrent(found: KitState | undefined, wanted: KitFile): boolean {
  if (found?.version === undefined) return false;
  return found.version > KIT_VERSION || (found.version === KIT_VERSION && found.sum === wanted.sum);
}

/** A unit of ours that no operation can change. What somebody has altered has the version 0. */
function isFixed({ unit, fixed }: BootState): boolean {
  return fixed !== undefined && (unit?.version ?? 0) > 0;
}

/** Newest first: what starts a program goes before it. */
function leftovers(boot: BootState): Change[] {
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

function put(file: string, lines: readonly string[]): Change {
  return { kind: "put", file, lines };
}

function dropped(file: string): Change {
  return { kind: "drop", file };
}

const NO_INIT =
  "persist needs systemd or OpenRC to bind the VIPs again at boot, and the host runs neither: set persist to false";

const FOREIGN =
  "the host has a unit pulumi-lvs-dr that this package did not write: remove it, or set persist to false";
