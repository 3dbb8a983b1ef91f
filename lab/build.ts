import { spawnSync } from "node:child_process";
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";

/**
 * Vitest's global set-up for tests that load the package as programs do: builds dist/ when a source
 * is newer. A failed build leaves no entry, which would pass for a fresh one. The lock is for two runs at once, which would read what the other half wrote.
 * @throws Error when the build fails; the compiler's words are on the terminal.
 */
export default function build(): void {
  const root = join(__dirname, "..");
  const isFresh = `[ -e dist/index.js ] && [ ! "$1" -nt dist/index.js ]`;
  const command = `${isFresh} || { npm run --silent build && touch dist/index.js; } || { rm -f dist/index.js; false; }`;
  const newest = newestSource(join(root, "src"));
  const locked = ["node_modules/.build-lock", "sh", "-c", command, "sh", newest];
  const { status } = spawnSync("flock", locked, { cwd: root, stdio: ["ignore", 2, 2] });
  if (status !== 0) throw new Error("npm run build failed");
}

function newestSource(folder: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .map((name) => join(folder, name))
    .map((path) => ({ path, changed: statSync(path).mtimeMs }));
  return files.sort((a, b) => b.changed - a.changed)[0]?.path ?? folder;
}
