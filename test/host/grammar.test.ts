import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

import {
  DIRECTOR_REPLAY_LINES,
  REAL_SERVER_CHANGES,
  REAL_SERVER_PROGRAM,
  REPLAY_LINES,
} from "../../src/host/scripts";
import { fixtures } from "../unit/fixtures";

// What the program of an operation, that of the boot, and TypeScript have to read alike: the same data
// is read by test/unit.
const SHELLS = ["dash", "bash", "busybox sh"];

/** All functions of a program, without the line that starts it. */
const OPERATION = [
  "set -u; LC_ALL=C; blanks=$IFS; journal=/none",
  ...REAL_SERVER_PROGRAM.split("\n").slice(0, REAL_SERVER_PROGRAM.split("\n").indexOf("set -u")),
  REAL_SERVER_CHANGES,
];
const BOOT = REPLAY_LINES.slice(0, -1);
const DIRECTOR_BOOT = DIRECTOR_REPLAY_LINES.slice(0, -1);
const PROGRAMS = { operation: OPERATION, boot: BOOT, "a director's boot": DIRECTOR_BOOT };
const CASES = SHELLS.flatMap((shell) =>
  (["operation", "boot"] as const).map((program) => ({ shell, program })),
);
/** Of any kind of host. */
const OF_ANY_KIND = [
  ...CASES,
  ...SHELLS.map((shell) => ({ shell, program: "a director's boot" as const })),
];

