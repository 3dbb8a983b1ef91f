import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ARP_KEYS } from "../../../src/domain/sysctl";
import { UnreadableRecord } from "../../../src/observed/record-lines";
import {
  idOf,
  NOTHING_SAVED,
  parseRegistry,
  renderMachine,
  renderOwner,
  renderSaved,
  type MachineRecord,
  type OwnerRecord,
  type SavedRecord,
} from "../../../src/observed/registry";
import { fixtures } from "../fixtures";

const nic = fc.constantFrom("all", "eth0", "eth0.100", "q\"u'o", "x@y", "größe", "日本\u3000");
const key = fc.constantFrom(...ARP_KEYS);
/** What a later version may write: a word that is none of this one's, and any text of one line. */
const unknown = fc.array(
  fc
    .tuple(fc.stringMatching(/^x-[a-z0-9-]{0,8}$/), fc.option(fc.string({ unit: "grapheme" })))
    .map(([word, text]) => (text === null ? word : `${word} ${text}`))
    .filter((line) => !/[\p{Cc}\ufffd]/u.test(line)),
  { maxLength: 3 },
);
const record: fc.Arbitrary<OwnerRecord> = fc.record({
  owner: fc.string({ unit: "binary" }),
  incarnation: fc.stringMatching(/^[0-9a-f]{4,12}-[0-9a-f]{4}$/),
  seen: fc
    .date({ noInvalidDate: true, min: new Date("2020-01-01"), max: new Date("2100-01-01") })
    .map((date) => date.toISOString()),
  vips: fc.subarray(["203.0.113.10", "10.0.0.9", "2001:db8::10", "2001:db8:0:1::"]),
  claims: fc.array(fc.record({ interface: nic, key, value: fc.constantFrom(1, 2) })),
  except: fc.subarray(["veth*", "cali?", "docker0"]),
  persist: fc.boolean(),
  unknown,
});
const saved: fc.Arbitrary<SavedRecord> = fc.record({
  sysctls: fc.array(
    fc.record({ interface: nic, key, value: fc.integer({ min: -1, max: 9 }), written: fc.nat(9) }),
  ),
  unknown,
});
const machine: fc.Arbitrary<MachineRecord> = fc.record({
  machineId: fc.constantFrom("1111", "-"),
  productUuid: fc.constantFrom("4c4c4544-0042", "-"),
  unknown,
});

function filesOf(owner: OwnerRecord, values = NOTHING_SAVED, of?: MachineRecord) {
  return new Map([
    [`owners/${idOf(owner.owner)}`, renderOwner(owner)],
    ["saved", renderSaved(values)],
    ["machine", renderMachine(of ?? { machineId: "1111", productUuid: "-", unknown: [] })],
  ]);
}

const WEB: OwnerRecord = {
  owner: "org/urn:x",
  incarnation: "01-ab",
  seen: "2026-07-01T10:00:00.000Z",
  vips: ["203.0.113.10"],
  claims: [{ interface: "all", key: "arp_ignore", value: 1 }],
  except: [],
  persist: false,
  unknown: [],
};

function readOne(owner: string, lines: readonly string[]): OwnerRecord | undefined {
  return parseRegistry(new Map([[`owners/${idOf(owner)}`, lines]])).owners.get(idOf(owner));
}

function readOwner(lines: readonly string[]) {
  return () => parseRegistry(new Map([[`owners/${idOf(WEB.owner)}`, lines]]));
}

