import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { checker } from "../../../src/inputs/check";
import { connectionField } from "../../../src/inputs/connection";
import { withDefaults, type Field, type Fields } from "../../../src/inputs/field";
import { fieldAt, secretNames } from "../../../src/inputs/places";
import { checkInputs, parseSettings, realServerInputs } from "../../../src/inputs/real-server";
import { storedReader } from "../../../src/inputs/stored";
import { UNKNOWN } from "../../../src/inputs/values";
import {
  everyInput,
  everyInputBySsh,
  placesIn,
  valueIn,
  withValue,
  type Place,
} from "./every-input";

beforeEach(() => vi.stubEnv("SSH_AUTH_SOCK", undefined));
afterEach(() => vi.unstubAllEnvs());

const places = placesIn(realServerInputs).map(({ place, field }) => {
  const inputs = setOf(place);
  return { name: place.join("."), place, field, inputs, given: contextOf(place, inputs) };
});
const MARK = "s3cr3t-mark";

describe("every input:", () => {
  it("all of them pass at once, and come out as they were given", () => {
    for (const inputs of [everyInput, everyInputBySsh])
      expect(checkInputs(inputs)).toEqual({ failures: [], inputs });
    const missing = places.filter(({ place, inputs }) => valueIn(inputs, place) === undefined);
    expect(missing).toEqual([]);
  });

  it.each(places)(
    "$name: a good value passes, and can be read",
    ({ place, field, inputs, given }) => {
      const good = goodValues(field, valueIn(inputs, place));
      const passes = fc.property(good, (value) => {
        const checked = checkInputs(withValue(given, place, value));
        expect(checked.failures).toEqual([]);
        expect(valueIn(checked.inputs, place)).toEqual(value);
        parseSettings(checked.inputs);
      });
      fc.assert(passes, { numRuns: 10 });
    },
  );

  it.each(places)(
    "$name: a bad value is one failure, which names it",
    ({ name, place, field, inputs }) => {
      for (const bad of badValues(field)) {
        const { failures } = checkInputs(withValue(inputs, place, bad));
        const paths = failures.map(({ path }) => path.replace(/\[.*/, ""));
        expect(paths, JSON.stringify(bad)).toEqual([name]);
      }
    },
  );

  const [required, optional] = parted(places, ({ field }) => field.required === true);
  it.each(required)("$name: left out, it is missed", ({ name, place, inputs }) => {
    const { failures } = checkInputs(withValue(inputs, place, undefined));
    const reason = expect.stringContaining(`${name}: required: `) as string;
    expect(failures).toEqual([{ path: name, reason }]);
  });

  const [objects, values] = parted(
    optional,
    ({ field }) => field.kind === "object" && typeof field.default !== "string",
  );
  it.each(values)("$name: left out, it has its default", ({ place, field, given }) => {
    const { failures, inputs } = checkInputs(withValue(given, place, undefined));
    expect(failures).toEqual([]);
    const settled = valueIn(parseSettings(inputs), place);
    const holder = valueIn(inputs, place.slice(0, -1)) as Record<string, unknown>;
    const { default: fallback } = field;
    expect(settled).toEqual(typeof fallback === "function" ? fallback(holder) : fallback);
    expect(valueIn(inputs, place)).toBeUndefined();
    const shown = withDefaults(field, undefined);
    expect(shown).toEqual(field.shown ? settled : undefined);
  });

  it.each(objects)("$name: left out, it is empty, or nothing", ({ place, field, inputs }) => {
    const without = checkInputs(withValue(inputs, place, undefined));
    expect(without.failures).toEqual([]);
    if (field.default) expect(without).toEqual(checkInputs(withValue(inputs, place, {})));
    else expect(valueIn(parseSettings(without.inputs), place)).toBeUndefined();
  });

  it.each(places)("$name: null is as left out", ({ place, inputs }) => {
    const without = withValue(inputs, place, undefined);
    const { failures, inputs: canonical } = checkInputs(without);
    const ofNull = checkInputs(withValue(inputs, place, null));
    expect(ofNull.failures).toEqual(failures);
    if (failures.length === 0) expect(ofNull.inputs).toEqual(canonical);
  });

  it.each(places)("$name: what only the update will know passes", ({ place, inputs }) => {
    const news = withValue(inputs, place, UNKNOWN);
    const checked = checkInputs(news);
    expect(checked.failures).toEqual([]);
    expect(valueIn(checked.inputs, place)).toBe(UNKNOWN);
  });

  it.each(places)("$name: misspelt, it is proposed", ({ place, inputs }) => {
    const name = place.at(-1);
    const news = withValue(inputs, [...place.slice(0, -1), `${name}x`], 1);
    const reason = expect.stringContaining(`unknown input; did you mean ${name}?`) as string;
    expect(checkInputs(news).failures).toEqual([{ path: expect.anything() as string, reason }]);
  });

  const concealed = places.filter(({ field }) => field.secret || field.hidden);
  it.each(concealed)("$name: what is given is in no message", ({ place, field, inputs }) => {
    // The name of an unknown input is shown, and its value is not.
    const object = field.kind === "object" ? { unknown: MARK } : { [MARK]: MARK };
    for (const bad of [MARK, [MARK], object]) {
      const { failures } = checkInputs(withValue(inputs, place, bad));
      if (typeof bad === "object") expect(failures).not.toEqual([]);
      expect(JSON.stringify(failures)).not.toContain(MARK);
    }
  });
});

describe("the table of inputs", () => {
  it("may be another resource's, of fields that there are already and new ones", () => {
    const table = {
      director: connectionField,
      vips: realServerInputs.vips,
      scheduler: { kind: "choice", values: ["wlc", "sh", "mh"], default: "wlc", sentence: "How." },
      weight: { kind: "whole number", least: 0, required: true, sentence: "How much." },
    } as const satisfies Fields;
    const check = checker(table);
    const director = { host: "10.0.0.2", password: "p" };
    const { failures, inputs } = check({ director, vips: ["10.0.0.9/32"], weight: 1 });
    expect(failures).toEqual([]);
    const settings = storedReader(table, "this service")(inputs);
    expect(settings).toMatchObject({ scheduler: "wlc", weight: 1, director: { port: 22 } });
    expect(settings.vips).toEqual([{ family: 4, address: "10.0.0.9" }]);

    const bad = { director: { host: "h:1", password: "p" }, vips: [], scheduler: "rr", wait: -1 };
    expect(check(bad).failures.map(({ path }) => path)).toEqual([
      ...["director.host", "vips", "scheduler", "weight", "wait"],
    ]);
    expect(check(bad).failures[2]?.reason).toBe(
      'scheduler: "rr" is neither "wlc" nor "sh" nor "mh"',
    );
  });

  it("has as secret what logs in and what becomes root", () => {
    expect([...secretNames(realServerInputs)].sort()).toEqual([
      ...["password", "privateKey", "privateKeyPassword", "sudoPassword"],
    ]);
  });

  it("has an input at its path, and a list at those of its elements", () => {
    for (const { place, field } of places) expect(fieldAt(realServerInputs, place)).toBe(field);
    expect(fieldAt(realServerInputs, ["vips", 1])).toBe(realServerInputs.vips);
    expect(fieldAt(realServerInputs, ["vips", "length"])).toBeUndefined();
    expect(fieldAt(realServerInputs, ["toString"])).toBeUndefined();
  });
});

function parted<T>(all: readonly T[], isFirst: (one: T) => boolean): [T[], T[]] {
  return [all.filter(isFirst), all.filter((one) => !isFirst(one))];
}

/** What is given with `ssh` goes without passwords, and the other way round. */
function setOf([first, second]: Place): Readonly<Record<string, unknown>> {
  return first === "connection" && second === "ssh" ? everyInputBySsh : everyInput;
}

/** Every input but the one that contradicts some values of the one at the place. */
function contextOf(
  place: Place,
  inputs: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  switch (place.join(".")) {
    case "connection.sudo":
      return withValue(inputs, ["connection", "sudoPassword"], undefined);
    case "arp.interfaces":
      return withValue(inputs, ["arp", "except"], undefined);
    default:
      return inputs;
  }
}

function goodValues(field: Field, sample: unknown): fc.Arbitrary<unknown> {
  switch (field.kind) {
    case "flag":
      return fc.boolean();
    case "whole number":
      return fc.integer({ min: field.least, max: field.most ?? Number.MAX_SAFE_INTEGER });
    case "choice":
      return fc.constantFrom(...field.values);
    case "list":
      return fc.constantFrom(sample, ...(field.all ? ["all"] : []));
    case "line":
    case "text":
    case "address":
    case "object":
    case "objects":
      return fc.constant(sample);
  }
}

function badValues(field: Field): unknown[] {
  switch (field.kind) {
    case "flag":
      return ["true", 1, {}];
    case "whole number": {
      const above = field.most === undefined ? [] : [field.most + 1];
      return [field.least - 1, field.least + 0.5, String(field.least), NaN, ...above];
    }
    case "choice":
      return ["neither", 3, true, [field.values[0]]];
    case "list":
      return ["one", 7, {}, [7], [""], [["one"]], ...(field.empty ? [[]] : [])];
    case "line":
      return ["", 7, ["one"], "two\nlines"];
    case "text":
      return ["", 7, ["one"]];
    case "address":
      return ["", 7, ["one"], "10.0.0.1/33", "127.0.0.1", "name"];
    case "object":
      return ["text", 7, []];
    case "objects":
      return ["text", 7, {}, ["one"], [7]];
  }
}
