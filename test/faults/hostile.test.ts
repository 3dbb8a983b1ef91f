import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { UnreadableRecord } from "../../src/observed/record-lines";
import {
  idOf,
  NOTHING_SAVED,
  parseRegistry,
  renderOwner,
  renderSaved,
} from "../../src/observed/registry";
import { checkInputs } from "../../src/inputs/real-server";
import { Box, FLAVOURS } from "../host/box";
import { claim, serve, withdraw } from "../host/claims";
import { carryOut } from "../host/session";
import { Lab } from "../../lab/lab";
import type { Properties } from "./driver";
import { Lane } from "./lane";
import { makeLiar, tell, truthOf, type Lie } from "./liar";
import { ProviderDriver, type Answer } from "./provider-driver";
import { differences, look } from "./snapshot";

/** What shells, terminals and parsers trip over, and any text beside. */
const HOSTILE = fc.oneof(
  fc.constantFrom(
    "$(touch /tmp/injected)",
    "`touch /tmp/injected`",
    "'; touch /tmp/injected; '",
    '"; touch /tmp/injected; "',
    "a && touch /tmp/injected",
    "\u001b]0;owned\u0007",
    "\u001b[2J\u001b[31mred",
    "\u009b31m",
    "-rf",
    "../../../tmp/injected",
    "a b\tc",
    "*",
    "",
    "line\nbreak",
    "\r\n",
    "\u0000",
    "\u202egnp.exe",
  ),
  fc.string({ unit: "binary", maxLength: 40 }),
  fc.string({ maxLength: 40 }),
);

/** Obeyed by a terminal: C0 but for the line break, DEL, and C1. */
const OBEYED = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/;

describe("hostile text in the inputs", () => {
  it("never reaches a terminal as it is: each message is quoted", () => {
    const connection = fc.record(
      Object.fromEntries(
        ["host", "user", "password", "privateKeyFile", "hostKey", "knownHostsFile", "extra"].map(
          (name) => [name, HOSTILE],
        ),
      ),
      { requiredKeys: [] },
    );
    const inputs = fc.record({
      connection: fc.oneof(connection, HOSTILE),
      vips: fc.oneof(fc.array(HOSTILE), HOSTILE),
      arp: fc.record({ interfaces: fc.array(HOSTILE), except: fc.array(HOSTILE), ignore: HOSTILE }),
      owner: HOSTILE,
      unreachableOnDestroy: HOSTILE,
    });
    fc.assert(
      fc.property(inputs, HOSTILE, (given, name) => {
        const { failures } = checkInputs({ ...given, [name]: name });
        expect(failures.map(({ reason }) => reason).join("\n")).not.toMatch(OBEYED);
      }),
    );
  });

  it("never runs on the host, and comes back as it was given", async () => {
    await using box = await Box.create();
    const before = await box.snapshot();
    await fc.assert(
      fc.asyncProperty(HOSTILE, async (owner) => {
        const hostile = claim(owner, ["203.0.113.10"], { incarnation: "1-a" });
        const options = { vips: ["203.0.113.10"], holder: owner.replace(/\p{Cc}+/gu, " ") };
        const after = await carryOut(box.open(options), serve(hostile));
        expect([...(after.registry?.owners.values() ?? [])].map((one) => one.owner)).toEqual([
          owner,
        ]);
        await carryOut(box.open(options), withdraw(hostile));
        expect(await box.snapshot()).toBe(before);
      }),
      { numRuns: 25, examples: [["$(touch /tmp/injected)"], ["'\n\u001b[2J"]] },
    );
    const { stdout } = await box.run("ls /tmp/injected 2>/dev/null || :");
    expect(stdout).toBe("");
  });
});

describe("a registry's file that leads out of its folder", () => {
  it.each([
    ["saved", "sysctl arp_ignore 0 1 ../../../../../../etc/x"],
    [`owners/${idOf("web")}`, "claim arp_ignore 1 ../../x"],
    [`owners/${idOf("web")}`, "vip ../../x"],
    ["owners/../../x", 'owner "web"'],
  ])("cannot be read: %s with %j", (name, line) => {
    const record = renderOwner({
      ...{ owner: "web", incarnation: "1-a", seen: "2030-01-01T00:00:00Z" },
      ...{ vips: [], claims: [], except: [], persist: false, unknown: [] },
    });
    const text = name === "saved" ? renderSaved(NOTHING_SAVED) : record;
    expect(() => parseRegistry(new Map([[name, text.with(-1, line).concat("end")]]))).toThrow(
      UnreadableRecord,
    );
  });
});

