import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { UnreadableRecord } from "../../../src/observed/record-lines";
import { idOf, renderMachine } from "../../../src/observed/registry";
import {
  parseServiceRegistry,
  renderServiceRecord,
  type ServiceRecord,
} from "../../../src/observed/service-records";
import { fixtures } from "../fixtures";
import { anyService } from "../services";

/** A record, as it is read; refused where there is no `read`. */
interface Case {
  readonly file: string;
  readonly lines: readonly string[];
  readonly read?: {
    readonly service: string;
    readonly destinations: readonly string[];
    readonly persist: boolean;
  };
}

const record: fc.Arbitrary<ServiceRecord> = fc.record({
  owner: fc.string({ unit: "binary" }),
  incarnation: fc.stringMatching(/^[0-9a-f]{4,12}-[0-9a-f]{4}$/),
  seen: fc.constant("2026-07-01T10:00:00.000Z"),
  service: anyService,
  persist: fc.boolean(),
  unknown: fc.subarray(["later", "x-later and more"]),
});

function filesOf(lines: readonly string[], owner: string) {
  return new Map([[`owners/${idOf(owner)}`, lines]]);
}

describe("a director's registry", () => {
  it("is read back as it was written, with lines of a later version", () => {
    const machine = { machineId: "1111", productUuid: "-", unknown: [] };
    fc.assert(
      fc.property(record, (one) => {
        const files = filesOf(renderServiceRecord(one), one.owner);
        files.set("machine", renderMachine(machine));
        expect(parseServiceRegistry(files)).toEqual({
          owners: new Map([[idOf(one.owner), one]]),
          machine,
        });
      }),
    );
  });

  it("is never read from a record that was cut at the end of a line", () => {
    fc.assert(
      fc.property(record, fc.nat(), (one, at) => {
        const lines = renderServiceRecord(one);
        const cut = lines.slice(0, at % lines.length);
        expect(() => parseServiceRegistry(filesOf(cut, one.owner))).toThrow(UnreadableRecord);
      }),
    );
  });

  it("is never read with a control character in the place of another", () => {
    fc.assert(
      fc.property(record, fc.nat(), (one, at) => {
        const text = renderServiceRecord({ ...one, unknown: [] }).join("\n");
        const place = at % text.length;
        const damaged = `${text.slice(0, place)}\u0001${text.slice(place + 1)}`.split("\n");
        expect(() => parseServiceRegistry(filesOf(damaged, one.owner))).toThrow(UnreadableRecord);
      }),
      { numRuns: 500 },
    );
  });

  it.each(fixtures<Case>("service-records"))(
    "is read as it is to be, or refused: $name",
    ({ data }) => {
      const parse = () => parseServiceRegistry(new Map([[data.file, data.lines]]));
      if (data.read === undefined) {
        expect(parse).toThrow(UnreadableRecord);
        return;
      }
      const [one] = parse().owners.values();
      if (one === undefined) throw new Error("no record");
      const lines = renderServiceRecord({ ...one, unknown: [] }).slice(4, -1);
      const { service, destinations, persist } = data.read;
      expect(lines).toEqual([
        `service ${service}`,
        ...destinations.map((options) => `destination ${options}`),
        ...(persist ? ["persist"] : []),
      ]);
    },
  );

  it.each([
    ["no service", []],
    ["two services", ["service -f 7 -s rr", "service -f 8 -s rr"]],
    [
      "a destination that is masqueraded",
      ["service -f 7 -s rr", "destination -f 7 -r 10.0.0.1:0 -m -w 1"],
    ],
    [
      "a destination on another port",
      ["service -t 10.0.0.9:80 -s rr", "destination -t 10.0.0.9:80 -r 10.0.0.1:81 -g -w 1"],
    ],
    ["a service with one-packet scheduling", ["service -u 10.0.0.9:53 -s rr -o"]],
    ["a service of a protocol that nobody declares", ["service --sctp-service 10.0.0.9:53 -s rr"]],
    ["a service in words that mean nothing", ["service anything"]],
  ])("is not read from a record of %s", (_, lines) => {
    const head = [
      "lvs-dr-service 1",
      'owner "x"',
      "incarnation 01-ab",
      "seen 2026-07-01T10:00:00Z",
    ];
    const files = filesOf([...head, ...lines, "end"], "x");
    expect(() => parseServiceRegistry(files)).toThrow(UnreadableRecord);
  });

  it("is not read from a real server's record, or a file that is not known", () => {
    const foreign = filesOf(["lvs-dr-owner 1", "end"], "x");
    expect(() => parseServiceRegistry(foreign)).toThrow(UnreadableRecord);
    expect(() => parseServiceRegistry(new Map([["saved", []]]))).toThrow(UnreadableRecord);
  });
});
