import { readFile } from "node:fs/promises";
import path from "node:path";
import * as prettier from "prettier";
import { expect, it } from "vitest";
import { connectionField } from "../../../src/inputs/connection";
import { allowedIn, type Field, type Fields } from "../../../src/inputs/field";
import { realServerInputs } from "../../../src/inputs/real-server";
import { virtualServiceInputs } from "../../../src/inputs/virtual-service";
import { defaultOf } from "./every-input";

const ROOT = path.resolve(__dirname, "../../..");

const TABLE = /(<!-- Made of (src\/inputs\/[\w-]+\.ts):.*-->\n\n)(?:\|.*\n)+/g;

// With -u it is the page that gives in.
it.each<{ page: string; title: string; tables: Readonly<Record<string, Fields>> }>([
  {
    page: "docs/reference/inputs.md",
    title: "input",
    tables: {
      "src/inputs/real-server.ts": realServerInputs,
      "src/inputs/virtual-service.ts": virtualServiceInputs,
    },
  },
  {
    page: "docs/reference/connection.md",
    title: "field",
    tables: { "src/inputs/connection.ts": connectionField.fields },
  },
])("$page has the tables of inputs", async ({ page, title, tables }) => {
  const file = path.join(ROOT, page);
  const text = await readFile(file, "utf8");
  const made = [...text.matchAll(TABLE)].map(([, , source]) => source);
  expect(made).toEqual(Object.keys(tables));
  const withTables = text.replace(
    TABLE,
    (_, comment: string, source: string) => comment + table(title, tables[source] ?? {}),
  );
  const options = await prettier.resolveConfig(file);
  const formatted = await prettier.format(withTables, { ...options, filepath: file });
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
    if (field.hidden) return [row];
    if (field.kind === "object") return [row, ...rows(field.fields, `${within}${name}.`)];
    if (field.kind === "objects") return [row, ...rows(field.fields, `${within}${name}[].`)];
    return [row];
  });
}

function meaning({ sentence, secret, page }: Field): string {
  const more = page === undefined ? "" : ` [More](${path.posix.relative("reference", page)})`;
  return sentence + (secret ? " Secret." : "") + more;
}
