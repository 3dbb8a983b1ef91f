import { spawnSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { linesOf } from "../../../src/host/scripts";

/** The length of an observation's body whose one line before "end" has so many characters. */
const MEASURING = `set -u; LC_ALL=C; staged='' unobserved=no
${linesOf(["core/text", "core/answers"]).join("\n")}
know_tools() { :; }
observation() { say "$1" && say end; }
line=$(printf '%03980d' 0)
while [ "\${#line}" -lt 4010 ]; do
  observe "$line" && printf '%s %s\\n' "\${#line}" "\${#body}"
  [ "$body" = "$line
end" ] || echo "another body"
  line=0$line
done`;

describe.each(["dash", "bash", "busybox sh"])("an observation under %s", (shell) => {
  it("is what was said, whatever its length is when it is put together", () => {
    const [command = "", ...args] = shell.split(" ");
    const { stdout, stderr } = spawnSync(command, [...args, "-c", MEASURING], { encoding: "utf8" });
    const lengths = Array.from({ length: 30 }, (_, index) => 3980 + index);
    expect({ stderr, stdout }).toEqual({
      stderr: "",
      stdout: lengths.map((length) => `${length} ${length + "\nend".length}\n`).join(""),
    });
  });
});
