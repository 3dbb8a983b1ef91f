import {
  nameOfTarget,
  portOf,
  type Persistence,
  type Scheduling,
} from "../../domain/virtual-service";
import type { VirtualServiceShape } from "../../observed/service-records";
import type { TableDestination, TableService } from "../../observed/service-table";

/** How the table differs from a declared service, a line each: `203.0.113.10:80: not in the table`. */
export function serviceDifferences(
  wanted: VirtualServiceShape,
  found: TableService | undefined,
): string[] {
  const differences =
    found === undefined
      ? ["not in the table"]
      : [
          ...schedulingDifferences(wanted, found),
          ...destinationDifferences(wanted, found).map(({ text }) => text),
        ];
  return differences.map((line) => `${nameOfTarget(wanted.target)}: ${line}`);
}

/** How a service in the table differs from a declared one, a phrase each: `scheduler rr, wanted wlc`. */
export function schedulingDifferences(wanted: Scheduling, found: TableService): string[] {
  const flags = (one: Scheduling) => one.flags.join(",") || "none";
  return [
    ...differing("scheduler", found.scheduler, wanted.scheduler),
    ...differing("flags", flags(found), flags(wanted)),
    ...differing("persistence", persistenceText(found), persistenceText(wanted)),
    ...found.others.map((one) => `option ${one}, wanted none`),
  ];
}

/** How one destination differs. */
export interface DestinationDifference {
  readonly address: string;
  /** It is not in the table. */
  readonly isMissing: boolean;
  /** `10.0.0.12 has weight 0, wanted 10`. */
  readonly text: string;
}

/** How declared destinations differ from those in the table. */
export function destinationDifferences(
  { target, destinations }: VirtualServiceShape,
  found: TableService | undefined,
): DestinationDifference[] {
  return destinations.flatMap((wanted): DestinationDifference[] => {
    const { address } = wanted;
    const had = found?.destinations.find(
      (one) => one.address === address && one.port === portOf(target),
    );
    if (had === undefined)
      return [{ address, isMissing: true, text: `${address} not in the table` }];
    const differences = [
      ...differing("weight", had.weight, wanted.weight),
      ...differing("upper threshold", had.upperThreshold, wanted.upperThreshold),
      ...differing("lower threshold", had.lowerThreshold, wanted.lowerThreshold),
      ...differing("forwarding", FORWARDING[had.forwarding], FORWARDING["-g"]),
    ];
    if (differences.length === 0) return [];
    return [{ address, isMissing: false, text: `${address} has ${differences.join("; ")}` }];
  });
}

/** Ways to forward, in the words of ipvsadm's manual. */
export const FORWARDING = {
  "-g": "direct routing",
  "-m": "masquerading",
  "-i": "tunnelling",
} as const satisfies Readonly<Record<TableDestination["forwarding"], string>>;

function differing(what: string, found: string | number, wanted: string | number): string[] {
  return found === wanted ? [] : [`${what} ${found}, wanted ${wanted}`];
}

function persistenceText({ persistence }: { persistence: Persistence | undefined }): string {
  if (persistence === undefined) return "none";
  return `${persistence.timeoutSeconds} s by /${persistence.prefixLength}`;
}
