import { describe, expect, it } from "vitest";
import { NOTHING_ASKED } from "../../../src/inspect/answer";
import {
  parseDirectorAnswer,
  type DirectorAnswer,
  type DirectorSight,
} from "../../../src/inspect/director-answer";
import { NOTHING_PENDING } from "../../../src/inspect/pending";
import { inspectionOf } from "../../../src/inspect/report";
import { inspectionText } from "../../../src/inspect/text";
import type { Inspection } from "../../../src/inspect/types";
import { idOf } from "../../../src/observed/registry";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { directorOf, type DirectorSketch } from "../director";
import { fixtures } from "../fixtures";
import { hostOf, type HostSketch } from "../model";

const VIP = "203.0.113.10";
const SELECTOR = `-t ${VIP}:80`;
const SHOP = {
  owner: "shop",
  lines: [
    `service ${SELECTOR} -s wlc`,
    `destination ${SELECTOR} -r 10.0.0.11:80 -g -w 10 -x 0 -y 0`,
    `destination ${SELECTOR} -r 10.0.0.12:80 -g -w 1 -x 0 -y 0`,
  ],
};
const TABLE = [
  `-A ${SELECTOR} -s wlc`,
  `-a ${SELECTOR} -r 10.0.0.11:80 -g -w 10`,
  `-a ${SELECTOR} -r 10.0.0.12:80 -g -w 1`,
];

function seen(
  director: DirectorSketch,
  more: Partial<DirectorSight> = {},
  host: HostSketch = {},
): Inspection {
  const observed = directorOf(director);
  return inspected(
    {
      ...{ kind: "director", observed, onDisk: observed.registry },
      ...{ pending: NOTHING_PENDING, waiting: [], ...more },
    },
    host,
  );
}

function inspected(director: DirectorAnswer, host: HostSketch = {}): Inspection {
  const { observed } = hostOf(host);
  return inspectionOf({ host: "lb", keys: {}, observed, answer: NOTHING_ASKED, director });
}

const journal = (...steps: string[]) => ["lvs-dr-journal 1", "boot b", "by shop", ...steps];

describe("a director that is as declared", () => {
  const fine = seen({ table: TABLE, owners: [SHOP] });

  it("has nothing wrong, and tells who declares what", () => {
    expect(fine).toMatchObject({ ok: true, warnings: [] });
    expect(fine.director).toEqual({
      services: [
        {
          ...{ service: `${VIP}:80`, scheduler: "wlc", flags: [], otherOptions: [] },
          ...{ owners: [idOf("shop")], foreign: false },
          destinations: [destination("10.0.0.11:80", 10), destination("10.0.0.12:80", 1)],
        },
      ],
      owners: [
        {
          ...{ id: idOf("shop"), owner: "shop", incarnation: "1" },
          ...{ lastSeen: "2026-07-01T10:00:00Z", service: `${VIP}:80`, persist: false, drift: [] },
          destinations: ["10.0.0.11:80", "10.0.0.12:80"],
        },
      ],
      boot: { init: "systemd", enabled: false, problems: [] },
      ...{ keepers: [], pending: [], expiresWithDestination: true, expiresTemplates: true },
    });
  });

  it("is a table for people", () => {
    const text = inspectionText(fine);
    expect(text).toMatch(/^IPVS services\n {2}service +scheduler +persistent +declared by$/m);
    expect(text).toMatch(/^ {2}203\.0\.113\.10:80 +wlc +no +shop$/m);
    expect(text).toMatch(
      /^ {2}203\.0\.113\.10:80 +10\.0\.0\.11:80 +10 +none +direct routing +0 +0 +yes$/m,
    );
    expect(text).toContain(`not put back  ${VIP}:80  10.0.0.11:80 10.0.0.12:80  shop`);
  });
});

function destination(name: string, weight: number) {
  return {
    ...{ destination: name, weight, upperThreshold: 0, lowerThreshold: 0 },
    ...{ forwarding: "direct routing", activeConnections: 0, inactiveConnections: 0 },
    ...{ owners: [idOf("shop")], foreign: false, held: false },
  };
}

