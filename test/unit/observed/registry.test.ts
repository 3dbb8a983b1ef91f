import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  idOf,
  parseRegistry,
  renderMachine,
  renderOwner,
  renderSaved,
  UnreadableRecord,
  type OwnerRecord,
} from "../../../src/observed/registry";
import { ARP_KEYS, type SavedSysctl } from "../../../src/domain/sysctl";

const nic = fc.constantFrom("all", "eth0", "eth0.100", "q\"u'o", "x@y", "größe", "日本\u3000");
const key = fc.constantFrom(...ARP_KEYS);
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
});
const saved: fc.Arbitrary<SavedSysctl[]> = fc.array(
  fc.record({ interface: nic, key, value: fc.integer({ min: -1, max: 9 }), written: fc.nat(9) }),
);

function filesOf(owner: OwnerRecord, values: readonly SavedSysctl[] = []) {
  return new Map([
    [`owners/${idOf(owner.owner)}`, renderOwner(owner)],
    ["saved", renderSaved(values)],
    ["machine", renderMachine({ machineId: "1111", productUuid: "-" })],
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
};

function readOwner(lines: readonly string[]) {
  return () => parseRegistry(new Map([[`owners/${idOf(WEB.owner)}`, lines]]));
}

describe("the registry", () => {
  it("is read back as it was written, for any owner, NIC and value", () => {
    fc.assert(
      fc.property(record, saved, (owner, values) => {
        const read = parseRegistry(filesOf(owner, values));
        expect([...read.owners]).toEqual([[idOf(owner.owner), owner]]);
        expect(read.saved).toEqual(values);
        expect(read.machine).toEqual({ machineId: "1111", productUuid: "-" });
      }),
    );
  });

  it("is lines of printable ASCII where the owner's name goes, whatever that name is", () => {
    fc.assert(
      fc.property(record, (owner) => {
        for (const line of renderOwner({ ...owner, claims: [] })) expect(line).toMatch(/^[ -~]+$/);
      }),
    );
  });

  it("may be empty, and may hold a journal while an operation is under way", () => {
    expect(parseRegistry(new Map())).toEqual({
      owners: new Map(),
      saved: [],
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
    ["with a glob that is none", (lines: string[]) => lines.with(-2, "except a b")],
    ["with a line of a later version", (lines: string[]) => lines.with(-2, "persist yes")],
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

  it("is not read with a file that it does not know, nor with broken saved values or machine", () => {
    const files: [string, string[]][] = [
      ["notes", ["mine"]],
      ["saved", ["lvs-dr-saved 2"]],
      ["saved", ["lvs-dr-saved 1", "sysctl arp_ignore 0 all", "end"]],
      ["saved", ["lvs-dr-saved 1", "sysctl arp_ignore 0 1 all"]],
      ["machine", ["lvs-dr-machine 1"]],
      ["machine", ["lvs-dr-machine 1", "machine-id 1", "product-uuid -", "more"]],
    ];
    for (const [name, lines] of files) {
      expect(() => parseRegistry(new Map([[name, lines]]))).toThrow(UnreadableRecord);
    }
  });

  it("gives an owner a file name that is the same always and that no other owner has", () => {
    expect(idOf("org/urn:x")).toMatch(/^[0-9a-f]{32}$/);
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => (idOf(a) === idOf(b)) === (a === b)));
  });
});
