import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { endpoint, portOf, selectorOf, familyOf } from "../../../../src/domain/virtual-service";
import { DIRECTOR_KIT } from "../../../../src/host/director-kit";
import type { ObservedDirector } from "../../../../src/observed/director";
import { idOf, type Machine } from "../../../../src/observed/registry";
import type { ServiceRecord, VirtualServiceShape } from "../../../../src/observed/service-records";
import { parseServiceTable } from "../../../../src/observed/service-table";
import { serviceOptions, type ServiceClaim } from "../../../../src/plan/service/claim";
import { isFileChange } from "../../../../src/plan/change";
import { planService } from "../../../../src/plan/service/plan";
import type { TableStep } from "../../../../src/plan/service/steps";
import { bootOf } from "../../boots";
import { desiredOf, type Want } from "../../director";
import { anyTarget, destinationsOf, schedulingOf } from "../../services";

/**
 * A kernel's table, as ipvsadm changes it: adding what is there and editing what is not are errors, and
 * `-e` and `-E` set all that they are not told to its default.
 */
class Table {
  readonly services = new Map<string, { options: string; destinations: Map<string, string> }>();

  take(step: TableStep): void {
    const text = step.kind === "remove" ? step.was : step.options;
    const { selector, at, rest } = partsOf(text);
    const service = this.services.get(selector);
    if (step.of === "service") {
      if ((service === undefined) !== (step.kind === "add")) throw new Error(`service: ${text}`);
      if (step.kind === "remove") this.services.delete(selector);
      else
        this.services.set(selector, {
          options: `${selector} ${rest}`,
          destinations: service?.destinations ?? new Map<string, string>(),
        });
      return;
    }
    if (service?.destinations.has(at) !== (step.kind !== "add")) throw new Error(`there: ${text}`);
    if (step.kind === "remove") service.destinations.delete(at);
    else service.destinations.set(at, `${selector} -r ${at} ${withDefaults(rest)}`);
  }

  observed(registry: readonly ServiceRecord[]): ObservedDirector {
    const lines = [...this.services.values()].flatMap(({ options, destinations }) => [
      `-A ${options}`,
      ...[...destinations.values()].map((one) => `-a ${one}`),
    ]);
    const owners = new Map(registry.map((one) => [idOf(one.owner), one]));
    return {
      ...{ machine: MACHINE, addresses: new Set<string>(), keepers: [] },
      ...{ expiresWithDestination: true, expiresTemplates: true },
      boot: bootOf(DIRECTOR_KIT),
      table: parseServiceTable(lines, []),
      registry: { owners, machine: { ...MACHINE, unknown: [] } },
    };
  }

  /** Weights by endpoint; of nobody where there is no service. */
  weights(selector: string): Map<string, number> {
    const destinations = this.services.get(selector)?.destinations ?? new Map<string, string>();
    return new Map([...destinations].map(([at, one]) => [at, Number(/ -w (\d+)/.exec(one)?.[1])]));
  }

  copy(): Table {
    const copy = new Table();
    for (const [selector, { options, destinations }] of this.services)
      copy.services.set(selector, { options, destinations: new Map(destinations) });
    return copy;
  }
}

const MACHINE: Machine = { machineId: "1111", productUuid: "-" };

function partsOf(text: string) {
  const [, selector = "", at = "", rest = ""] =
    /^(-f \d+(?: -6)?|-[tu] \S+) (?:-r (\S+) )?(.*)$/.exec(text) ?? [];
  return { selector, at, rest };
}

function withDefaults(options: string): string {
  const word = (name: string, otherwise: number) =>
    new RegExp(`${name} (\\d+)`).exec(options)?.[1] ?? String(otherwise);
  const forwarding = /-[gmi]/.exec(options)?.[0] ?? "-g";
  return `${forwarding} -w ${word("-w", 1)} -x ${word("-x", 0)} -y ${word("-y", 0)}`;
}

/** A claim, and a director on which anything may have happened to its service. */
const scene = anyTarget.chain((target) => {
  const family = familyOf(target);
  const shape = fc
    .tuple(schedulingOf(family), destinationsOf(family))
    .map(([scheduling, destinations]) => ({ target, ...scheduling, destinations }));
  const entry = fc.tuple(
    fc.constantFrom("-g", "-m", "-i"),
    fc.constantFrom(portOf(target), portOf(target) === 0 ? 0 : 8080),
  );
  return fc.record({
    declared: shape,
    former: shape,
    inTable: fc.option(fc.tuple(shape, fc.array(entry, { minLength: 4, maxLength: 4 }))),
    hasRecord: fc.boolean(),
    foreignDestinations: fc.constantFrom("report" as const, "remove" as const),
  });
});

type Scene = typeof scene extends fc.Arbitrary<infer Value> ? Value : never;

const OTHER = "-t 192.0.2.99:99";

