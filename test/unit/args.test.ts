import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { resolve } from "node:path";
import type * as TypeScript from "typescript";
import { describe, expect, it } from "vitest";

// The types themselves are tested in args.test-d.ts, by the type checker.
describe("the public arguments", () => {
  it("can be read by the TypeScript that Pulumi brings along for programs without one", () => {
    const load = createRequire(resolve("package.json"));
    const old = load("@pulumi/pulumi/vendor/typescript@3.8.3/typescript.js") as typeof TypeScript;
    const source = readFileSync("src/args.ts", "utf8");
    const file = old.createSourceFile("args.ts", source, old.ScriptTarget.ES2019);
    const { parseDiagnostics } = file as unknown as { parseDiagnostics: TypeScript.Diagnostic[] };
    expect(parseDiagnostics.map(({ messageText }) => messageText)).toEqual([]);
  });
});
