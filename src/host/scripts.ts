import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What one operation runs on a real server: the argument of `sh -c`. */
export const REAL_SERVER_PROGRAM = scriptOf(
  "real-server/addresses",
  "core/undo",
  "real-server/observe",
  "real-server/connections",
  "core/main",
);

/** What a host runs at boot, as the lines of a file. */
export const REPLAY_LINES = linesOf("real-server/addresses", "core/undo", "boot/replay");

function scriptOf(...parts: readonly string[]): string {
  return linesOf(...parts).join("\n");
}

/** Comments and indentation are for readers; on the wire, and on a host, they are only weight. */
function linesOf(...parts: readonly string[]): string[] {
  return parts
    .flatMap((part) => readFileSync(join(__dirname, `${part}.sh`), "utf8").split("\n"))
    .map((line) => line.trim())
    .filter((line) => line !== "" && !line.startsWith("#"));
}
