import {
  INSPECTION_PROGRAM,
  KEEPALIVED_CHECK_PROGRAM,
  KEEPALIVED_PROGRAM,
  REAL_SERVER_PROGRAM,
} from "../../../src/host/scripts";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { oneLine } from "../../../src/domain/terminal";
import { changeRequest } from "../../../src/plan/request";
import {
  call,
  giveUpRequest,
  openingCommand,
  programLine,
  requestLine,
  shortOpeningCommand,
  quote,
} from "../../../src/protocol/program";
import { plan } from "../../../src/plan/plan";
import { claimOf, hostOf } from "../model";

const SHELLS = ["dash", "bash", "busybox sh"];

// Requests are lines, and no string of a shell holds a NUL.
const word = fc
  .oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(
        fc.constantFrom("'", '"', "\\", "$(", "`", ";", "&", "|", "\t", " ", "*", "~", "!", "#"),
      )
      .map((parts) => parts.join("")),
  )
  .map((text) => text.replace(/[\0\n\r]/g, ""));

/** What a shell makes of a line: the words that `printf` was given. */
function wordsIn(shell: string, script: string): string[] {
  const [command = "", ...args] = shell.split(" ");
  const { stdout, status } = spawnSync(command, [...args, "-s"], {
    input: script,
    env: { PATH: process.env.PATH, LC_ALL: "C" },
  });
  expect(status).toBe(0);
  return stdout.toString("utf8").split("\0").slice(0, -1);
}

describe.each(SHELLS)("a quoted word, in %s", (shell) => {
  it("is that word again, whatever it holds", () => {
    fc.assert(
      fc.property(fc.array(word, { minLength: 200, maxLength: 400 }), (words) => {
        const script = words.map((one) => `printf '%s\\0' ${quote(one)}\n`).join("");
        expect(wordsIn(shell, script)).toEqual(words);
      }),
      { numRuns: 5 },
    );
  });

  it("is one word on a request line beside others", () => {
    const words = ["", " ", "'", "a'b", "-n", "$HOME", "*", "\u00e9", "'\\''"];
    const script = `printf '%s\\0' ${words.map(quote).join(" ")}`;
    expect(wordsIn(shell, script)).toEqual(words);
  });
});

