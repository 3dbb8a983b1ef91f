import { blockFileProblem } from "../domain/keepalived";
import {
  destinationOptions,
  familyOf,
  portOf,
  schedulingOptions,
  selectorOf,
  type Destination,
  type Scheduling,
  type ServiceTarget,
} from "../domain/virtual-service";
import { UnreadableAnswer } from "../protocol/answer";
import {
  aboveEnd,
  belowHead,
  byFirstWord,
  END,
  headOf,
  unreadable,
  UnreadableRecord,
} from "./record-lines";
import {
  HEAD_WORDS,
  parseMachine,
  parseOwnerHead,
  renderOwnerHead,
  type MachineRecord,
  type OwnerHead,
} from "./registry";
import { parseServiceTable } from "./service-table";

/** A virtual service: what it answers to, how it shares out, and to whom. */
export interface VirtualServiceShape extends Scheduling {
  readonly target: ServiceTarget;
  readonly destinations: readonly Destination[];
}

/** One declared service, as a director's registry knows it. */
export interface ServiceRecord extends OwnerHead {
  readonly service: VirtualServiceShape;
  /** It is put back into the table at boot. */
  readonly persist: boolean;
  /** The file in which keepalived has it. Undefined where the table is ours to write. */
  readonly block?: string | undefined;
  /** Lines of a later version, in their order. */
  readonly unknown: readonly string[];
}

/** What a director's registry holds. */
export interface ServiceRegistry {
  /** By file name: `id` of `idOf(owner)`. */
  readonly owners: ReadonlyMap<string, ServiceRecord>;
  /** The machine that it was made on, or undefined where that is not written yet. */
  readonly machine: MachineRecord | undefined;
}

/** The lines of `owners/<id>`. Service and destinations are written as options of ipvsadm. */
export function renderServiceRecord(record: ServiceRecord): string[] {
  const { service, persist, block, unknown } = record;
  return [
    headOf("service"),
    ...renderOwnerHead(record),
    ...renderShape(service),
    ...(persist ? [PERSIST] : []),
    ...(block === undefined ? [] : [`${KEEPALIVED} ${block}`]),
    ...unknown,
    END,
  ];
}

function renderShape(service: VirtualServiceShape): string[] {
  const { target, destinations } = service;
  const selector = selectorOf(target);
  return [
    `service ${selector} ${schedulingOptions(service, familyOf(target))}`,
    ...destinations.map((one) => `destination ${selector} ${destinationOptions(one, target)}`),
  ];
}

/**
 * Reads the files of a director's registry, by their names relative to it. Total: anything unexpected
 * throws {@link UnreadableRecord}, since a record that cannot be read must never pass for none.
 */
export function parseServiceRegistry(
  files: ReadonlyMap<string, readonly string[]>,
): ServiceRegistry {
  const owners = new Map<string, ServiceRecord>();
  let machine: MachineRecord | undefined;
  for (const [name, lines] of files) {
    if (name === "machine") machine = parseMachine(lines);
    else if (name.startsWith("owners/")) owners.set(name.slice(7), parseServiceRecord(name, lines));
    else if (name !== "journal") throw new UnreadableRecord(`unknown file ${name}`);
  }
  return { owners, machine };
}

const PERSIST = "persist";

/** Before the path of keepalived's file. A boot passes over it: keepalived reads that file itself. */
const KEEPALIVED = "keepalived";

const WORDS = [...HEAD_WORDS, "service", "destination", PERSIST, KEEPALIVED];

function parseServiceRecord(name: string, lines: readonly string[]): ServiceRecord {
  const { rest, ...head } = parseOwnerHead(name, aboveEnd(name, belowHead(name, "service", lines)));
  const { known, unknown } = byFirstWord(name, rest, WORDS);
  const blocks = known.filter((line) => line.startsWith(`${KEEPALIVED} `));
  const shape = known.filter((line) => line !== PERSIST && !blocks.includes(line));
  const service = parseShape(shape);
  if (service === undefined) throw unreadable(name, shape[0]);
  const block = blocks[0]?.slice(KEEPALIVED.length + 1);
  if (blocks.length > 1 || (block !== undefined && blockFileProblem(block) !== undefined))
    throw unreadable(name, blocks.at(-1));
  return { ...head, service, persist: known.includes(PERSIST), block, unknown };
}

/**
 * Undefined for anything but one service that can be declared, in the words in which it is written: a boot
 * hands them to ipvsadm, and nothing else must be put into a table.
 */
function parseShape(lines: readonly string[]): VirtualServiceShape | undefined {
  const saved = lines.map((line) =>
    line.replace(/^service /, "-A ").replace(/^destination /, "-a "),
  );
  const [service, ...more] = tableIn(saved);
  if (service?.target === undefined || more.length + service.others.length > 0) return undefined;
  const { target, scheduler, flags, persistence } = service;
  const isOurs = service.destinations.every(
    ({ forwarding, port }) => forwarding === "-g" && port === portOf(target),
  );
  if (!isOurs) return undefined;
  const destinations = service.destinations.map(
    ({ address, weight, upperThreshold, lowerThreshold }) => ({
      ...{ address, weight, upperThreshold, lowerThreshold },
    }),
  );
  const shape = { target, scheduler, flags, persistence, destinations };
  const isWhole = renderShape(shape).join("\n") === lines.join("\n");
  const areNames = [scheduler, ...flags].every((word) => /^\w[\w-]*$/.test(word));
  return isWhole && areNames ? shape : undefined;
}

function tableIn(saved: readonly string[]): ReturnType<typeof parseServiceTable> {
  try {
    return parseServiceTable(saved, []);
  } catch (error) {
    if (error instanceof UnreadableAnswer) return [];
    throw error;
  }
}
