import { mkdtempSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { linesOf } from "../../src/host/scripts";

const SHELLS = ["dash", "bash", "busybox sh"];
const FUNCTIONS = linesOf(["core/text", "keepalived/kind", "keepalived/observe"]).join("\n");

const folder = mkdtempSync(join(tmpdir(), "keepalived-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "conf.d"));
mkdirSync(join(folder, "more"));
writeFileSync(join(folder, "more/nested.cfg"), `include ${folder}/conf.d/lvs-*.conf\n`);
const block = join(folder, "conf.d/lvs-dr-2001:db8::10-80.conf");

describe.each(SHELLS)("under %s", (shell) => {
  const run = (script: string) => {
    const prelude = "set -u; tools='' verbs='' steps=''; lf='\n'";
    const [program = "", ...applet] = shell.split(" ");
    const args = [...applet, "-c", `${prelude}\n${FUNCTIONS}\n${script}`];
    const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8" });
    expect(stderr).toBe("");
    return stdout.trim();
  };

  it.each([
    { line: "include conf.d/*.conf", included: true },
    { line: "  include  /FOLDER/conf.d/lvs-dr-*  # ours", included: true },
    { line: "includer /FOLDER/./conf.d/*", included: true },
    { line: "include more/*.cfg", included: true },
    { line: 'include "conf.d/*.conf"', included: true },
    { line: "include more", included: false },
    { line: "include conf.d/*.cfg", included: false },
    { line: "include *.conf", included: false },
    { line: "include more/nothing", included: false },
    { line: "# include conf.d/*.conf", included: false },
    { line: "", included: false },
  ])("a configuration with $line includes our file: $included", ({ line, included }) => {
    const conf = join(folder, "keepalived.conf");
    const text = line.replace("/FOLDER", folder);
    writeFileSync(conf, `global_defs {\n}\n${text}\n`);
    expect(run(`if includes ${conf} ${block} ....; then echo true; else echo false; fi`)).toBe(
      String(included),
    );
  });

  it("a configuration that includes itself is read to an end", () => {
    const conf = join(folder, "round.conf");
    writeFileSync(conf, "include round.conf\ninclude round.conf\n");
    expect(run(`includes ${conf} ${block} .... || echo no`)).toBe("no");
  });

  it.each([
    { verdict: 0, said: "WARNING - whatever", fatal: "" },
    { verdict: 6, said: "SECURITY VIOLATION", fatal: "" },
    { verdict: 5, said: "", fatal: "" },
    { verdict: 5, said: "(a: Line 1) Unknown keyword 'b'", fatal: "" },
    { verdict: 5, said: "one and two both use VRID 51", fatal: "one and two both use VRID 51" },
    { verdict: 2, said: "", fatal: "status 2" },
  ])("of status $verdict and $said is fatal: $fatal", ({ verdict, said, fatal }) => {
    const words = `verdict=${verdict} said="${said}" fatal=''`;
    expect(run(`${words}; find_fatal; printf %s "$fatal"`)).toBe(fatal);
  });
});