describe("the registry", () => {
  it("is read back as it was written, for any owner, NIC, value and line of a later version", () => {
    fc.assert(
      fc.property(record, saved, machine, (owner, values, of) => {
        const read = parseRegistry(filesOf(owner, values, of));
        expect([...read.owners]).toEqual([[idOf(owner.owner), owner]]);
        expect(read.saved).toEqual(values);
        expect(read.machine).toEqual(of);
      }),
    );
  });

  it("keeps lines of a later version wherever they stand below the owner's name and times", () => {
    fc.assert(
      fc.property(record, fc.array(fc.nat()), (owner, places) => {
        const lines = renderOwner({ ...owner, unknown: [] });
        const later = places.map((_, at) => `x-line ${at}`);
        const body = lines.slice(4, -1);
        for (const [at, place] of places.entries())
          body.splice(place % (body.length + 1), 0, later[at] ?? "");
        const read = readOne(owner.owner, [...lines.slice(0, 4), ...body, "end"]);
        expect(read).toEqual({ ...owner, unknown: body.filter((line) => later.includes(line)) });
      }),
    );
  });

  it("is lines of printable ASCII where the owner's name goes, whatever that name is", () => {
    fc.assert(
      fc.property(record, (owner) => {
        for (const line of renderOwner({ ...owner, claims: [], unknown: [] }))
          expect(line).toMatch(/^[ -~]+$/);
      }),
    );
  });

  it("may be empty, and may hold a journal while an operation is under way", () => {
    expect(parseRegistry(new Map())).toEqual({
      owners: new Map(),
      saved: NOTHING_SAVED,
      machine: undefined,
    });
    const files = filesOf(WEB).set("journal", ["lvs-dr-journal 1"]);
    expect(parseRegistry(files).owners.size).toBe(1);
  });

  it.each([
    ["of another format", (lines: string[]) => ["lvs-dr-owner 2", ...lines.slice(1)]],
    ["that is empty", () => []],
    ["of another owner", (lines: string[]) => lines.with(1, 'owner "somebody"')],
    ["without an owner", (lines: string[]) => lines.toSpliced(1, 1)],
    ["with a name that is cut", (lines: string[]) => lines.with(1, 'owner "org')],
    ["without an incarnation", (lines: string[]) => lines.toSpliced(2, 1)],
    ["without a time", (lines: string[]) => lines.toSpliced(3, 1)],
    ["with a VIP in another spelling", (lines: string[]) => lines.with(-2, "vip 2001:db8:0::1")],
    ["with an address that is no VIP", (lines: string[]) => lines.with(-2, "vip 127.0.0.1")],
    ["with a key that is not ours", (lines: string[]) => lines.with(-2, "claim rp_filter 1 all")],
    [
      "with a control character in the name of a NIC",
      (lines: string[]) => lines.with(-2, "claim arp_ignore 1 al\u0001"),
    ],
    ["with a glob that is none", (lines: string[]) => lines.with(-2, "except a b")],
    [
      "with more after a word that stands alone",
      (lines: string[]) => lines.with(-2, "persist yes"),
    ],
  ])("is not read with a record %s", (_, damaged) => {
    expect(readOwner(damaged(renderOwner(WEB)))).toThrow(UnreadableRecord);
  });

  it("is not read with any line of a record dropped but a VIP, a claim or a glob", () => {
    const lines = renderOwner(WEB);
    for (const at of [0, 1, 2, 3, -1]) {
      expect(readOwner(lines.toSpliced(at, 1))).toThrow(UnreadableRecord);
    }
  });

  it("is not read when it was cut, at the end of a line too", () => {
    const lines = renderOwner(WEB);
    for (let kept = 0; kept < lines.length; kept++)
      expect(readOwner(lines.slice(0, kept))).toThrow(UnreadableRecord);
  });

  it("is not read with a control character in the place of any other, in any file", () => {
    const saved = [{ interface: "all", key: "arp_announce", value: 0, written: 2 } as const];
    const files: [string, string[]][] = [
      [`owners/${idOf(WEB.owner)}`, renderOwner({ ...WEB, except: ["docker*"], persist: true })],
      ["saved", renderSaved({ sysctls: saved, unknown: [] })],
      ["machine", renderMachine({ machineId: "1", productUuid: "2-3", unknown: [] })],
    ];
    for (const [name, lines] of files) {
      expect(() => parseRegistry(new Map([[name, lines]]))).not.toThrow();
      const text = lines.join("\n");
      for (let at = 0; at < text.length; at++) {
        const damaged = `${text.slice(0, at)}\u0001${text.slice(at + 1)}`;
        const read = () => parseRegistry(new Map([[name, damaged.split("\n")]]));
        expect(read, damaged).toThrow(UnreadableRecord);
      }
    }
  });

  it("is not read with a file that it does not know, nor with broken saved values or machine", () => {
    const files: [string, string[]][] = [
      ["notes", ["mine"]],
      ["saved", ["lvs-dr-saved 2"]],
      ["saved", ["lvs-dr-saved 1", "sysctl arp_ignore 0 all", "end"]],
      ["saved", ["lvs-dr-saved 1", "sysctl arp_ignore 0 1 all"]],
      ["machine", ["lvs-dr-machine 1"]],
      ["machine", ["lvs-dr-machine 1", "machine-id 1", "product-uuid -", "machine-id 2"]],
    ];
    for (const [name, lines] of files) {
      expect(() => parseRegistry(new Map([[name, lines]]))).toThrow(UnreadableRecord);
    }
  });

  it.each([
    ["a carriage return", "x-note a\r"],
    ["another control character", "x-note \u001b[2J"],
    ["bytes that are not UTF-8", "x-note \ufffd"],
  ])("is not read with a line that could not be carried along unchanged: %s", (_, line) => {
    expect(readOwner(renderOwner(WEB).toSpliced(-1, 0, line))).toThrow(UnreadableRecord);
  });

  it.each([
    [`owners/${idOf(WEB.owner)}`, renderOwner(WEB).with(0, "lvs-dr-owner 2")],
    // Whatever else it has: what stands below the head is for that version to know.
    [`owners/${idOf(WEB.owner)}`, ["lvs-dr-owner 10", "{"]],
    ["saved", ["lvs-dr-saved 2"]],
    ["machine", ["lvs-dr-machine 2", "machine-id 1"]],
  ])("of a later format in %s is named, and what to do", (name, lines) => {
    const format = /\d+$/.exec(lines[0] ?? "")?.[0];
    expect(() => parseRegistry(new Map([[name, lines]]))).toThrow(
      new UnreadableRecord(
        `${name} has format ${format}, and this pulumi-lvs-dr reads format 1: ` +
          "a newer version wrote it; npm install pulumi-lvs-dr@latest",
      ),
    );
  });

  it("gives an owner a file name that is the same always and that no other owner has", () => {
    expect(idOf("org/urn:x")).toMatch(/^[0-9a-f]{32}$/);
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => (idOf(a) === idOf(b)) === (a === b)));
  });
});