describe("a director with something that nobody declares", () => {
  it("has it marked, and a warning where it is in a service that somebody declares", () => {
    const other = ["-A -f 7 -6 -s rr -p 60", "-a -f 7 -6 -r [fd00::11]:0 -m -w 3"];
    const { ok, director, warnings } = seen({
      table: [...TABLE, `-a ${SELECTOR} -r 10.0.0.15:80 -m -w 2`, ...other],
      owners: [SHOP],
    });
    expect(ok).toBe(true);
    const [shop, mark] = director?.services ?? [];
    expect(shop?.destinations.map((one) => one.foreign)).toEqual([false, false, true]);
    expect(mark).toMatchObject({
      ...{ service: "fwmark 7 (IPv6)", owners: [], foreign: true },
      persistence: { timeoutSeconds: 60, prefixLength: 128 },
      destinations: [{ destination: "[fd00::11]:0", forwarding: "masquerading", foreign: true }],
    });
    expect(warnings).toEqual([`10.0.0.15:80 is in the service ${VIP}:80, declared by nobody`]);
  });

  it("shows a service of a kind that no program declares", () => {
    const { director } = seen({ table: ["-A --sctp-service 203.0.113.10:90 -s rr -o"] });
    expect(director?.services).toMatchObject([
      { service: "--sctp-service 203.0.113.10:90", otherOptions: ["-o"], foreign: true },
    ]);
  });
});

