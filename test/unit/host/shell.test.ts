import { spawnSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { BOOT_PARTS, DIRECTOR_BOOT_PARTS } from "../../../src/host/scripts";

const FOLDER = join(__dirname, "../../../src/host");

/** What runs together, in files. */
const PROGRAMS = {
  "an operation": [...filesIn("core"), ...filesIn("real-server")],
  "an operation on a director": [...filesIn("core"), ...filesIn("virtual-service")],
  "an operation where keepalived keeps the table": [
    ...["core", "virtual-service", "keepalived"].flatMap(filesIn),
  ],
  "the boot": BOOT_PARTS.map((part) => `${part}.sh`),
  "a director's boot": DIRECTOR_BOOT_PARTS.map((part) => `${part}.sh`),
};

function filesIn(folder: string): string[] {
  return readdirSync(join(FOLDER, folder)).map((name) => join(folder, name));
}

it("the shell of a boot is all there is in its folder", () => {
  const used = [...BOOT_PARTS, ...DIRECTOR_BOOT_PARTS].map((part) => `${part}.sh`);
  const there = [...filesIn("boot"), ...filesIn("director-boot")];
  expect([...new Set(used)].sort()).toEqual(there.sort());
});

describe.each(Object.entries(PROGRAMS))("the shell of %s", (name, files) => {
  const text = files.map((file) => readFileSync(join(FOLDER, file), "utf8")).join("\n");

  it("has no variable that nobody sets, and none that nobody reads", () => {
    // Each file alone is checked by `npm test`, without these two: parts share names.
    const options = ["--norc", "--shell=dash", "--include=SC2034,SC2154", "-"];
    const { status, stdout } = spawnSync("shellcheck", options, { input: text, encoding: "utf8" });
    expect(stdout).toBe("");
    expect(status).toBe(0);
  });

  it("has no local variable that another function sets as the program's", () => {
    // A trap, and whatever is called, would have the local one in its place.
    const functions = [...text.matchAll(/^(\w+)\(\) \{(.*?)^\}(?: |$)/gms)].map(
      ([, name, body = ""]) => {
        const uncommented = body.replace(/(^|\s)#.*$/gm, "");
        return { name, locals: localsOf(uncommented), sets: setBy(uncommented) };
      },
    );
    const local = new Set(functions.flatMap(({ locals }) => locals));
    const shared = new Set([
      ...setBy(text.replace(/^(\w+)\(\) \{.*?^\}(?: |$)/gms, "")),
      ...functions.flatMap(({ locals, sets }) => sets.filter((name) => !locals.includes(name))),
    ]);
    expect(functions.length).toBeGreaterThan(20);
    expect([...local].filter((name) => shared.has(name))).toEqual([]);
  });

  it("has no variable of one file that another file begins anew", () => {
    // Functions may be there twice: a kind has some of its own. A variable with two meanings loses one.
    const begun = files.flatMap((file) => {
      const own = readFileSync(join(FOLDER, file), "utf8").matchAll(/^(\w+)=(?!"\$\1\b)/gm);
      return [...new Set([...own].map(([, variable = ""]) => variable))];
    });
    const twice = begun.filter((variable, at) => begun.indexOf(variable) !== at);
    expect(twice).toEqual([]);
  });

  it("has no local variable without a value, or with one that is split", () => {
    // Bare, dash has it inherit; unquoted, dash splits it; by `$(...)`, the status is lost.
    for (const [line] of text.matchAll(/^ *local .*$/gm))
      for (const word of line
        .trim()
        .replace(/^local /, "")
        .match(WORDS) ?? [])
        expect(word, line).toMatch(/^\w+=('[^']*'|"[^"]*"|[\w-]+)$/);
    expect(text).not.toMatch(/^ *local .*\$\(/m);
  });

  it("has functions that pass names on only to functions whose own names begin with _", () => {
    const passing = [...text.matchAll(/^(\w+)\(\) \{.*?^\}(?: |$)/gms)].filter(([body]) =>
      /^ *eval "\$/m.test(body),
    );
    expect(passing.length).toBeGreaterThan(name === "a director's boot" ? 0 : 1);
    for (const [body, passer] of passing)
      for (const local of localsOf(body)) expect(local, passer).toMatch(/^_/);
  });

  it("is in files of at most 250 lines", () => {
    for (const file of files)
      expect(readFileSync(join(FOLDER, file), "utf8").split("\n").length, file).toBeLessThan(251);
  });
});

const WORDS = /(?:"[^"]*"|'[^']*'|[^\s"'])+/g;

function localsOf(body: string): string[] {
  return [...body.matchAll(/^ *local (.*)$/gm)].flatMap(([, words = ""]) =>
    (words.match(WORDS) ?? []).map((word) => word.replace(/=.*$/s, "")),
  );
}

/** Names that are assigned, read into or looped over, or given to a function that sets them. */
function setBy(body: string): string[] {
  return [
    ...body.matchAll(/(?:^|[\s;&|({])(\w+)=/g),
    ...body.matchAll(/\bfor (\w+) in\b/g),
    ...body.matchAll(/\bread_first \S+ (\w+)/g),
    ...[...body.matchAll(/\bread -r ([\w ]+?)(?: <|;|$| &&)/gm)].flatMap(([, names = ""]) =>
      [...names.matchAll(/(_?[a-z]\w+)/g)].map((found) => found),
    ),
  ].flatMap(([, name]) => (name === undefined || name === "IFS" ? [] : [name]));
}