const folder = mkdtempSync(join(tmpdir(), "lvs-dr-grammar-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** What a program's functions print, called by a line of shell. Its words are `$1` and so on. */
function told(given: (typeof OF_ANY_KIND)[number], line: string, ...words: string[]): string {
  const [command = "", ...args] = given.shell.split(" ");
  const script = [...PROGRAMS[given.program], line].join("\n");
  const { stdout, stderr } = spawnSync(command, [...args, "-c", script, "lvs-dr", ...words]);
  expect(stderr.toString()).toBe("");
  return stdout.toString();
}

/** A file for each case: their paths. */
function files<Data>(
  cases: readonly { readonly name: string; readonly data: Data }[],
  text: (data: Data) => string,
): string[] {
  return cases.map(({ name, data }) => {
    const path = join(folder, name);
    writeFileSync(path, text(data));
    return path;
  });
}

const lines = (data: { readonly lines: readonly string[] }) =>
  data.lines.map((line) => `${line}\n`).join("");

interface Read {
  readonly vips: readonly string[];
  readonly claims: readonly { interface: string; key: string; value: number }[];
  readonly except: readonly string[];
  readonly persist: boolean;
}

interface RecordCase {
  readonly file: string;
  readonly lines: readonly string[];
  readonly read?: Read;
  readonly boot?: { readonly read?: Read };
}

const RECORDS = fixtures<RecordCase>("records");

describe.each(SHELLS)("the boot, under %s,", (shell) => {
  const given = { shell, program: "boot" } as const;

  it("reads each record as it is to be read, or refuses it", () => {
    const owners = RECORDS.filter(({ data }) => data.file.startsWith("owners/"));
    const line = `for path in "$@"; do
      if read_owner <"$path"; then printf '%s\\n' "vips$vips" "except$excepts" "persist \${persists:-no}" "$claims"
      else printf 'refused\\n\\n'; fi
    done`;
    const answers = told(given, line, ...files(owners, lines)).split("\n\n");
    expect(answers.length).toBe(owners.length + 1);
    for (const [index, { name, data }] of owners.entries()) {
      const { read } = data.boot ?? data;
      expect(answers[index], name).toBe(read === undefined ? "refused" : asTold(read));
    }
  });
});

interface ServiceCase {
  readonly lines: readonly string[];
  readonly read?: {
    readonly selector: string;
    readonly service: string;
    readonly destinations: readonly string[];
    readonly persist: boolean;
  };
}

describe.each(SHELLS)("a director's boot, under %s,", (shell) => {
  it("reads each record as it is to be read, or refuses it", () => {
    const cases = fixtures<ServiceCase>("service-records");
    const line = `for path in "$@"; do
      if read_service <"$path"; then
        printf '%s\\n' "$selector" "$service" \${destinations:+"$destinations"} "persist \${persists:-no}" ""
      else printf 'refused\\n\\n'; fi
    done`;
    const given = { shell, program: "a director's boot" } as const;
    const answers = told(given, line, ...files(cases, lines)).split("\n\n");
    expect(answers.length).toBe(cases.length + 1);
    for (const [index, { name, data }] of cases.entries())
      expect(answers[index], name).toBe(data.read ? asOptions(data.read) : "refused");
  });
});

function asOptions(read: NonNullable<ServiceCase["read"]>): string {
  const { selector, service, destinations, persist } = read;
  return [selector, service, ...destinations, `persist ${persist ? "yes" : "no"}`].join("\n");
}

function asTold({ vips, except, persist, claims }: Read): string {
  return [
    ["vips", ...vips].join(" "),
    ["except", ...except].join(" "),
    `persist ${persist ? "yes" : "no"}`,
    ...claims.map((one) => `${one.key} ${one.value} ${one.interface}`),
  ].join("\n");
}

interface JournalCase {
  readonly text: string;
  readonly unknown?: string;
}

describe.each(CASES)("$program, under $shell,", (given) => {
  it("knows what is silent", () => {
    interface Silence {
      readonly key: string;
      readonly silent: readonly number[];
      readonly loud: readonly number[];
    }
    for (const { data } of fixtures<Silence>("silence")) {
      const line = 'key=$1; shift; for v in "$@"; do ! is_silent "$key" "$v" || echo "$v"; done';
      const all = [...data.silent, ...data.loud].map(String);
      expect(told(given, line, data.key, ...all)).toBe(data.silent.map((v) => `${v}\n`).join(""));
    }
  });

  it.each(fixtures<{ vip: string; step: string; ip: Record<string, string> }>("bindings"))(
    "binds a VIP of $name as it is to be bound",
    ({ data }) => {
      for (const [flavour, wanted] of Object.entries(data.ip)) {
        const line =
          given.program === "boot"
            ? 'flavour=$1; binding_of "$2"; echo "$prefix $binding"; address_words w "$prefix" $binding; echo "addr add $w"'
            : 'flavour=$1; echo "$3"; address_command c "bound $3"; echo "$c"';
        expect(told(given, line, flavour, data.vip, data.step)).toBe(`${data.step}\n${wanted}\n`);
      }
    },
  );

  it.each(RECORDS.filter(({ data }) => data.file === "saved" && data.read))(
    "carries all lines of $name along but those of sysctls that stay",
    ({ name, data }) => {
      const [path = ""] = files([{ name, data }], lines);
      const line = 'staying=$1; lines_that goes <"$2"; echo; lines_that stays <"$2"';
      const kept = data.lines.slice(0, -1);
      expect(told(given, line, " ", path)).toBe([...kept, "", ""].join("\n"));
      const stays = kept.filter((one) => one.startsWith("sysctl arp_ignore"));
      const goes = kept.filter((one) => !stays.includes(one));
      expect(told(given, line, " arp_ignore/all ", path)).toBe(
        [...goes, "", ...stays, ""].join("\n"),
      );
    },
  );
});

/** First words of a real server's steps. */
const STEPS = /^(sysctl|bound|unbound|void)\b/gm;

describe.each(OF_ANY_KIND)("$program, under $shell,", (given) => {
  interface Machine {
    readonly lines: readonly string[];
    readonly here: { readonly machineId: string; readonly productUuid: string };
    readonly stranger: boolean;
  }
  it.each(fixtures<Machine>("machines"))("knows whose a registry is: $name", ({ data }) => {
    const registry = mkdtempSync(join(folder, "registry-"));
    writeFileSync(join(registry, "machine"), lines(data));
    const line = `registry=$1 h_machine=$2 h_product=$3; warn() { :; }; say() { :; }
      read_identity() { machine_id=$h_machine product_uuid=$h_product; }
      recognise_strangers; echo "\${strangers:-no}"`;
    const { machineId, productUuid } = data.here;
    expect(told(given, line, registry, machineId, productUuid)).toBe(
      data.stranger ? "yes\n" : "no\n",
    );
  });

  it.each(fixtures<JournalCase>("journals"))("knows a journal $name, or does not", ({ data }) => {
    const boot = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
    const journal = join(folder, "journal");
    const text = data.text.replace("THIS", boot);
    const isOfDirector = given.program === "a director's boot";
    writeFileSync(journal, isOfDirector ? text.replace(STEPS, "added") : text);
    const line = 'journal=$1; if know_journal; then echo known; else echo "$failure"; fi';
    const said = told(given, line, journal);
    if (data.unknown === undefined) expect(said).toBe("known\n");
    else expect(said).toContain(`that this version does not know: "${data.unknown}". `);
  });
});
