import { chmodSync, mkdtempSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { spawnSync } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { linesOf } from "../../src/host/scripts";
import { fixtures } from "../unit/fixtures";

const SHELLS = ["dash", "bash", "busybox sh"];
const FUNCTIONS = linesOf([
  ...[
    "core/text",
    "virtual-service/observe",
    "keepalived/daemon",
    "keepalived/kind",
    "keepalived/observe",
  ],
  "keepalived/checks",
]).join("\n");

const INSPECTED = linesOf(["keepalived/inspect"]).join("\n");

/** What versions of `keepalived -t` say, and whether one that runs has ended when it read that anew. */
interface Said {
  readonly configuration: string;
  readonly versions: readonly string[];
  readonly status: number;
  readonly said: readonly string[];
  readonly ends: boolean;
}
const SAID = fixtures<Said>("keepalived-said").map(({ data }) => data);

const folder = mkdtempSync(join(tmpdir(), "keepalived-"));
afterAll(() => rmSync(folder, { recursive: true }));
mkdirSync(join(folder, "conf.d"));
mkdirSync(join(folder, "more"));
writeFileSync(join(folder, "more/nested.cfg"), `include ${folder}/conf.d/lvs-*.conf\n`);
const block = join(folder, "conf.d/lvs-dr-2001:db8::10-80.conf");

const RIP = "RIP = 10.0.0.11, RPORT = 80, WEIGHT = 1 EFF WEIGHT = 1";
const check = (line: string) => `keepalived-check ${line}`;
/** As 2.2.7 writes it, with what nobody reads left out. */
const DATA = `------< Global definitions >------
 Network namespace = (default)
------< LVS Topology >------
 ------< Virtual server >------
 VS VIP = 203.0.113.10, VPORT = 80
   Address family = inet
   protocol = TCP
   alive = 1
   ------< Real server >------
   ${RIP}
   alive = 1
   RS set = 1
 ------< Virtual server >------
 VS VIP = 203.0.113.10, VPORT = 8080
   protocol = TCP
   ------< Real server >------
   ${RIP.replace("80,", "8080,")}
   alive = 0
------< Health checkers >------
 10.0.0.11:80
`;

describe.each(SHELLS)("under %s", (shell) => {
  const run = (script: string, input = "") => {
    const prelude = "set -u; tools='' verbs='' steps=''; lf='\n'";
    const [program = "", ...applet] = shell.split(" ");
    const args = [...applet, "-c", `${prelude}\n${FUNCTIONS}\n${script}`];
    const { stdout, stderr } = spawnSync(program, args, { encoding: "utf8", input });
    expect(stderr).toBe("");
    return stdout.trim();
  };

  it.each([
    { line: "include conf.d/*.conf", included: true },
    { line: "  include  /FOLDER/conf.d/lvs-dr-*  # ours", included: true },
    { line: "includer /FOLDER/./conf.d/*", included: true },
    { line: "include more/*.cfg", included: true },
    { line: "include conf.d/*.conf\r", included: true },
    { line: "include /FOLDER/*/lvs-*.conf", included: true },
    { line: "include /FOLDER/{other,conf.d}/{a,lvs}-*.conf", included: true },
    { line: "@main include conf.d/*.conf # ours", included: true },
    { line: 'include "conf.d/*.conf"', included: false },
    { line: "include /FOLDER/{other,more}/*.conf", included: false },
    { line: "includes conf.d/*.conf", included: false },
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

  it("an inspection is told of each file of ours once, included or recorded, and of no other", () => {
    const own = mkdtempSync(join(folder, "inspected-"));
    mkdirSync(join(own, "owners"));
    const file = (name: string, text: string) => {
      writeFileSync(join(own, name), text);
      return join(own, name);
    };
    const conf = file("keepalived.conf", "include a*.conf\ninclude *.conf\ninclude gone.conf\n");
    const ours = file("a.conf", '# pulumi-lvs-dr keepalived 1: "a"\n\n  b \\c\n');
    file("b.conf", "# theirs\n");
    const damaged = file("damaged", "}");
    file("owners/1", `lvs-dr-service 1\nkeepalived ${damaged}\nkeepalived ${ours}\nend\n`);
    file("owners/2", `lvs-dr-service 1\nkeepalived ${own}/gone\nend\n`);
    const text = run(
      `find_daemon() { daemon='' conf=${conf}; }; registry=${own}; ${INSPECTED}\ntell_more`,
    );
    expect(text.split("\n")).toEqual([
      `keepalived-block ${ours}`,
      ...['# pulumi-lvs-dr keepalived 1: "a"', "", "  b \\c"].map(
        (line) => `keepalived-text ${ours} ${line}`,
      ),
      `keepalived-block ${damaged}`,
      `keepalived-text ${damaged} }`,
    ]);
  });

  it.each(["ls", "tr"])("a search for what runs passes for none where its %s is killed", (tool) => {
    const told = run(`exec 2>/dev/null; cp "$(command -v sleep)" ${folder}/keepalived
      ${folder}/keepalived 60 & started=$!
      until read -r comm </proc/$started/comm && [ "$comm" = keepalived ]; do sleep 0.1; done
      cp ${folder}/keepalived ${folder}/keepalived_exporter; ${folder}/keepalived_exporter 60 & beside=$!
      until read -r comm </proc/$beside/comm && [ "$comm" = keepalived_expo ]; do sleep 0.1; done
      find_daemon; echo "$?"; case " $daemon " in *" $started "*) echo found ;; esac
      case " $daemon " in *" $beside "*) echo exporter ;; esac
      daemon=$started; find_conf; echo "$?"
      ${tool}() { sh -c 'kill -KILL $$'; }; is_alone() { daemon=$started; }
      find_daemon; echo "$?"; tell_more '-t 203.0.113.10:80' ${block}; echo "$?"
      kill $started $beside`);
    expect(told.split("\n")).toEqual(["0", "found", "0", "1", "1"]);
  });

  it.each([
    { words: "-D -f /a.conf", read: "/a.conf|||" },
    { words: "-Df/a.conf", read: "/a.conf|||" },
    { words: "--use-file /a.conf --dont-fork", read: "/a.conf|||" },
    { words: "--use-file=/a.conf", read: "/a.conf|||" },
    { words: "-Di web1", read: "|-i web1||" },
    { words: "-iwolf -p/run/kf -g/var/log/kf -S 2", read: "|-i wolf||" },
    { words: "--config-id=one -p -f --vrrp_pid -f", read: "|-i one||" },
    { words: "-nDP", read: "||vrrp|" },
    { words: "--vrrp --log-console", read: "||vrrp|" },
    { words: "--check", read: "|||" },
    { words: "-t -f /a.conf", read: "/a.conf|||yes" },
    { words: "--vrrp_pid=/run/v.pid -f /a.conf", read: "/a.conf|||" },
    { words: "--log-facility=3 --vrrp", read: "||vrrp|" },
    { words: "--config-test=/tmp/log", read: "|||yes" },
    { words: "-v", read: "|||yes" },
  ])("it was started with $words, which is read as $read", ({ words, read }) => {
    const started = `tr() { cat >/dev/null; printf '%s\\n' keepalived ${words}; }; read_options $$`;
    expect(run(`${started}; echo "$conf|$terms|$unfit|$is_asked"`)).toBe(read);
  });

  it("a configuration that includes itself is read to an end", () => {
    const conf = join(folder, "round.conf");
    writeFileSync(conf, "include round.conf\ninclude round.conf\n");
    expect(run(`includes ${conf} ${block} .... || echo no`)).toBe("no");
  });

  it.each(SAID)("$configuration is what $versions ends by: $ends", ({ status, said, ends }) => {
    const words = `verdict=${status} said=$(cat) fatal=''`;
    expect(run(`${words}; find_fatal; printf %s "$fatal"`, said.join("\n")) !== "").toBe(ends);
  });

  it.each([
    { verdict: 0, said: "WARNING - whatever", fatal: "" },
    { verdict: 6, said: "SECURITY VIOLATION", fatal: "" },
    { verdict: 6, said: "one and two both use VRID 51", fatal: "one and two both use VRID 51" },
    { verdict: 5, said: "", fatal: "" },
    { verdict: 5, said: "(a: Line 1) Unknown keyword 'b'", fatal: "" },
    { verdict: 5, said: "one and two both use VRID 51", fatal: "one and two both use VRID 51" },
    { verdict: 2, said: "", fatal: "status 2" },
  ])("of status $verdict and $said is fatal: $fatal", ({ verdict, said, fatal }) => {
    const words = `verdict=${verdict} said="${said}" fatal=''`;
    expect(run(`${words}; find_fatal; printf %s "$fatal"`)).toBe(fatal);
  });

  // A process that does as keepalived's checker: a new file that takes the name, and is written then.
  const asked = (
    before: string,
    writes = "cp new part && mv part keepalived_check.data",
    looks = 9,
  ) =>
    run(`export TMPDIR=${tmp}; cd ${tmp}; rm -f keepalived_check.data part; ${before}
      sh -c 'trap "$1" USR1; while :; do sleep 0.1; done' sh '${writes}' & daemon=$!
      until grep -q USR1 "/proc/$daemon/cmdline"; do :; done; sleep 0.1
      looks=${looks}; tell_checks '-t 203.0.113.10:80' ${tmp}/new ask; kill $daemon 2>/dev/null; :`);
  const tmp = join(folder, `tmp-${shell.replace(" ", "-")}`);
  mkdirSync(tmp);
  writeFileSync(join(tmp, "new"), DATA);
  writeFileSync(join(tmp, "old"), DATA.replaceAll("alive = 1", "alive = 0"));
  const told = [
    "keepalived-asked",
    ...["VS VIP = 203.0.113.10, VPORT = 80", "Address family = inet", "protocol = TCP"].map(check),
    ...["alive = 1", RIP, "alive = 1"].map(check),
  ].join("\n");

  it("what keepalived says of its checks is told of one service, once it has written it anew", () => {
    expect(asked(":")).toBe(told);
    expect(asked("cp old keepalived_check.data")).toBe(told);
    // Written slowly: all that counts is there before the heading of the checkers.
    const half =
      "head -n 8 new >part; mv part keepalived_check.data; sleep 0.5; cp new part; mv part keepalived_check.data";
    expect(asked("cp old keepalived_check.data", half)).toBe(told);
  });

  it("nothing is told where it writes nothing, and of no file that may be somebody else's", () => {
    expect(asked("cp old keepalived_check.data", ":", 2)).toBe("");
    const stranger = "cp new part; chown 65534 part; mv part keepalived_check.data";
    expect(asked(":", stranger, 4)).toBe("");
    expect(asked("ln -s new keepalived_check.data", ":", 2)).toBe("");
    symlinkSync(tmp, `${tmp}-link`);
    expect(asked(`export TMPDIR=${tmp}-link`)).toBe("");
    chmodSync(tmp, 0o777);
    expect(asked(":")).toBe("");
    chmodSync(tmp, 0o1777);
    expect(asked("mkfifo keepalived_check.data")).toBe(told);
  });
});