describe("warnings of a director", () => {
  it("are what an owner's refresh would find, a sentence an owner", () => {
    const { director, warnings } = seen({
      table: [`-A ${SELECTOR} -s rr`, `-a ${SELECTOR} -r 10.0.0.11:80 -g -w 0`],
      owners: [SHOP],
    });
    const drift = [
      `${VIP}:80: scheduler rr, wanted wlc`,
      `${VIP}:80: 10.0.0.11 has weight 0, wanted 10`,
      `${VIP}:80: 10.0.0.12 not in the table`,
    ];
    expect(director?.owners[0]?.drift).toEqual(drift);
    expect(warnings).toEqual([`the table is not as shop declares it: ${drift.join("; ")}`]);
  });

  it("are the pitfalls of all that is in the table, one sentence for those alike", () => {
    const ports = [1, 2, 3, 4, 5, 6, 7].map((port) => `-A -t ${VIP}:${port} -s sh -p 60`);
    const { warnings } = seen({
      table: [...ports, "-A -t 203.0.113.99:80 -s mh -b mh-fallback"],
      addresses: ["203.0.113.99"],
      sysctls: { nodest: false, template: false },
    });
    const names = `${[1, 2, 3, 4, 5].map((port) => `${VIP}:${port}`).join(", ")} and 2 more`;
    expect(warnings).toEqual([
      `${VIP} is on no NIC of this director: no request reaches the services ${names} until it is (VRRP may hold it elsewhere)`,
      `${names} have the scheduler sh without sh-fallback: clients of a destination that is drained get no answer; add sh-fallback to schedulerFlags`,
      `${names} are persistent, and net.ipv4.vs.expire_quiescent_template is 0: known clients still get new connections to a destination that is drained; set it to 1`,
      "net.ipv4.vs.expire_nodest_conn is 0: packets of connections to a destination that is removed are dropped without a word, and with busy clients (a proxy, NAT) a drain does not end; set it to 1",
    ]);
  });

  it("name who else keeps the table, once", () => {
    const { director, warnings } = seen({ table: TABLE, owners: [SHOP], keepers: ["keepalived"] });
    expect(director).toMatchObject({ keepers: ["keepalived"], owners: [{ drift: [] }] });
    expect(warnings).toEqual([
      "keepalived runs on this director and keeps its IPVS table: declare the service there, or here with manager: { keepalived: {} }",
    ]);
  });

  it("are none of keepalived where it has a service by a file, nor of what its checks take out", () => {
    const file = "/etc/keepalived/conf.d/a.conf";
    const kept = { ...SHOP, lines: [...SHOP.lines, `keepalived ${file}`] };
    const one = { table: TABLE.slice(0, 2), owners: [kept], keepers: ["keepalived"] };
    const { director, warnings } = seen(one);
    expect(warnings).toEqual([]);
    expect(director?.owners).toMatchObject([
      { drift: [], keepalivedFile: file, failing: ["10.0.0.12:80"] },
    ]);
    const id = idOf(SELECTOR);
    const held = { ...one, table: [...TABLE.slice(0, 2), TABLE[2]?.replace("-w 1", "-w 0") ?? ""] };
    const steps = journal(`managed ${file} eA==`, "reloaded -");
    const waiting = [{ id, journal: steps, strange: undefined, underWay: true }];
    expect(seen(held, { waiting }).director?.pending).toMatchObject([
      { drains: { service: `${VIP}:80`, held: ["10.0.0.12:80"] } },
    ]);
    // One that its file gives a weight is at weight 0 for its check.
    const text = [`virtual_server ${VIP} 80 {`, "protocol TCP", "real_server 10.0.0.12 80 {"];
    const blocks = (weight: number) => ({ [file]: [...text, `weight ${weight}`, "}", "}"] });
    const heldBy = (weight: number) =>
      seen({ ...held, blocks: blocks(weight) }, { waiting }).director?.pending[0]?.drains?.held;
    expect([heldBy(0), heldBy(1)]).toEqual([["10.0.0.12:80"], []]);
  });

  const file = "/etc/keepalived/conf.d/a.conf";
  const kept = { ...SHOP, lines: [...SHOP.lines, `keepalived ${file}`] };
  const block = [
    ...['# pulumi-lvs-dr keepalived 1: "shop"', `# ${VIP}:80, made by pulumi-lvs-dr, which undoes`],
    ...[`virtual_server ${VIP} 80 {`, "  lvs_sched wlc", "  lvs_method DR", "  protocol TCP"],
    ...["  delay_loop 5", ...["11", "12"].flatMap(server), "}"],
  ];
  const shown = (blocks: Readonly<Record<string, readonly string[]>>, more: DirectorSketch = {}) =>
    seen({ table: TABLE.slice(0, 2), owners: [kept], keepers: ["keepalived"], blocks, ...more });

  it("are of a file of keepalived's that was edited, or is gone, or whose owner nobody knows", () => {
    const written = [...block];
    written[1] = `# ${VIP}:80, made by pulumi-lvs-dr, which undoes what is changed here by hand.`;
    const fine = shown({ [file]: written });
    const check = { tcp: { intervalSeconds: 5, timeoutSeconds: 3, retries: 1 } };
    const read = { service: `${VIP}:80`, check, inhibitOnFailure: false };
    const failing = ["10.0.0.12:80"];
    expect(fine.warnings).toEqual([]);
    expect(fine.director?.keepalivedFiles).toEqual([
      { file, state: "as declared", owners: [idOf("shop")], writtenBy: "shop", ...read, failing },
    ]);
    expect(fine.director?.owners).toMatchObject([{ failing, drift: [] }]);
    expect(inspectionText(fine)).toMatch(
      /^Files of keepalived\n.*\n {2}203\.0\.113\.10:80 +TCP every 5 s +10\.0\.0\.12:80 +\S+a\.conf +as declared +shop$/m,
    );
    const edited = shown({ [file]: written.filter((line) => !line.startsWith("#")) });
    expect(edited.director?.keepalivedFiles).toMatchObject([{ state: "edited", ...read, failing }]);
    expect(edited.warnings).toEqual([
      `keepalived's file ${file} is not as shop declares it: its next refresh shows that as drift, and up writes it anew`,
    ]);
    const gone = shown({});
    expect(gone.director?.keepalivedFiles).toEqual([
      { file, state: "missing", owners: [idOf("shop")], failing: [] },
    ]);
    expect(gone.warnings).toEqual([expect.stringContaining(`${file}, by which shop declares`)]);
    const unknown = shown({ [file]: written }, { owners: [] });
    expect(unknown.director?.keepalivedFiles).toMatchObject([
      { state: "undeclared", owners: [], writtenBy: "shop", ...read, failing },
    ]);
    expect(unknown.warnings).toEqual([
      expect.stringContaining(`${file} was written by shop, of whom this director has no record`),
    ]);
  });

  it("are what is missing where keepalived checks nothing", () => {
    const unchecked = block.filter((line) => !/delay_loop|CHECK|connect_|retry|^ {4}\}/.test(line));
    const { director, warnings } = shown({ [file]: unchecked });
    expect(director?.owners).toMatchObject([
      { failing: [], drift: [`${VIP}:80: 10.0.0.12 not in the table`] },
    ]);
    expect(director?.keepalivedFiles).toMatchObject([{ check: "none", failing: [] }]);
    expect(warnings[0]).toMatch(/^the table is not as shop declares it: /);
  });

  it("name owners on another machine's disk", () => {
    const { director, warnings } = seen(
      { owners: [SHOP] },
      { observed: { ...directorOf({ table: TABLE }), registry: undefined } },
    );
    expect(director).toMatchObject({ owners: [], services: [{ foreign: true }] });
    expect(warnings).toEqual([
      "the registry in /var/lib/lvs-dr-director is another machine's (a clone?): its owners do not count here",
    ]);
  });
});