describe("a request", () => {
  it("never holds a line break or a NUL", () => {
    for (const text of ["a\nb", "a\rb", "a\0b"]) expect(() => quote(text)).toThrow(RangeError);
    expect(giveUpRequest("two\nlines\0")).not.toMatch(/[\n\0]/);
  });

  it("is one line for any text that people gave", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (text) => {
        expect(oneLine(text)).not.toMatch(/[\0-\x1f\x7f]/);
        expect(giveUpRequest(text)).not.toMatch(/[\0\n\r]/);
      }),
    );
  });

  it("has journal, records, sysctls, check, VIPs and a look at the outcome, in this order", () => {
    const addresses = ["lo 203.0.113.11/32 global lo:two words"];
    const { observed } = hostOf({ addresses, observed: { ip: "busybox" } });
    const claim = claimOf({ vips: ["203.0.113.10", "203.0.113.11", "2001:db8::10"] });
    const needed = plan({ kind: "serve", claim, now: "2026-07-02T10:00:00.000Z" }, observed);
    const request = changeRequest(needed.changes, needed.guard, ["203.0.113.10"]);
    expect(request.split(" && ").map((call) => call.replace(/[0-9a-f]{32}/, "ID"))).toEqual([
      "begin '203.0.113.11' 'machine' 'owners/ID' 'saved'",
      "put 'machine' 'lvs-dr-machine 1' 'machine-id 1111' 'product-uuid -'",
      "put 'owners/ID' 'lvs-dr-owner 1' 'owner \"web-1\"' 'incarnation 0001' 'seen 2026-07-02T10:00:00.000Z' 'vip 203.0.113.10' 'vip 203.0.113.11' 'vip 2001:db8::10' 'claim arp_ignore 1 all' 'claim arp_announce 2 all' 'end'",
      "put 'saved' 'lvs-dr-saved 1' 'sysctl arp_ignore 0 1 all' 'sysctl arp_announce 0 2 all' 'end'",
      "sysctl 'all' 'arp_ignore' '0' '1'",
      "sysctl 'all' 'arp_announce' '0' '2'",
      "quiet 'all'",
      "addresses 'bound 203.0.113.10/32 host forever forever lo:dr' 'unbound 203.0.113.11/32 global forever forever lo:two words' 'bound 203.0.113.11/32 host forever forever lo:dr' 'bound 2001:db8::10/128 global forever 0'",
      "observe '203.0.113.10'",
    ]);
  });

  it("changes a VIP in place: of IPv4 behind an entry in between, of IPv6 with all its flags", () => {
    const { observed } = hostOf({
      addresses: [
        { at: "lo 203.0.113.10/32 global lo:0", extras: "brd 203.0.113.10" },
        { at: "lo 2001:db8::10/128 global", extras: "metric 5 noprefixroute" },
      ],
    });
    const claim = claimOf({ vips: ["203.0.113.10", "2001:db8::10"] });
    const { changes } = plan({ kind: "serve", claim, now: "2030" }, observed);
    const calls = changeRequest(changes, [], []).split(" && ");
    expect(calls.filter((call) => call.startsWith("addresses"))).toEqual([
      "addresses 'bound 203.0.113.10,peer,127.0.0.1/32 host forever forever' 'unbound 203.0.113.10/32 global,brd,203.0.113.10 forever forever lo:0' 'bound 203.0.113.10/32 host forever forever lo:dr' 'unbound 203.0.113.10,peer,127.0.0.1/32 host forever forever' 'unbound 2001:db8::10/128 global,metric,5,noprefixroute,change forever forever' 'bound 2001:db8::10/128 global,metric,5,noprefixroute,change forever 0'",
    ]);
  });

  it("names each file that changes once in the journal", () => {
    const request = changeRequest(
      [
        { kind: "put", file: "saved", lines: ["a"] },
        { kind: "drop", file: "saved" },
      ],
      [],
      [],
    );
    expect(request).toBe("begin '' 'saved' && put 'saved' 'a' && drop 'saved' && observe");
  });
});

describe("a request as it is sent", () => {
  it("is as it is where it is short, or the host cannot unpack", () => {
    const long = call("put", "replay", "x".repeat(20_000));
    expect(requestLine("observe", true)).toBe("observe");
    expect(requestLine(long, false)).toBe(long);
  });

  it("is packed where it is long, on one line, by half at least", () => {
    const long = call("put", "replay", ...REAL_SERVER_PROGRAM.split("\n"));
    const [, text = ""] = /^packed ([A-Za-z0-9+/=]+)$/.exec(requestLine(long, true)) ?? [];
    expect(gunzipSync(Buffer.from(text, "base64")).toString()).toBe(long);
    expect(text.length).toBeLessThan(long.length / 2);
  });
});

