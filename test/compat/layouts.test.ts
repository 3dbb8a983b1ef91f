import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";
import type * as TypeScript from "typescript";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { PROVIDER_SOURCE } from "../../src/pulumi/provider-source";
import { command } from "../../lab/command";

const ROOT = path.resolve(__dirname, "../..");
const NAME = "pulumi-lvs-dr";

describe("the package", () => {
  let folder: string;
  let packed: string;

  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), "lvs-dr-layouts-"));
    const pack = ["pack", "--ignore-scripts", "--silent", "--pack-destination", folder, ROOT];
    const { stdout } = await command("npm", pack);
    await command("tar", ["-xzf", path.join(folder, stdout.trim()), "-C", folder]);
    packed = path.join(folder, "package");
  });
  afterAll(() => rm(folder, { recursive: true }));

  /** A folder of a program, with links to what the package needs beside `place`. */
  const layout = async (name: string, place: string, how: "copied" | "linked"): Promise<string> => {
    const directory = path.join(folder, name);
    const modules = path.join(directory, place);
    await mkdir(path.join(modules, "@pulumi"), { recursive: true });
    for (const other of ["@pulumi/pulumi", "ssh2", "zod", "ipaddr.js"]) {
      await symlink(path.join(ROOT, "node_modules", other), path.join(modules, other));
    }
    const target = path.join(modules, NAME);
    if (how === "linked") await symlink(ROOT, target);
    else await command("cp", ["-R", packed, target]);
    return directory;
  };

  /** Evaluates the text as Pulumi does, in a process whose main module is `main`. */
  const load = async (directory: string, main = path.join(folder, "main.js")) => {
    await mkdir(path.dirname(main), { recursive: true });
    const evaluator = path.join(ROOT, "node_modules/require-from-string");
    await writeFile(
      main,
      `try {
        const provider = require(${JSON.stringify(evaluator)})(process.argv[2]).handler();
        console.log(Object.keys(provider).sort().join(" "));
      } catch (e) { console.log(e + ": " + e.stack); }`,
    );
    return nodeIn(directory, main, PROVIDER_SOURCE);
  };

  const VERBS = "check create delete diff read update\n";

  it("is found by the provider's text where npm puts it", async () => {
    expect(await load(await layout("npm", "node_modules", "copied"))).toBe(VERBS);
  });

  it("is found from a folder below the one that has it", async () => {
    const program = path.join(await layout("main", "node_modules", "copied"), "infra/dev");
    await mkdir(program, { recursive: true });
    expect(await load(program)).toBe(VERBS);
  });

  it("is found where it is linked", async () => {
    expect(await load(await layout("linked", "node_modules", "linked"))).toBe(VERBS);
  });

  it("is found where pnpm puts a dependency of a dependency", async () => {
    const place = "node_modules/.pnpm/node_modules";
    expect(await load(await layout("pnpm", place, "copied"))).toBe(VERBS);
  });

  it("is found where pnpm puts a dependency of the program itself", async () => {
    const store = "node_modules/.pnpm/pulumi-lvs-dr@0/node_modules";
    const directory = await layout("pnpm-direct", store, "copied");
    const link = path.join(directory, "node_modules", NAME);
    await symlink(path.join(directory, store, NAME), link);
    expect(await load(directory)).toBe(VERBS);
  });

  it("is found beside Pulumi itself", async () => {
    const pulumi = await layout("global", "node_modules", "copied");
    const main = path.join(pulumi, "node_modules/beside/main.js");
    const empty = path.join(folder, "empty");
    await mkdir(empty, { recursive: true });
    expect(await load(empty, main)).toBe(VERBS);
  });

  it("is named where it is missing, without a stack", async () => {
    const empty = path.join(folder, "nothing");
    await mkdir(empty);
    expect(await load(empty)).toBe(
      "Error: Cannot find module 'pulumi-lvs-dr/provider'\n" +
        `Require stack:\n- \n- ${path.join(folder, "main.js")}: \n`,
    );
  });

  it("that is broken is not passed over for another copy of it", async () => {
    const directory = await layout("broken", "node_modules", "copied");
    await rm(path.join(directory, "node_modules", NAME, "dist/pulumi/state.js"));
    const global = await layout("other", "node_modules", "copied");
    const said = await load(directory, path.join(global, "node_modules/beside/main.js"));
    expect(said).toContain("Error: Cannot find module './state'");
    expect(said).not.toContain("    at ");
  });

  it("loads no SSH to check inputs, and keeps what it compiled within itself", async () => {
    const directory = await layout("lean", "node_modules", "copied");
    const temporary = path.join(folder, "temporary");
    await mkdir(temporary);
    const inputs = { connection: { host: "h", privateKeyFile: "k" }, vips: ["203.0.113.10"] };
    await writeFile(
      path.join(directory, "check.js"),
      `require("${NAME}/provider").check({}, ${JSON.stringify({ ...inputs, owner: "o" })})
        .then(({ failures }) => console.log(failures.length,
          Object.keys(require.cache).filter((file) => /ssh2|operation/.test(file)).length));`,
    );
    const env = { ...process.env, TMPDIR: temporary };
    const check = () =>
      promisify(execFile)(process.execPath, ["check.js"], { cwd: directory, env });
    expect((await check()).stdout).toBe("0 0\n");
    expect(await readdir(temporary)).toEqual([]);
    const cache = path.join(directory, "node_modules", NAME, "node_modules/.cache");
    expect(await readdir(cache)).not.toEqual([]);

    // Where it cannot: there is a file in its place.
    await rm(path.dirname(cache), { recursive: true });
    await writeFile(path.dirname(cache), "");
    expect(await check()).toMatchObject({ stdout: "0 0\n", stderr: "" });
  });

  it("is imported by name from CommonJS and ES module programs", async () => {
    const directory = await layout("programs", "node_modules", "copied");
    const programs = {
      "program.cjs": `const { RealServer } = require("${NAME}"); console.log(RealServer.name);`,
      "program.mjs": `import { RealServer } from "${NAME}"; console.log(RealServer.name);`,
    };
    for (const [name, text] of Object.entries(programs)) {
      await writeFile(path.join(directory, name), text);
      expect(await nodeIn(directory, name)).toBe("RealServer\n");
    }
  });

  it("has types that say the same to the TypeScript that Pulumi brings along", async () => {
    const directory = await layout("old-types", "node_modules", "copied");
    const program = path.join(directory, "index.ts");
    await writeFile(
      program,
      `import { RealServer, RealServerArgs, VirtualService, inspect } from "${NAME}";
      const args: RealServerArgs = { connection: { host: "h" }, vips: ["203.0.113.10"] };
      new RealServer("web-1", args).bindings.apply(([first]) => first.address.length);
      inspect({ host: "h" }).then(({ ok }) => ok === true);
      const service = { director: { host: "h" }, vip: "203.0.113.10", port: 80, destinations: [] };
      new VirtualService("shop", service).table.apply(({ destinations = [] }) => destinations.length);
      new RealServer("web-2", { ...args, vip: 1 });
      new RealServer("web-3", args).bindings.apply(([first]) => first.adress);`,
    );
    const load = createRequire(program);
    const old = load("@pulumi/pulumi/vendor/typescript@3.8.3/typescript.js") as typeof TypeScript;
    const { CommonJS } = old.ModuleKind;
    const options = { strict: true, module: CommonJS, target: old.ScriptTarget.ES2019 };
    const compiled = old.createProgram([program], { ...options, types: [], noEmit: true });
    const ours = compiled
      .getSourceFiles()
      .filter(({ fileName }) => fileName === program || fileName.includes(`/${NAME}/`));
    expect(ours.length).toBeGreaterThan(5);
    const wrong = ours.flatMap((file) => [
      ...compiled.getSyntacticDiagnostics(file),
      ...compiled.getSemanticDiagnostics(file),
    ]);
    const said = wrong.map(({ messageText }) => old.flattenDiagnosticMessageText(messageText, " "));
    expect(said).toEqual([
      expect.stringContaining("'vip' does not exist"),
      expect.stringContaining("'adress' does not exist"),
    ]);
  });

  it("holds only what runs", async () => {
    const { stdout } = await command("find", [packed, "-type", "f"]);
    const files = stdout
      .trim()
      .split("\n")
      .map((file) => path.relative(packed, file));
    expect(files).toContain("dist/host/core/main.sh");
    const others = files.filter((file) => !/^dist\/.+\.(js|d\.ts|sh)$/.test(file));
    expect(others.sort()).toEqual(["LICENSE", "README.md", "package.json"]);
  });
});

async function nodeIn(cwd: string, ...args: string[]): Promise<string> {
  return (await promisify(execFile)(process.execPath, args, { cwd })).stdout;
}
