import { join } from "node:path";
import ts from "typescript";
import { describe, expect, it } from "vitest";
import { documents, ROOT } from "./documents.mjs";

/** What a part of a program, in a document, takes for granted. */
const AROUND = `
import * as pulumi from "@pulumi/pulumi";
import { RealServer, VirtualService, type RealServerArgs } from "pulumi-lvs-dr";
import type { VirtualServiceArgs } from "pulumi-lvs-dr";
declare const connection: RealServerArgs["connection"];
declare const vips: string[];
declare const director: VirtualServiceArgs["director"];
declare const destinations: VirtualServiceArgs["destinations"];
declare const web1: RealServer, web2: RealServer;
declare const vm: pulumi.CustomResource & { readonly publicIp: pulumi.Output<string> };
`;

describe("TypeScript in the documents", () => {
  const programs = new Map(
    documents().flatMap(({ path, blocks }) =>
      blocks
        .filter(({ language }) => language === "ts")
        .map(({ text }, at): [string, string] => [
          join(ROOT, `${path}.${at + 1}.ts`),
          programOf(text),
        ]),
    ),
  );

  it("is in the README and in other documents", () => {
    expect(programs.has(join(ROOT, "README.md.1.ts"))).toBe(true);
    expect(programs.size).toBeGreaterThan(5);
  });

  it("compiles against the package, in a program of CommonJS as Pulumi runs it", () => {
    expect(complaints(programs)).toEqual([]);
  });
});

function programOf(text: string): string {
  if (text.startsWith("import ")) return text;
  // One input out of the arguments.
  if (/^\w+: /.test(text))
    return `${AROUND}export const args: Partial<RealServerArgs> = {${text}};`;
  return AROUND + text;
}

function complaints(programs: ReadonlyMap<string, string>): string[] {
  const config = ts.readConfigFile(join(ROOT, "tsconfig.json"), (path) => ts.sys.readFile(path));
  const { options } = ts.parseJsonConfigFileContent(config.config, ts.sys, ROOT);
  const program = ts.createProgram({
    rootNames: [...programs.keys()],
    options: { ...options, noUnusedLocals: false },
    host: withFiles(ts.createCompilerHost(options), programs),
  });
  return [...programs.keys()].flatMap((path) => {
    const file = program.getSourceFile(path);
    return [...program.getSyntacticDiagnostics(file), ...program.getSemanticDiagnostics(file)].map(
      ({ messageText }) =>
        `${path.slice(ROOT.length + 1)}: ${ts.flattenDiagnosticMessageText(messageText, "\n")}`,
    );
  });
}

function withFiles(host: ts.CompilerHost, files: ReadonlyMap<string, string>): ts.CompilerHost {
  return {
    ...host,
    fileExists: (path) => files.has(path) || host.fileExists(path),
    readFile: (path) => files.get(path) ?? host.readFile(path),
    getSourceFile: (path, options, ...rest) => {
      const text = files.get(path);
      return text === undefined
        ? host.getSourceFile(path, options, ...rest)
        : ts.createSourceFile(path, text, options);
    },
  };
}