describe("the opening command", () => {
  const opening = {
    nonce: "abc",
    mode: "hold",
    seconds: 90,
    holder: "it's me",
    program: REAL_SERVER_PROGRAM,
    subjects: ["203.0.113.10"],
    login: { sudo: false },
  } as const;

  it("replaces the login shell, and passes the session on before sudo empties the environment", () => {
    expect(openingCommand(opening)).toMatch(
      /; exec sh -c '[^]*' lvs-dr '[^\n]*' abc hold 90 "\$SSH_CONNECTION" \d\d:\d\d:\d\dZ 'it'\\''s me' '203\.0\.113\.10'$/,
    );
  });

  it("becomes root by sudo, which asks in words that we know, or not at all", () => {
    expect(openingCommand({ ...opening, login: { sudo: true } })).toMatch(
      /; exec sudo -n -- sh -c /,
    );
    expect(openingCommand({ ...opening, login: { sudo: true, sudoPassword: "s3cret" } })).toMatch(
      /; exec sudo -k -S -p 'abc password' -- sh -c /,
    );
  });

  it.each(SHELLS)("leaves it to who logged in whether sudo is needed, in %s", (shell) => {
    const folder = mkdtempSync(join(tmpdir(), "unless-root-"));
    const answers = (program: string, script: string): void =>
      writeFileSync(join(folder, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    answers("sudo", 'printf "by sudo: %s\\n" "$1 $2 $3"');
    const program = "echo here; exit";
    const command = openingCommand({ ...opening, program, login: { sudo: "unless root" } });
    const said = (id: string): string => {
      answers("id", `echo ${id}`);
      const [name = "", ...words] = shell.split(" ");
      const env = { PATH: `${folder}:${process.env["PATH"]}`, SHELL: "/bin/sh" };
      return spawnSync(name, [...words, "-c", command], { env, encoding: "utf8" }).stdout;
    };
    try {
      expect(said("0")).toMatch(/abc login \/bin\/sh\n\nabc program\s*\nhere\n$/);
      expect(said("1000")).toMatch(/abc login \/bin\/sh\nby sudo: -n -- sh\n$/);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it("is one line that says how far it got, and holds nothing that a csh or fish reads otherwise", () => {
    const command = openingCommand(opening);
    expect(command).toMatch(/^printf "\\n%s login %s\\n" abc "\$SHELL"; exec /);
    expect(command).not.toMatch(/[\n!]|\\\\/);
  });

  const programs = { REAL_SERVER_PROGRAM, INSPECTION_PROGRAM, KEEPALIVED_PROGRAM };
  it.each(Object.entries({ ...programs, KEEPALIVED_CHECK_PROGRAM }))(
    "with the %s fits into what a TCP connection sends at first, beside what SSH adds",
    (_, program) => {
      const nonce = "0123456789abcdef01234567";
      const holder =
        "organization/shop/production/web urn:pulumi:pulumi-lvs-dr:index:RealServer::web-1";
      const subjects = ["203.0.113.10", "203.0.113.11", "2001:db8::10"];
      const command = openingCommand({ ...opening, nonce, holder, subjects, program });
      expect(Buffer.byteLength(command)).toBeLessThanOrEqual(14_000);
    },
  );

  it.each(SHELLS)("unpacks its program in %s, and asks for it where it cannot", (shell) => {
    const program = `printf '%s %s %s\\n' "it's $1!" 'a\\nb' '\\\\'\nprintf '%s|' "$@"`;
    const [name = "", ...args] = shell.split(" ");
    const path = spawnSync("sh", ["-c", `command -v ${name}`], { encoding: "utf8" }).stdout.trim();
    const command = openingCommand({ ...opening, program }).replace(
      "exec sh",
      `exec ${[path, ...args].join(" ")}`,
    );
    const run = (PATH: string) =>
      spawnSync(path, [...args, "-c", command], {
        input: programLine({ program }),
        env: { PATH, SHELL: "/bin/x", SSH_CONNECTION: "a b" },
        encoding: "utf8",
      }).stdout;
    const [, unpacked] = run(process.env.PATH ?? "").split("abc program \n");
    const [, asked] = run("/nonexistent").split("abc wanted \n");
    expect(unpacked).toMatch(
      /^it's abc! a\\nb \\\\\nabc\|hold\|90\|a b\|.*\|it's me\|203\.0\.113\.10\|$/,
    );
    expect(asked).toBe(unpacked);
  });

  it("has a form short enough for servers with a limit, which takes the program as a line", () => {
    expect(shortOpeningCommand(opening).length).toBeLessThan(1000);
    const line = programLine(opening);
    expect(line.indexOf("\n")).toBe(line.length - 1);
  });

  it("fits into one argument of a process, with hundreds of VIPs too", () => {
    const subjects = Array.from(
      { length: 500 },
      (_, index) => `2001:db8:aaaa:bbbb:cccc:dddd:eeee:${index}`,
    );
    // MAX_ARG_STRLEN of the kernel: sshd gives the login shell all of it as one argument.
    expect(openingCommand({ ...opening, subjects }).length).toBeLessThan(128 * 1024);
  });
});
