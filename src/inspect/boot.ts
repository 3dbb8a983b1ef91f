import type { BootState } from "../observed/boot-state";
import { isSameMachine } from "../observed/machine";
import type { Machine } from "../observed/registry";
import type { InspectedBoot } from "./common-types";

/** A host of some kind, as far as its boot goes. */
export interface BootSight {
  readonly boot: BootState;
  readonly machine: Machine;
  /** The one that is on disk, whosever that is: the boot goes by it. */
  readonly registry:
    | {
        readonly owners: ReadonlyMap<string, { readonly persist: boolean }>;
        readonly machine: Machine | undefined;
      }
    | undefined;
}

/** What a kind of host says of its boot, in sentences. */
export interface BootWords {
  /** Of its registry. */
  readonly folder: string;
  readonly notEnabled: string;
  readonly left: string;
  /** Before the reason. */
  readonly idle: string;
  /** Before the reason. */
  readonly failed: string;
}

/** The boot of a real server. */
export const VIPS_AT_BOOT: BootWords = {
  folder: "/var/lib/lvs-dr",
  notEnabled:
    "the next boot will not bind the VIPs: the unit pulumi-lvs-dr or what it starts is missing or not enabled",
  left: "the unit pulumi-lvs-dr is left, and no owner needs it: remove it, and the link that enables it",
  idle: "the boot binds nothing",
  failed: "VIPs were left off at boot",
};

/** The boot of a director. */
export const SERVICES_AT_BOOT: BootWords = {
  folder: "/var/lib/lvs-dr-director",
  notEnabled:
    "the next boot will not put the services back: the unit pulumi-lvs-dr-director or what it starts is missing or not enabled",
  left: "the unit pulumi-lvs-dr-director is left, and no owner needs it: remove it, and the link that enables it",
  idle: "the boot puts nothing back",
  failed: "services were not put back at boot",
};

/** What people should know of a host's boot. Pure. */
export function inspectedBoot(words: BootWords, sight: BootSight): InspectedBoot {
  const { init, failure, ...boot } = sight.boot;
  const enabled = boot.enabled && boot.unit !== undefined && boot.replay !== undefined;
  return {
    init,
    enabled,
    problems: [
      ...(isNeeded(sight) && isHere(sight) && !enabled ? [words.notEnabled] : []),
      ...(isLeft(sight) ? [words.left] : []),
      ...idleness(words, sight),
      ...(failure === undefined ? [] : [`${words.failed}: ${failure}`]),
    ],
  };
}

/** The records count: a registry that came with a clone's image says nothing about this machine. */
export function isHere({ registry, machine }: Omit<BootSight, "boot">): boolean {
  return registry?.machine === undefined || isSameMachine(registry.machine, machine);
}

/** Of a registry that does not count. */
export function strangersRegistry({ folder }: Pick<BootWords, "folder">): string {
  return `the registry in ${folder} is another machine's (a clone?): its owners do not count here`;
}

/** A unit of ours that a withdrawal could not remove. */
function isLeft(sight: BootSight): boolean {
  const { boot, registry } = sight;
  if (isNeeded(sight) || boot.unit?.version === undefined) return false;
  return registry === undefined || boot.fixed !== undefined;
}

function idleness(words: BootWords, sight: BootSight): string[] {
  const { registry, machine } = sight;
  if (!isNeeded(sight)) return [];
  if (!isHere(sight)) return [`${words.idle}: ${strangersRegistry(words)}`];
  if ((registry?.machine?.machineId ?? "-") === "-" || machine.machineId !== "-") return [];
  const nameless = `this machine has no machine-id, and the registry in ${words.folder} has one`;
  return [`${words.idle}: ${nameless}`];
}

function isNeeded({ registry }: BootSight): boolean {
  return [...(registry?.owners.values() ?? [])].some((record) => record.persist);
}
