import { readFileSync } from "node:fs";
import { resolve } from "node:path";

/** The shell of a real server's kind, in order; see {@link programOf}. */
export const REAL_SERVER_PARTS: readonly string[] = [
  "real-server/kind",
  "real-server/arp",
  "real-server/addresses",
  "real-server/undo",
  "real-server/observe",
  "real-server/configuration",
];

/** What a drain asks, as text: too rare for every program to have it. */
export const CONNECTION_FUNCTIONS = linesOf(["real-server/connections"]).join("\n");

/** What only a change of a real server needs, as text; see {@link changesOf}. */
export const REAL_SERVER_CHANGES = changesOf(["real-server/changes"]);

/** What only a change of a director needs, as text; see {@link changesOf}. */
export const DIRECTOR_CHANGES = changesOf([]);

/** The shell of a director's kind. */
export const DIRECTOR_PARTS: readonly string[] = [
  "virtual-service/kind",
  "virtual-service/wait",
  "virtual-service/table",
  "virtual-service/observe",
];

/** The shell of a director whose table keepalived keeps. */
export const KEEPALIVED_PARTS: readonly string[] = [
  ...DIRECTOR_PARTS,
  "keepalived/daemon",
  "keepalived/kind",
  "keepalived/observe",
];

/** The same, and what asks keepalived about its checks. */
export const KEEPALIVED_CHECK_PARTS: readonly string[] = [...KEEPALIVED_PARTS, "keepalived/checks"];

/** What only a change of such a director needs, as text; see {@link changesOf}. */
export const KEEPALIVED_CHANGES = changesOf(["keepalived/changes"]);

/** What an inspection of a host that may be a director asks it as one, as text. */
export const INSPECTED_DIRECTOR = linesOf([
  "virtual-service/kind",
  "virtual-service/observe",
  "virtual-service/pending",
  "keepalived/daemon",
  "keepalived/inspect",
]).join("\n");

const CORE_PARTS = [
  "core/text",
  "core/answers",
  "core/files",
  "core/init",
  "core/kit",
  "core/identity",
  "core/lock",
  "core/journal",
  "core/undo",
  "core/watchdog",
  "core/requests",
];

/** The shell of a real server's boot, in order. */
export const BOOT_PARTS: readonly string[] = [
  "boot/places",
  "boot/host",
  "boot/init",
  "boot/identity",
  "boot/nameless",
  "boot/lock",
  "boot/arp",
  "boot/addresses",
  "boot/feed",
  "boot/undo",
  "boot/undo-files",
  "boot/put-back",
  "boot/paths",
  "boot/files",
  "boot/saved",
  "boot/records",
  "boot/others",
  "boot/bind",
  "boot/replay",
];

/** The shell of a director's boot: of that of a real server, what knows no VIP. */
export const DIRECTOR_BOOT_PARTS: readonly string[] = [
  "director-boot/places",
  "boot/host",
  "boot/identity",
  "director-boot/nameless",
  "boot/lock",
  "boot/feed",
  "boot/files",
  "director-boot/journal",
  "boot/put-back",
  "director-boot/records",
  "director-boot/table",
  "director-boot/replay",
];

/** What one operation runs on a real server: the argument of `sh -c`. */
export const REAL_SERVER_PROGRAM = programOf(REAL_SERVER_PARTS);

/** What one operation runs on a director. */
export const DIRECTOR_PROGRAM = programOf(DIRECTOR_PARTS);

/** What one operation runs on a director whose table keepalived keeps. */
export const KEEPALIVED_PROGRAM = programOf(KEEPALIVED_PARTS);

/** The same where keepalived is asked about its checks. */
export const KEEPALIVED_CHECK_PROGRAM = programOf(KEEPALIVED_CHECK_PARTS);

/** What an inspection of a real server runs there, for a mode in which nothing is undone. */
export const INSPECTION_PROGRAM = programOf([
  ...REAL_SERVER_PARTS.filter((part) => part !== "real-server/undo"),
  "core/pending",
  "real-server/questions",
]);

/** What a real server runs at boot, as the lines of a file. */
export const REPLAY_LINES = linesOf(BOOT_PARTS);

/** What a director runs at boot. */
export const DIRECTOR_REPLAY_LINES = linesOf(DIRECTOR_BOOT_PARTS);

/**
 * What one operation runs on a host of a kind: the core and that kind's shell.
 *
 * @param kind Shell files without their `.sh`, in order: by absolute path, or by one from this folder.
 *   `core/main.sh` says what they have to define.
 */
export function programOf(kind: readonly string[]): string {
  return linesOf([...CORE_PARTS, ...kind, "core/main"]).join("\n");
}

/**
 * What only an operation that changes something needs, as text: no observation, no undo and no watchdog
 * does. Its first request of changes defines it.
 *
 * @param kind of the kind, as for {@link programOf}
 */
export function changesOf(kind: readonly string[]): string {
  return linesOf(["core/changes", ...kind]).join("\n");
}

/**
 * The lines of shell files, as a host gets them. Comments and indentation are for readers; on the wire
 * they are only weight. Behind a command only what cannot be within a string is one: what follows a
 * function's head, or has no quote. And `a=''` is `a=` to the shell, eight bytes less in quotes.
 */
export function linesOf(parts: readonly string[]): string[] {
  return parts
    .flatMap((part) => readFileSync(resolve(__dirname, `${part}.sh`), "utf8").split("\n"))
    .map((line) => line.replace(/(?<=^\w+\(\) \{) #.*$|\s+# [^'"]*$/, "").trim())
    .map((line) =>
      /^(local .*|\w+=\S*( \w+=\S*)*)$/.test(line) ? line.replaceAll("=''", "=") : line,
    )
    .filter((line) => line !== "" && !line.startsWith("#"));
}