describe("a host that lies", () => {
  let lab: Lab;
  let lane: Lane;
  let driver: ProviderDriver;
  let home: string;
  let truth: string;
  let state: { id: string; state: Properties };

  beforeAll(async () => {
    lab = await Lab.create();
    home = await mkdtemp(join(tmpdir(), "lvs-dr-liar-"));
    driver = new ProviderDriver(home);
    lane = await Lane.start(lab, "liar", FLAVOURS[0]!, driver);
    const created = await ask("create", "", {});
    if (created?.kind !== "done") throw new Error(JSON.stringify(created));
    state = { id: created.id, state: created.state ?? {} };
    truth = await truthOf(lane.agent, `${lab.root.address} 50000 ${lane.host.address} 22`);
    await makeLiar(lane.host, lane.agent);
  });
  afterAll(async () => {
    await lane.end();
    await lab.destroy();
    await rm(home, { recursive: true, force: true });
  });

  const SERVED = {
    vips: ["203.0.113.10", "2001:db8::10"],
    ignore: 1,
    interfaces: "all",
    persist: true,
  } as const;
  const ask = (verb: "create" | "update" | "read" | "delete", id: string, olds: Properties) =>
    driver.ask({
      verb,
      id,
      olds,
      news: lane.inputs("liar", SERVED, { login: "root", forgets: false }, 10),
    });

  /** The truth with lines changed, left out, doubled and put in; or anything. */
  const body = (): fc.Arbitrary<string> =>
    fc.oneof(
      { weight: 1, arbitrary: HOSTILE },
      {
        weight: 6,
        arbitrary: fc
          .array(
            fc.record({
              at: fc.nat(200),
              what: fc.constantFrom("change", "drop", "double", "insert"),
              with: fc.oneof(HOSTILE, fc.constantFrom(...LINES)),
            }),
            { minLength: 1, maxLength: 4 },
          )
          .map((edits) => edits.reduce(edited, truth.split("\n")).join("\n")),
      },
    );
  const statuses = fc.constantFrom("ok", "ok", "ok", "failed", "busy", "stuck", "rolled-back", "?");
  const lies = (): fc.Arbitrary<Lie> =>
    fc.record({
      before: fc.oneof(
        fc.constant(""),
        HOSTILE.map((text) => `NONCE note ${text}\n`),
        HOSTILE.map((text) => `NONCE login ${text}\nNONCE program ${text}\n`),
        HOSTILE.map((text) => `${text}\nNONCE ok ${text}\n`),
        fc.constant("lvs-dr-observation 1\nend\n0123456789abcdef begin\n"),
      ),
      status: statuses,
      body: body(),
      honestLength: fc.integer({ min: 0, max: 9 }).map((drawn) => drawn > 0),
      answers: fc.record({ status: statuses, body: body() }),
      stderr: HOSTILE,
    });

  const isHarmless = async (lie: Lie, verb: (typeof VERBS)[number]): Promise<void> => {
    await tell(lane.agent, lie);
    driver.said = "";
    const outcome = await ask(verb, verb === "create" ? "" : state.id, state.state);
    if (outcome === undefined) throw new Error("the provider was killed");
    expect(wordsOf(outcome)).not.toMatch(/a fault in pulumi-lvs-dr/);
    expect(wordsOf(outcome) + driver.said).not.toMatch(OBEYED);
    for (const text of stringsIn(outcome)) expect(text).not.toMatch(OBEYED);
  };

  it("is believed where it tells the truth, so that its lies are heard", async () => {
    const answers = { status: "ok", body: truth };
    await tell(lane.agent, { before: "", ...answers, honestLength: true, answers, stderr: "" });
    expect(await ask("read", state.id, state.state)).toMatchObject({ kind: "done" });
  });

  it.each(LINES)("says nothing that a terminal obeys with the line %j", async (line) => {
    const lines = truth.split("\n");
    const told = [...lines.slice(0, 1), line, ...lines.slice(1)].join("\n");
    const answers = { status: "ok", body: told };
    const lie = { before: "", status: "ok", body: told, honestLength: true, answers, stderr: "" };
    for (const verb of VERBS) await isHarmless(lie, verb);
  });

  it("crashes no provider, and prints nothing that a terminal obeys", async () => {
    const elsewhere = await look(lane.agent);
    await fc.assert(
      fc.asyncProperty(lies(), fc.constantFrom(...VERBS), async (lie, verb) => {
        await isHarmless(lie, verb);
      }),
      { numRuns: 100 },
    );
    expect(differences(elsewhere, await look(lane.agent))).toEqual([]);
  }, 240_000);
});

