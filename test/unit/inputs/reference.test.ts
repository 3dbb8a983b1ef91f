import { readFile } from "node:fs/promises";
import path from "node:path";
import * as prettier from "prettier";
import { expect, it } from "vitest";
import { connectionField } from "../../../src/inputs/connection";
import { allowedIn, type Field, type Fields } from "../../../src/inputs/field";
import { realServerInputs } from "../../../src/inputs/real-server";
import { defaultOf } from "./every-input";

const ROOT = path.resolve(__dirname, "../../..");

const TABLE = /(<!-- Made of src\/inputs.*-->\n\n)(\|.*\n)+/;

// With -u it is the page that gives in.
it.each([
  { page: "docs/reference/inputs.md", title: "input", fields: realServerInputs },
  { page: "docs/reference/connection.md", title: "field", fields: connectionField.fields },
])("$page has the table of inputs", async ({ page, title, fields }) => {
  const file = path.join(ROOT, page);
  const text = await readFile(file, "utf8");
  expect(text).toMatch(TABLE);
  const withTable = text.replace(TABLE, (_, comment: string) => comment + table(title, fields));
  const options = await prettier.resolveConfig(file);
  const formatted = await prettier.format(withTable, { ...options, filepath: file });
  await expect(formatted).toMatchFileSnapshot(file);
});

function table(title: string, fields: Fields): string {
  const head = [title, "what it may hold", "meaning", "default"];
  const lines = [head, head.map(() => "-"), ...rows(fields, "")];
  return lines.map((cells) => `| ${cells.join(" | ")} |\n`).join("");
}

function rows(fields: Fields, within: string): string[][] {
  return Object.entries(fields).flatMap(([name, field]) => {
    const row = [`\`${within}${name}\``, allowedIn(field), meaning(field), defaultOf(field) ?? ""];
    // What says how to reach a host has a page of its own.
    const below = field.kind === "object" && !field.hidden ? field.fields : {};
    return [row, ...rows(below, `${within}${name}.`)];
  });
}

function meaning({ sentence, secret, page }: Field): string {
  const more = page === undefined ? "" : ` [More](${path.posix.relative("reference", page)})`;
  return sentence + (secret ? " Secret." : "") + more;
}
