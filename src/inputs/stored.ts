import * as z from "zod";
import { compareVips, parseRip, parseVip, type Vip } from "../domain/address";
import { RealServerError } from "../domain/errors";
import { failureOf, shown } from "./failure";
import type { Field, Fields, ListField, Settled } from "./field";

/**
 * Makes what reads inputs that passed a check, or the outputs of a state; what is no input is ignored.
 *
 * What was checked when it was stored is not checked again: a state of an older version, and one
 * that drift left without VIPs, must stay readable, or its resource could not be destroyed.
 *
 * @param whose For messages: "this real server".
 * @returns the reader, which throws RealServerError of kind `refused` when they cannot be read
 */
export function storedReader<F extends Fields>(
  fields: F,
  whose: string,
): (stored: unknown) => Settled<F> {
  const schema = storedObject(fields);
  return (stored) => {
    const result = schema.safeParse(stored);
    // The types of a table that is walked at run time are lost on the way.
    if (result.success) return result.data as Settled<F>;
    const reasons = result.error.issues.map(({ path, message }) => failureOf(path, message).reason);
    throw new RealServerError(
      "refused",
      `the stored settings of ${whose} cannot be read (${reasons.join("; ")}); ` +
        "if they were edited by hand, put them right with pulumi stack export and import",
    );
  };
}

/** An absent field is no field, however it was stored: settings that say the same are equal. */
function storedObject(
  fields: Fields,
  settle: (read: never) => unknown = (read) => read,
): z.ZodType<Record<string, unknown>> {
  const named = Object.entries(fields);
  const shape = Object.fromEntries(named.map(([name, field]) => [name, storedField(field)]));
  return z.object(shape).transform((read) => {
    const present = named.flatMap(([name, { default: fallback }]) => {
      const value = read[name] ?? (typeof fallback === "function" ? fallback(read) : undefined);
      return value === undefined ? [] : [[name, value] as const];
    });
    return settle(Object.fromEntries(present) as never) as Record<string, unknown>;
  });
}

function storedField(field: Field): z.ZodType {
  const value = storedValue(field);
  if (field.required) return value;
  const fallback = typeof field.default === "function" ? undefined : field.default;
  const present = fallback === undefined ? value.optional() : value;
  const isFlag = field.kind === "object" && field.flag === true;
  return z.preprocess((given) => (isFlag ? unflagged(given) : given) ?? fallback, present);
}

/** The object that a flag stands for. */
function unflagged(given: unknown): unknown {
  if (given === true) return {};
  return given === false ? undefined : given;
}

function storedValue(field: Field): z.ZodType {
  switch (field.kind) {
    case "flag":
      return z.boolean();
    case "whole number":
      return z.number();
    case "line":
    case "text":
      return z.string();
    case "choice":
      return z.literal([...field.values]);
    case "list":
      return storedList(field);
    case "address":
      return field.of === "vip" ? storedVip : storedRip;
    case "objects":
      return z.array(storedObject(field.fields));
    case "object": {
      const object = storedObject(field.fields, field.settle);
      return field.words ? z.union([z.literal([...field.words]), object]) : object;
    }
  }
}

function storedList({ of, all }: ListField): z.ZodType {
  const list =
    of === "vip"
      ? z.array(storedVip).transform((vips) => vips.sort(compareVips))
      : z.array(z.string());
  return all ? z.union([z.literal("all"), list]) : list;
}

const storedVip = storedAddress((text) => {
  const result = parseVip(text);
  return "vip" in result ? result.vip : result;
});

const storedRip = storedAddress((text) => {
  const result = parseRip(text);
  return "rip" in result ? result.rip : result;
});

function storedAddress(read: (text: string) => Vip | { readonly reason: string }) {
  return z.string().transform((text, context): Vip => {
    const result = read(text);
    if ("address" in result) return result;
    context.addIssue(`${shown(text)} ${result.reason}`);
    return z.NEVER;
  });
}