const VERBS = ["create", "update", "read", "delete"] as const;

/** Lines that an observation may have, with things in them that a kernel would not say. */
const LINES = [
  "conf 0 0 0 0x1003 wired $(touch${IFS}/tmp/injected)",
  "conf 0 0 0 0x1003 wired ../../../../tmp/injected",
  "conf 0 0 0 0x1003 wired '\"\u001b[31m",
  "conf 9999999999999999999999 -1 0 0x1003 wired eth7",
  "addr 9: lo    inet 203.0.113.10/32 scope host lo:dr '; touch /tmp/injected;\\       valid_lft forever preferred_lft forever",
  "addr 9: lo    inet 203.0.113.10/32 scope host lo:\u001b[2J\\       valid_lft forever preferred_lft forever",
  "addr 9: lo    inet 203.0.113.77/32 scope \u001b[2J lo\\       valid_lft forever preferred_lft forever",
  "addr 9: \u001b]0;x\u0007    inet 203.0.113.10/24 scope global x\\       valid_lft forever preferred_lft forever",
  "addr 9: lo    inet 999.0.113.10/32 scope host lo\\       valid_lft forever preferred_lft forever",
  "session \u001b[2J 1 2 3",
  "machine \u001b[2J",
  "boot $(touch /tmp/injected)",
  "boot-init \u001b[2J",
  "boot-init none",
  "boot-unit 1 \u001b[2J",
  "boot-unit 99999999999999999999 0000000000000000000000000000000000000000000000000000000000000000",
  "boot-replay - 0000000000000000000000000000000000000000000000000000000000000000",
  "boot-enabled \u001b[2J",
  "boot-outcome failed $(touch /tmp/injected) \u001b[31m",
  "boot-outcome found '\"\u001b]0;x\u0007",
  "file replay \u001b[2J",
  "default default via \u001b[2J dev \u001b[2J",
  "session-route 1.2.3.4 via 1.2.3.5 dev \u001b[31m",
  "sysctl-file 1 /etc/\u001b[2J net.ipv4.conf.all.arp_ignore = 0 \u001b[31m",
  "registry",
  "file owners/../../../etc/passwd lvs-dr-owner 1",
  "file saved lvs-dr-saved 1",
  "file saved sysctl arp_ignore 0 1 ../../../../tmp/injected",
  "file machine lvs-dr-machine 1",
  "proxy-ndp \u001b[31m",
];

function edited(lines: string[], edit: { at: number; what: string; with: string }): string[] {
  const at = edit.at % Math.max(1, lines.length);
  const line = lines[at] ?? "";
  switch (edit.what) {
    case "change":
      return lines.with(
        at,
        line.replace(/\S+$/, () => edit.with),
      );
    case "drop":
      return lines.toSpliced(at, 1);
    case "double":
      return lines.toSpliced(at, 0, line);
    default:
      return lines.toSpliced(at, 0, edit.with);
  }
}

function wordsOf(outcome: Answer): string {
  return "message" in outcome ? outcome.message + outcome.stack : "";
}

function stringsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  // The inputs are the user's own, keys and all.
  return Object.entries(value).flatMap(([key, part]) =>
    key === "connection" ? [] : [...stringsIn(part), ...(OBEYED.test(key) ? [key] : [])],
  );
}
