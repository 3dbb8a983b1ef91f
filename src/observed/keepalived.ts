import { parseChecks, type CheckedService } from "./keepalived-checks";
import type { Lines } from "./lines";

/** keepalived on a director, beside one service of ours. */
export interface ObservedKeepalived {
  /** The process ids of those that run in the director's network namespace, without their children. */
  readonly daemons: readonly string[];
  /** `2.2.7`. Undefined where it does not run, or does not say so. */
  readonly version: string | undefined;
  /** The file that its configuration begins with. Undefined where it does not run. */
  readonly configuration: string | undefined;
  /**
   * Why it cannot have services, whatever its files say: it was started without its health checker (`vrrp`),
   * or reads other files than the host has by that name, as in a container (`elsewhere`).
   */
  readonly unfit: "vrrp" | "elsewhere" | undefined;
  /** That configuration includes the file of our block, whether or not it is there. */
  readonly isIncluded: boolean;
  /** The folder of our block is there. */
  readonly hasFolder: boolean;
  /** What `keepalived -t` says against the configuration, each line once. */
  readonly complaints: readonly string[];
  /** Of that, what a running keepalived may end by when it reads its configuration anew. */
  readonly fatal: readonly string[];
  /** The lines of the file of our block; undefined where there is none. */
  readonly block: readonly string[] | undefined;
  /** What it says of its checks. Undefined where it was not asked, or has not answered in time. */
  readonly checked?: readonly CheckedService[];
}

/** The words of its lines in an observation, between blanks. */
export const KEEPALIVED_WORDS =
  "keepalived-daemon keepalived-version keepalived-conf keepalived-unfit keepalived-included keepalived-folder " +
  "keepalived-said keepalived-fatal keepalived-file keepalived-line keepalived-asked keepalived-check";

/** Reads what an observation says of keepalived. */
export function parseKeepalived(lines: Lines): ObservedKeepalived {
  const [version = ""] = lines.all("keepalived-version");
  return {
    daemons: lines.all("keepalived-daemon"),
    version: /^keepalived v(\d+(?:\.\d+)+)/i.exec(version)?.[1],
    configuration: lines.all("keepalived-conf")[0],
    unfit: (["vrrp", "elsewhere"] as const).find((one) =>
      lines.all("keepalived-unfit").includes(one),
    ),
    isIncluded: lines.has("keepalived-included"),
    hasFolder: lines.has("keepalived-folder"),
    complaints: lines.all("keepalived-said"),
    fatal: lines.all("keepalived-fatal"),
    block: lines.has("keepalived-file") ? lines.all("keepalived-line") : undefined,
    ...(lines.has("keepalived-asked") && { checked: parseChecks(lines.all("keepalived-check")) }),
  };
}
