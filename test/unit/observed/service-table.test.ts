import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  destinationOptions,
  familyOf,
  schedulingOptions,
  selectorOf,
} from "../../../src/domain/virtual-service";
import { parseServiceTable, type TableService } from "../../../src/observed/service-table";
import type { VirtualServiceShape } from "../../../src/observed/service-records";
import { UnreadableAnswer } from "../../../src/protocol/answer";
import { fixtures } from "../fixtures";
import { anyService } from "../services";

interface Case {
  readonly saved: readonly string[];
  readonly listed: readonly string[];
  readonly table: readonly TableService[];
}

const CASES = fixtures<Case>("service-table");

describe("a director's table", () => {
  it.each(CASES)("is read from what $name prints", ({ data }) => {
    expect(parseServiceTable(data.saved, data.listed)).toEqual(data.table);
  });

  it("is read for any service that can be declared", () => {
    fc.assert(
      fc.property(fc.uniqueArray(anyService, { selector: nameOf, maxLength: 3 }), (services) => {
        const table = parseServiceTable(services.flatMap(saved), services.flatMap(listed));
        const seen = table.map(({ target, scheduler, flags, persistence, destinations }) => ({
          ...{ target, scheduler, flags, persistence },
          destinations: destinations.map(({ address, weight, upperThreshold, lowerThreshold }) => ({
            ...{ address, weight, upperThreshold, lowerThreshold },
          })),
        }));
        expect(seen).toEqual(services);
      }),
    );
  });

  it.each([
    ["a word that is no command", ["-E -t 203.0.113.10:80 -s rr"], []],
    ["a destination of another service", ["-A -f 7 -s rr", "-a -f 8 -r 10.0.0.1:0 -g -w 1"], []],
    ["a destination of none", ["-a -f 8 -r 10.0.0.1:0 -g -w 1"], []],
    ["a service without a scheduler", ["-A -f 7"], []],
    ["an address that is none", ["-A -t 203.0.113.300:80 -s rr"], []],
    ["a weight that is none", ["-A -f 7 -s rr", "-a -f 7 -r 10.0.0.1:0 -g -w x"], []],
    ["a mask with a hole", ["-A -f 7 -s rr -p 5 -M 255.0.255.0"], []],
    ["limits of no service", [], ["  -> 10.0.0.11:80    0    0    0    0"]],
    ["a heading that is not known", [], ["ICMP 203.0.113.10:80 rr"]],
  ])("is not read from %s", (_, lines, limits) => {
    expect(() => parseServiceTable(lines, limits)).toThrow(UnreadableAnswer);
  });
});

function nameOf({ target }: VirtualServiceShape): string {
  return selectorOf(target);
}

/** As `ipvsadm -Sn` prints it. */
function saved({ target, destinations, ...scheduling }: VirtualServiceShape): string[] {
  const selector = selectorOf(target);
  return [
    `-A ${selector} ${schedulingOptions(scheduling, familyOf(target))}`,
    ...destinations.map((one) =>
      `-a ${selector} ${destinationOptions(one, target)}`.replace(/ -x .*/, ""),
    ),
  ];
}

/** As `ipvsadm -Ln --thresholds` prints it. */
function listed({ target, destinations }: VirtualServiceShape): string[] {
  const head =
    target.kind === "fwmark"
      ? `FWM  ${target.mark}${target.family === 6 ? " IPv6" : ""} rr`
      : `${target.kind.toUpperCase()}  ${selectorOf(target).slice(3)} rr`;
  return [
    head,
    ...destinations.map((one) => {
      const [, at = ""] = /-r (\S+)/.exec(destinationOptions(one, target)) ?? [];
      return `  -> ${at.padEnd(28)} ${one.upperThreshold}   ${one.lowerThreshold}   0   0         `;
    }),
  ];
}