/** A file of the registry, as host and plan alike have to read it; for ever, once a version wrote it so. */
interface RecordCase {
  readonly file: string;
  readonly lines: readonly string[];
  readonly read?: Readonly<Record<string, unknown>>;
  readonly refused?: string;
  /** What a writer makes of it that changes nothing, where that is not the same lines. */
  readonly written?: readonly string[];
}

describe("a file of the registry", () => {
  const cases = fixtures<RecordCase>("records");
  const readable = cases.filter(({ data }) => data.read);

  it.each(readable)("is read and written again: $name", ({ data }) => {
    const { file, lines, read, written = lines } = data;
    const registry = parseRegistry(new Map([[file, lines]]));
    switch (file) {
      case "saved":
        expect({ saved: registry.saved.sysctls, unknown: registry.saved.unknown }).toEqual(read);
        expect(renderSaved(registry.saved)).toEqual(written);
        return;
      case "machine":
        expect(registry.machine).toEqual({ unknown: [], ...read });
        expect(renderMachine(registry.machine ?? unreachable())).toEqual(written);
        return;
      default: {
        const [owner = unreachable()] = registry.owners.values();
        expect(owner).toEqual(read);
        expect(renderOwner(owner)).toEqual(written);
      }
    }
  });

  it.each(cases.filter(({ data }) => data.refused !== undefined))(
    "is not read, and does not pass for none: $name",
    ({ data }) => {
      expect(() => parseRegistry(new Map([[data.file, data.lines]]))).toThrow(UnreadableRecord);
    },
  );

  it("has a case of each kind, and every case is read or refused", () => {
    for (const kind of ["an-owner", "saved", "machine"])
      expect(readable.filter(({ name }) => name.startsWith(kind)).length).toBeGreaterThan(1);
    for (const { data } of cases) expect([data.read, data.refused]).toContain(undefined);
    for (const { data } of cases) expect(data.read ?? data.refused).toBeDefined();
  });
});

function unreachable(): never {
  throw new Error("nothing was read");
}
