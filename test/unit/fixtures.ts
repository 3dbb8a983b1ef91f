import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

/** The cases of a folder under `fixtures/`: a name each, from the file's, and its data. */
export function fixtures<Case>(folder: string): { readonly name: string; readonly data: Case }[] {
  const path = join(__dirname, "fixtures", folder);
  return readdirSync(path)
    .filter((file) => file.endsWith(".json"))
    .sort()
    .map((file) => ({
      name: file.slice(0, -".json".length),
      data: JSON.parse(readFileSync(join(path, file), "utf8")) as Case,
    }));
}
