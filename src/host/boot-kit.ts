import { createHash } from "node:crypto";

/** What starts a host's services. */
export type Init = "systemd" | "openrc";

/** A file that a host keeps for its boot. */
export interface KitFile {
  readonly lines: readonly string[];
  /** SHA-256 of the file, hex. */
  readonly sum: string;
}

/** What a kind of host keeps for its boot: a program, and the unit that starts it. */
export interface BootKit {
  /** Of two versions of the package that share a host the newer one's kit stays. */
  readonly version: number;
  /** The file `replay` of the registry. */
  readonly replay: KitFile;
  readonly units: Readonly<Record<Init, KitFile>>;
}

/**
 * Puts a kit together. Its mark, by which hosts know it, stands in one of the first two lines of each
 * file.
 *
 * @param last whom the kit goes with: `real server`
 * @param replay the program's lines
 * @param units the units' lines; that of OpenRC has its mark behind its first line
 */
export function bootKit(
  version: number,
  last: string,
  replay: readonly string[],
  units: Readonly<Record<Init, readonly string[]>>,
): BootKit {
  const mark = `# pulumi-lvs-dr boot ${version}: made by pulumi-lvs-dr, gone with the last ${last}`;
  const [interpreter = "", ...openrc] = units.openrc;
  return {
    version,
    replay: fileOf([mark, ...replay]),
    units: {
      systemd: fileOf([mark, ...units.systemd]),
      openrc: fileOf([interpreter, mark, ...openrc]),
    },
  };
}

function fileOf(lines: readonly string[]): KitFile {
  const sum = createHash("sha256")
    .update(lines.map((line) => `${line}\n`).join(""))
    .digest("hex");
  return { lines, sum };
}