function server(last: string): string[] {
  const terms = ["      connect_timeout 3", "      retry 1", "      delay_before_retry 1"];
  const weight = `    weight ${last === "11" ? 10 : 1}`;
  return [`  real_server 10.0.0.${last} 80 {`, weight, "    TCP_CHECK {", ...terms, "    }", "  }"];
}

describe("the boot of a director", () => {
  const persistent = { ...SHOP, lines: [...SHOP.lines, "persist"] };

  it("is well where it puts back what is to be, or where nothing is", () => {
    expect(seen({ owners: [SHOP], boot: "none" }).director?.boot.problems).toEqual([]);
    const { ok, director } = seen({ owners: [persistent], boot: "current" });
    expect(ok).toBe(true);
    expect(director?.boot).toEqual({ init: "systemd", enabled: true, problems: [] });
    expect(director?.owners).toMatchObject([{ persist: true }]);
  });

  it.each([
    ["is to put something back, and is not enabled", [persistent], "none", "will not put the"],
    ["is left, and nobody needs it", [], "current", "pulumi-lvs-dr-director is left"],
  ] as const)("is wrong where it %s", (_, owners, boot, why) => {
    const found = seen({ owners, boot });
    expect(found.ok).toBe(false);
    expect(found.director?.boot.problems).toEqual([expect.stringContaining(why)]);
    expect(inspectionText(found)).toContain(why);
  });

  it("is wrong where it puts nothing back, or failed", () => {
    const nameless = { ...directorOf({ owners: [persistent], boot: "current" }) };
    const failed = { ...nameless.boot, failure: "no ipvsadm" };
    const machine = { machineId: "-", productUuid: "-" };
    const { director } = seen(
      { owners: [persistent] },
      { observed: { ...nameless, machine, boot: failed } },
    );
    expect(director?.boot.problems).toEqual([
      "the boot puts nothing back: this machine has no machine-id, and the registry in /var/lib/lvs-dr-director has one",
      "services were not put back at boot: no ipvsadm",
    ]);
  });
});

describe("an operation on a director that is not committed", () => {
  const held = `${SELECTOR} -r 10.0.0.11:80 -g -w`;
  const waiting = {
    ...{ id: idOf(SELECTOR), strange: undefined, underWay: true },
    journal: journal(`edited ${held} 10 -x 0 -y 0 => ${held} 0 -x 0 -y 0`),
  };
  const draining = {
    table: TABLE.map((line) => line.replace("-w 10", "-w 0")),
    owners: [SHOP],
  };

  it("drains, and nothing is wrong", () => {
    const { ok, director, warnings } = seen(draining, { waiting: [waiting] });
    expect(ok).toBe(true);
    expect(director?.pending).toEqual([
      {
        ...{ by: "shop", underWay: true, earlierBoot: false },
        drains: { service: `${VIP}:80`, held: ["10.0.0.11:80"] },
      },
    ]);
    expect(director?.services[0]?.destinations.map((one) => one.held)).toEqual([true, false]);
    expect(warnings).toEqual([
      `an operation of shop drains ${VIP}:80: 10.0.0.11:80 is at weight 0`,
    ]);
  });

  it("was cut off in its drain, which is wrong", () => {
    const cutOff = seen(draining, { waiting: [{ ...waiting, underWay: false }] });
    expect(cutOff.ok).toBe(false);
    expect(inspectionText(cutOff)).toContain(
      `an operation of shop was cut off, and left 10.0.0.11:80 of ${VIP}:80 at weight 0; the next one undoes it first`,
    );
    expect(cutOff.warnings).toEqual([expect.stringContaining("has weight 0, wanted 10")]);
  });

  it("has the lock, or was cut off while it had it", () => {
    const pending = { ...NOTHING_PENDING, journal: journal() };
    const underWay = seen({ owners: [SHOP] }, { pending: { ...pending, underWay: true } });
    expect(underWay).toMatchObject({
      ok: true,
      warnings: ["an operation of shop is under way: look again"],
    });
    const cutOff = seen({}, { pending: { ...pending, strange: "tunnelled -t" } });
    expect(cutOff.ok).toBe(false);
    expect(inspectionText(cutOff)).toContain(
      'its journal has the line "tunnelled -t", which this version does not know: the next one stops at it, and so does the boot; npm install',
    );
  });
});