function set({ declared, former, inTable, hasRecord, foreignDestinations }: Scene) {
  const table = new Table();
  table.take({ kind: "add", of: "service", options: `${OTHER} -s rr` });
  table.take({ kind: "add", of: "destination", options: `${OTHER} -r 192.0.2.1:99 -g -w 3` });
  if (inTable !== null) fill(table, ...inTable);
  const record = {
    ...{ owner: "me", incarnation: "1", seen: "-", service: former },
    ...{ persist: false, unknown: [] },
  };
  const claim: ServiceClaim = {
    ...{ owner: "me", incarnation: "1", service: declared, foreignDestinations },
    former: former.destinations.map((one) => one.address),
  };
  return { table, claim, records: hasRecord ? [record] : [] };
}

function fill(table: Table, shape: VirtualServiceShape, entries: [string, number][]): void {
  table.take({ kind: "add", of: "service", options: serviceOptions(shape) });
  for (const [index, one] of shape.destinations.entries()) {
    const [forwarding, port] = entries[index] ?? ["-g", 0];
    const rest = `-w ${one.weight} -x ${one.upperThreshold} -y ${one.lowerThreshold}`;
    const options = `${selectorOf(shape.target)} -r ${endpoint(one.address, port)} ${forwarding} ${rest}`;
    table.take({ kind: "add", of: "destination", options });
  }
}

function stepsFor(want: Want, { table, claim, records }: ReturnType<typeof set>): TableStep[] {
  const { changes } = planService(desiredOf(want, claim), table.observed(records));
  return changes.flatMap((one) => (isFileChange(one) || one.kind === "block" ? [] : [one]));
}

const drained = fc.boolean();
const ends = fc.constantFrom<"serve" | "withdraw">("serve", "withdraw");

/** Carries out what is wanted, with or without a drain, and looks after every step. */
function carryOut(
  end: "serve" | "withdraw",
  withDrain: boolean,
  on: ReturnType<typeof set>,
  look: (step: TableStep, before: Table) => void = () => undefined,
): void {
  const hold = end === "serve" ? "hold" : "hold-withdraw";
  for (const want of withDrain ? ([hold, end] as const) : [end]) {
    for (const step of stepsFor(want, on)) {
      const before = on.table.copy();
      on.table.take(step);
      look(step, before);
    }
    expect(stepsFor(want, on)).toEqual([]);
  }
}

describe("a plan for a director, whatever is in its table", () => {
  it("leads to what is desired, and then is empty", () => {
    fc.assert(
      fc.property(scene, ends, drained, (one, end, drain) => carryOut(end, drain, set(one))),
    );
  });

  it("touches no other service, and nothing in its own that nobody declares", () => {
    fc.assert(
      fc.property(scene, ends, drained, (one, end, drain) => {
        const on = set({ ...one, foreignDestinations: "report" });
        const selector = selectorOf(one.declared.target);
        const { foreign } = planService(
          desiredOf(end, on.claim),
          on.table.observed(on.records),
        ).membership;
        const seen = (table: Table) => [
          table.services.get(OTHER),
          foreign.map(({ address, port }) =>
            table.services.get(selector)?.destinations.get(endpoint(address, port)),
          ),
        ];
        const before = seen(on.table.copy());
        carryOut(end, drain, on, () => expect(seen(on.table)).toEqual(before));
      }),
    );
  });

  it("keeps each weight between what it is and what it becomes, and removes after a drain only from 0", () => {
    fc.assert(
      fc.property(scene, ends, drained, (one, end, drain) => {
        const on = set(one);
        const selector = selectorOf(one.declared.target);
        const first = on.table.weights(selector);
        const after = set(one);
        carryOut(end, drain, after);
        const last = after.table.weights(selector);
        carryOut(end, drain, on, (step, before) => {
          for (const [at, weight] of on.table.weights(selector)) {
            const ends = [first.get(at) ?? last.get(at) ?? 0, last.get(at) ?? (drain ? 0 : weight)];
            expect(weight).toBeGreaterThanOrEqual(Math.min(...ends));
            expect(weight).toBeLessThanOrEqual(Math.max(...ends));
          }
          if (drain && step.kind === "remove" && step.of === "destination")
            expect(before.weights(selector).get(partsOf(step.was).at)).toBe(0);
        });
      }),
    );
  });

  it("adds and raises before it lowers and removes", () => {
    fc.assert(
      fc.property(scene, (one) => {
        const on = set(one);
        const total = () => [...on.table.weights(selectorOf(one.declared.target)).values()];
        const sum = () => total().reduce((all, weight) => all + weight, 0);
        let last = sum();
        let falls = false;
        carryOut("serve", false, on, () => {
          const now = sum();
          if (falls) expect(now).toBeLessThanOrEqual(last);
          falls ||= now < last;
          last = now;
        });
      }),
    );
  });

  it("takes the service away on a withdrawal, unless somebody else's destination is in it", () => {
    fc.assert(
      fc.property(scene, drained, (one, drain) => {
        const on = set(one);
        const selector = selectorOf(one.declared.target);
        carryOut("withdraw", drain, on);
        const left = on.table.services.get(selector);
        if (one.foreignDestinations === "remove") expect(left).toBeUndefined();
        else expect(left?.destinations.size).not.toBe(0);
      }),
    );
  });
});
