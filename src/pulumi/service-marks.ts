import { endpoint, portOf } from "../domain/virtual-service";
import { shapeOf } from "../inputs/service-shape";
import { virtualServiceInputs, type ServiceSettings } from "../inputs/virtual-service";
import { isRecord } from "../inputs/values";
import type { ServedTable } from "../plan/service/report";
import { mapValues } from "./drift-marks";
import type { Properties } from "./kind";

// As drift-marks.ts does for real servers: after a read that found drift each declared value that does
// not hold says so, and a preview shows the repair, `10 (0 in the table) => 10`.

/** The inputs after a read, as declared and marked. What `failing` names is no drift. */
export function markedService(
  inputs: Properties,
  settings: ServiceSettings,
  table: ServedTable | undefined,
  failing: readonly string[] = [],
): Properties {
  const { scheduler, persistence } = settings;
  const given = isRecord(inputs["persistence"]) ? inputs["persistence"] : {};
  const timeout = table?.persistence?.timeoutSeconds ?? "none";
  return {
    ...inputs,
    destinations: markedDestinations(inputs["destinations"], settings, table, failing),
    ...(table &&
      table.scheduler !== scheduler && { scheduler: marked(scheduler, table.scheduler) }),
    ...(table &&
      persistence &&
      timeout !== persistence.timeoutSeconds && {
        persistence: { ...given, timeoutSeconds: marked(persistence.timeoutSeconds, timeout) },
      }),
  };
}

/** What a program or a state declares: the inputs without the marks. Any other value stays as it is. */
export function unmarkedService(inputs: Properties): Properties {
  const { scheduler, persistence, destinations } = inputs;
  return {
    ...inputs,
    ...(scheduler !== undefined && { scheduler: unmarkedValue(scheduler) }),
    ...(isRecord(persistence) && { persistence: mapValues(persistence, unmarkedValue) }),
    ...(Array.isArray(destinations) && {
      destinations: destinations.map((one: unknown) =>
        isRecord(one) ? mapValues(one, unmarkedValue) : one,
      ),
    }),
  };
}

/**
 * The inputs of a program beside those of a state: what is marked there and left to its default by the
 * program is spelled out, or a preview would show that it is taken away instead of what is repaired.
 */
export function answeredService(inputs: Properties, olds: Properties): Properties {
  const { scheduler } = virtualServiceInputs;
  const before = Array.isArray(olds["destinations"]) ? olds["destinations"].filter(isRecord) : [];
  const now: unknown = inputs["destinations"];
  return {
    ...inputs,
    ...(isMarked(olds["scheduler"]) && { scheduler: inputs["scheduler"] ?? scheduler.default }),
    ...(Array.isArray(now) && {
      destinations: now.map((one: unknown) => {
        if (!isRecord(one)) return one;
        const old = before.find(({ address }) => unmarkedValue(address) === one["address"]);
        return old === undefined ? one : { ...defaultsMarkedIn(old), ...one };
      }),
    }),
  };
}

function markedDestinations(
  given: unknown,
  settings: ServiceSettings,
  table: ServedTable | undefined,
  failing: readonly string[],
): unknown[] {
  const { target, destinations } = shapeOf(settings);
  return destinations.map((one, index) => {
    const inputs: unknown = Array.isArray(given) ? given[index] : undefined;
    const at = endpoint(one.address, portOf(target));
    const found = table?.destinations.find(({ destination }) => destination === at);
    const own = { ...(isRecord(inputs) ? inputs : {}), address: one.address };
    if (failing.includes(at)) return own;
    if (found === undefined) return { ...own, address: `${one.address} (not ${IN_THE_TABLE})` };
    const differing = NUMBERS.filter((name) => found[name] !== one[name]);
    return {
      ...own,
      ...Object.fromEntries(differing.map((name) => [name, marked(one[name], found[name])])),
    };
  });
}

const NUMBERS = ["weight", "upperThreshold", "lowerThreshold"] as const;

function defaultsMarkedIn(old: Properties): Properties {
  const { fields } = virtualServiceInputs.destinations;
  const names = NUMBERS.filter((name) => isMarked(old[name]));
  return Object.fromEntries(names.map((name) => [name, fields[name].default]));
}

const IN_THE_TABLE = "in the table";

function marked(declared: string | number, found: string | number): string {
  return `${declared} (${found} ${IN_THE_TABLE})`;
}

function unmarkedValue(value: unknown): unknown {
  const [, declared] = /^(\S+) \([^()]* in the table\)$/.exec(String(value)) ?? [];
  if (declared === undefined) return value;
  return /^\d+$/.test(declared) ? Number(declared) : declared;
}

function isMarked(value: unknown): boolean {
  return unmarkedValue(value) !== value;
}