describe("a VIP on lo that the host's own table has a service for", () => {
  const host = { addresses: [`lo ${VIP}/32 host`], observed: { services: [VIP] } };

  it("is neither stale nor a leak, unless a real server claims it", () => {
    const alone = seen({ table: TABLE }, {}, host);
    expect(alone).toMatchObject({ ok: true, staleVips: [], leaks: [] });
    expect(alone.vips).toMatchObject([{ directed: true, stale: false }]);
    expect(inspectionText(alone)).toMatch(/^ {2}203.* an IPVS service of this host$/m);
    const both = seen({ table: TABLE }, {}, { ...host, owners: [{}] });
    expect(both.vips).toMatchObject([{ directed: false }]);
    expect(both.leaks).not.toEqual([]);
  });
});

describe("a host that is no director", () => {
  it("has none, and is told of where its records cannot be looked at", () => {
    expect(inspected({ kind: "none" })).toMatchObject({ director: null, warnings: [] });
    const mute = { kind: "mute", missing: "ipvsadm" } as const;
    expect(inspected(mute)).toMatchObject({ director: null, warnings: [] });
    expect(inspected(mute, { observed: { hasServiceRecords: true } }).warnings).toEqual([
      "the host has a director's records in /var/lib/lvs-dr-director, and no ipvsadm: nothing is told of its services",
    ]);
  });
});

describe("a director's answer to an inspection", () => {
  const answers = fixtures<{ answer: readonly string[] }>("directors").map(
    ({ data }) => data.answer,
  );
  const observation = (answers.find((one) => one.includes("registry")) ?? []).join("\n");

  it("is its observation, and what is pending", () => {
    const pending = ["under-way", "journal lvs-dr-journal 1", "waiting 0a", "journal by shop"];
    expect(parseDirectorAnswer(`${observation}\n${pending.join("\n")}\n`)).toMatchObject({
      kind: "director",
      observed: { keepers: ["keepalived"] },
      pending: { underWay: true, journal: ["lvs-dr-journal 1"] },
      waiting: [{ id: "0a", underWay: false, journal: ["by shop"] }],
    });
    expect(parseDirectorAnswer(`${observation}\n`)).toMatchObject({ waiting: [] });
  });

  it("has the files of keepalived, each with its lines", () => {
    const told = ["/a.conf", "/b.conf"].flatMap((one) => [`keepalived-block ${one}`]);
    const lines = ["keepalived-text /a.conf #  a ", "keepalived-text /a.conf "];
    const body = observation.replace("\nend", `\n${[...told, ...lines].join("\n")}\nend`);
    expect(parseDirectorAnswer(`${body}\n`)).toMatchObject({
      observed: {
        blocks: new Map([
          ["/a.conf", ["#  a ", ""]],
          ["/b.conf", []],
        ]),
      },
    });
  });

  it("does not count a registry that is another machine's", () => {
    const clone = observation.replace("machine-id 5d6e", "machine-id 0000");
    expect(parseDirectorAnswer(`${clone}\n`)).toMatchObject({
      observed: { registry: undefined },
      onDisk: { machine: { machineId: "00007f00112233445566778899aabbcc" } },
    });
  });

  it("is why there is none, or an error where it cannot be read", () => {
    expect(parseDirectorAnswer("missing ipvsadm\n")).toEqual({ kind: "mute", missing: "ipvsadm" });
    expect(() => parseDirectorAnswer("unobserved the table\n")).toThrow("the table");
    expect(() => parseDirectorAnswer(observation.slice(0, -4))).toThrow(UnreadableAnswer);
    expect(() => parseDirectorAnswer(`${observation}\nunheard of\n`)).toThrow(UnreadableAnswer);
    expect(() => parseDirectorAnswer("")).toThrow(UnreadableAnswer);
  });
});
