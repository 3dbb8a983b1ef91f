import { parseBoot, type BootState } from "./boot-state";
import { BOOT_WORDS, broken, fromFiles, Lines, oneOf } from "./lines";
import { parseAddressLine } from "./ip-addr";
import { KEEPALIVED_WORDS, parseKeepalived, type ObservedKeepalived } from "./keepalived";
import type { Machine } from "./registry";
import { parseServiceRegistry, type ServiceRegistry } from "./service-records";
import { parseServiceTable, type TableService } from "./service-table";

/** A director, as it told of itself under the lock. */
export interface ObservedDirector {
  readonly machine: Machine;
  /** The addresses of all its NICs, canonical. */
  readonly addresses: ReadonlySet<string>;
  /** Of the services asked about, or all of them. In the order of ipvsadm. */
  readonly table: readonly TableService[];
  /** Other programs that believe the table to be theirs, by their names. */
  readonly keepers: readonly string[];
  /** Connections to a destination that is removed are reset (1), or their packets dropped silently (0). */
  readonly expiresWithDestination: boolean;
  /** Known clients, too, leave a destination of weight 0. */
  readonly expiresTemplates: boolean;
  /** What puts its services back at boot. */
  readonly boot: BootState;
  /** Undefined where the director has none. */
  readonly registry: ServiceRegistry | undefined;
  /** Where that was asked about: who keeps the table, and our block there. */
  readonly keepalived?: ObservedKeepalived;
  /** Of an inspection: files of keepalived's configuration that are this package's, and their lines. */
  readonly blocks?: ReadonlyMap<string, readonly string[]>;
}

const WORDS: ReadonlySet<string> = new Set(
  (
    "boot machine product addr table limits keeper nodest template registry file " +
    "keepalived-block keepalived-text " +
    `${BOOT_WORDS} ${KEEPALIVED_WORDS}`
  ).split(" "),
);

/** Reads the body of an observation. Total: an answer that is not whole throws `UnreadableAnswer`. */
export function parseDirector(body: string): ObservedDirector {
  return directorIn(new Lines(body, WORDS));
}

/** The same of one that was inspected. */
export function parseInspectedDirector(body: string): ObservedDirector {
  const lines = new Lines(body, WORDS);
  const blocks = lines.all("keepalived-block").map((file) => {
    const head = `${file} `;
    const texts = lines.all("keepalived-text").filter((line) => line.startsWith(head));
    return [file, texts.map((line) => line.slice(head.length))] as const;
  });
  return { ...directorIn(lines), blocks: new Map(blocks) };
}

/** The same of one whose table keepalived keeps. */
export function parseKeepalivedDirector(body: string): ObservedDirector {
  const lines = new Lines(body, WORDS);
  return { ...directorIn(lines), keepalived: parseKeepalived(lines) };
}

function directorIn(lines: Lines): ObservedDirector {
  const addresses = lines
    .all("addr")
    .map((line) => (parseAddressLine(line) ?? broken(line)).address);
  return {
    machine: { machineId: lines.one("machine"), productUuid: lines.one("product") },
    addresses: new Set(addresses),
    table: parseServiceTable(lines.all("table"), lines.all("limits")),
    keepers: [...new Set(lines.all("keeper"))],
    expiresWithDestination: oneOf(lines, "nodest", "0", "1", "-") === "1",
    expiresTemplates: oneOf(lines, "template", "0", "1", "-") === "1",
    boot: parseBoot(lines),
    registry: lines.has("registry") ? fromFiles(lines, parseServiceRegistry) : undefined,
  };
}
