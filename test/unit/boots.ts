import type { BootKit } from "../../src/host/boot-kit";
import type { BootState, KitState } from "../../src/observed/boot-state";
import type { FileChange } from "../../src/plan/change";

/** What a host has for its boot, or a word for it. Default: systemd, and nothing of ours. */
export type BootSketch = Partial<BootState> | keyof ReturnType<typeof kitsOf>;

/** Nothing of ours. */
export const NO_KIT = {
  ...{ replay: undefined, unit: undefined, enabled: false, dangling: false, fixed: undefined },
  ...{ failure: undefined, findings: [] },
};

/** A host's boot as the plan sees it. */
export function bootOf(kit: BootKit, sketch: BootSketch = "none"): BootState {
  const said = typeof sketch === "string" ? kitsOf(kit)[sketch] : sketch;
  return { init: "systemd", ...NO_KIT, ...said };
}

/** The same after a file of it has changed. */
export function bootAfter(kit: BootKit, { kind, file }: FileChange, boot: BootState): BootState {
  const current = currentOf(kit);
  const now = (which: KitState) => (kind === "put" ? which : undefined);
  const parts: Readonly<Record<string, Partial<BootState>>> = {
    replay: { replay: now(current.replay) },
    "boot/unit": { unit: now(current.unit) },
    "boot/link": { enabled: kind === "put", dangling: false },
    "boot/outcome": { failure: undefined, findings: [] },
  };
  return { ...boot, ...parts[file] };
}

/** Boot kits by a word. */
function kitsOf(kit: BootKit) {
  const current = currentOf(kit);
  const ofVersion = (version: number) => {
    const file: KitState = { version, sum: "0".repeat(64) };
    return { ...current, replay: file, unit: file };
  };
  return {
    current,
    older: ofVersion(kit.version - 1),
    changed: ofVersion(kit.version),
    newer: ofVersion(kit.version + 1),
    disabled: { ...current, enabled: false },
    failed: { ...current, failure: "eth1 is not there" },
    openrc: { init: "openrc" },
    none: {},
  } as const satisfies Readonly<Record<string, Partial<BootState>>>;
}

/** What this version of the package writes, as it is observed then. */
function currentOf({ version, replay, units }: BootKit) {
  return {
    replay: { version, sum: replay.sum },
    unit: { version, sum: units.systemd.sum },
    enabled: true,
  } satisfies Partial<BootState>;
}
