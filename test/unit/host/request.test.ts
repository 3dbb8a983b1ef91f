import { spawnSync } from "node:child_process";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { linesOf } from "../../../src/host/scripts";
import { call } from "../../../src/protocol/program";

const SHELLS = ["dash", "bash", "busybox sh"];
const VERBS = [
  "begin",
  "put",
  "drop",
  "observe",
  "define",
  "more",
  "commit",
  "fail",
  "sysctl",
  "quiet",
];

/** The grammar once more, as an expression. */
const WORD = String.raw`'[^']*(?:'\\''[^']*)*'`;
const CALL = `(?:${VERBS.join("|")})(?: ${WORD})*`;
const GRAMMAR = new RegExp(`^${CALL}(?: && ${CALL})*$`);

/** What a shell takes for a request, and what it says of the others. */
function judged(shell: string, lines: readonly string[]): string[] {
  const [command = "", ...args] = shell.split(" ");
  const script = `set -u; LC_ALL=C; blanks=$IFS verbs='sysctl quiet'
${linesOf(["core/text", "core/answers", "core/requests"]).join("\n")}
while IFS= read -r request; do
  failure=''
  if is_request "$request"; then echo yes; else printf '%s\\n' "$failure"; fi
done`;
  const input = lines.map((line) => `${line}\n`).join("");
  const { stdout, stderr } = spawnSync(command, [...args, "-c", script], { input });
  expect(stderr.toString()).toBe("");
  return stdout.toString().split("\n").slice(0, -1);
}

const hostile = fc.constantFrom(
  ...["'", "'", "'", "\\", "'\\''", " ", " && ", "&&", "&", ";", "|", "$(", "`", "\t", "*", "#"],
  ...["begin", "put", "rm", "''", "'a'", "=", "\u00e9", ""],
);
const text = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc.array(hostile).map((parts) => parts.join("")),
  )
  .map((word) => word.replace(/[\0\n\r]/g, ""));
const request = fc
  .array(fc.tuple(fc.constantFrom(...VERBS), fc.array(text, { maxLength: 4 })), { minLength: 1 })
  .map((calls) => calls.map(([verb, words]) => call(verb, ...words)).join(" && "));
/** A request with some of it gone and something else in its place. */
const damaged = fc
  .tuple(request, fc.nat(), fc.nat(8), fc.array(hostile, { maxLength: 3 }))
  .map(([line, at, length, parts]) => {
    const from = at % (line.length + 1);
    return line.slice(0, from) + parts.join("") + line.slice(from + length);
  });

describe.each(SHELLS)("a line, in %s,", (shell) => {
  it("is a request where it is calls of listed verbs with words in quotes, and only there", () => {
    const lines = fc.array(fc.oneof(request, damaged, text), { minLength: 200, maxLength: 300 });
    fc.assert(
      fc.property(lines, (some) => {
        const verdicts = judged(shell, some);
        expect(verdicts.length).toBe(some.length);
        for (const [index, line] of some.entries())
          expect(verdicts[index] === "yes", line).toBe(GRAMMAR.test(line));
      }),
      { numRuns: 20 },
    );
  });

  it("says which verb there is not", () => {
    expect(
      judged(shell, ["rm '-rf'", "observe && undo", "eval 'x'", "", "put 'x", "put x", "commit;"]),
    ).toEqual([
      "there is no verb rm",
      "there is no verb undo",
      "there is no verb eval",
      "there is no verb ",
      "the request cannot be read",
      "the request cannot be read",
      "there is no verb commit;",
    ]);
  });
});
