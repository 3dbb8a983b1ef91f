import { broken, oneOf, type Lines } from "./lines";
import type { Init } from "../host/boot-kit";

/** What a host has for having again at boot what is declared, and how that went. */
export interface BootState {
  readonly init: Init | "none";
  /** The program; undefined where there is none. */
  readonly replay: KitState | undefined;
  /** What starts it. */
  readonly unit: KitState | undefined;
  /** The unit is enabled. */
  readonly enabled: boolean;
  /** There is a link that enables it, and the unit is gone. */
  readonly dangling: boolean;
  /** The unit's path where it cannot be changed: a read-only file system, say. */
  readonly fixed: string | undefined;
  /** Why the replay of this boot did not do all of that; undefined where it did not. */
  readonly failure: string | undefined;
  /** What somebody undid in this boot after the replay had set it, a sentence each. */
  readonly findings: readonly string[];
}

/** A file of the boot kit as it is on the host. */
export interface KitState {
  /** Undefined for a file that is not this package's. */
  readonly version: number | undefined;
  /** SHA-256, hex. */
  readonly sum: string;
}

/** Reads the `boot-*` lines of an observation. Throws `UnreadableAnswer`. */
export function parseBoot(lines: Lines): BootState {
  const outcomes = lines.all("boot-outcome");
  const said = (word: string) =>
    outcomes.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const [failure] = said("failed");
  return {
    init: oneOf(lines, "boot-init", "systemd", "openrc", "none"),
    replay: lines.has("boot-replay") ? parseKit(lines.one("boot-replay")) : undefined,
    unit: lines.has("boot-unit") ? parseKit(lines.one("boot-unit")) : undefined,
    enabled: lines.has("boot-enabled"),
    dangling: lines.has("boot-dangling"),
    fixed: lines.all("boot-fixed")[0],
    failure,
    findings: said("found"),
  };
}

// VERSION|- SHA256
function parseKit(line: string): KitState {
  const match = /^(\d{1,9}|-) ([0-9a-f]{64})$/.exec(line);
  const [, version = "", sum = ""] = match ?? broken(line);
  return { version: version === "-" ? undefined : Number(version), sum };
}
