// What a program may give for each kind of input: what check.ts is made of.
import * as z from "zod";
import { compareVips, parseRip, parseVip } from "../domain/address";
import { sshOptionProblem } from "../transport/openssh/config";
import { globProblem, interfaceNameProblem } from "../domain/arp";
import { flagProblem } from "../domain/virtual-service";
import { shown } from "./failure";
import { allowedIn, type ChoiceField, type Complaint, type Field } from "./field";
import type { AddressField, Fields, ListField, ObjectField, ObjectsField } from "./field";
import type { TextField, WholeNumberField } from "./field";

/** How the engine writes a value of any type that only the update will know. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** The schemas of what a program may give, by name. */
export function fieldSchemas(fields: Fields): Record<string, z.ZodType> {
  const entries = Object.entries(fields).map(([name, field]) => [name, fieldSchema(field)]);
  return Object.fromEntries(entries) as Record<string, z.ZodType>;
}

/** A complaint about a value of the wrong type, or about one that is missing. */
export function wanted(what: string): { error: (issue: { input?: unknown }) => string } {
  return {
    error: ({ input }) => (input === undefined ? `required: ${what}` : `{} is not ${what}`),
  };
}

/** Whether a value is an object with fields. */
export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** An object without the fields that are absent: the engine's wire has null where a program left an input out. */
export function withoutAbsent<T>(value: T): T | Record<string, unknown> {
  if (!isRecord(value)) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(given);
}

function fieldSchema(field: Field): z.ZodType {
  const { alsoWrong, words = [] } = field.kind === "object" ? field : {};
  const schema = passing(itself(UNKNOWN, ...words), valueSchema(field), alsoWrong);
  if (field.required) return schema;
  const isNothing = field.kind === "object" && field.default !== undefined;
  return schema.optional().transform((value) => (isNothing && isEmpty(value) ? undefined : value));
}

/** Of an object that may be left out as a whole, the same as left out. */
function isEmpty(value: unknown): boolean {
  return isRecord(value) && Object.keys(value).length === 0;
}

function itself(...words: readonly string[]): ReadonlyMap<unknown, unknown> {
  return new Map(words.map((word) => [word, word]));
}

/**
 * These words pass, each as what it stands for; `alsoWrong` sees any other object even where its fields
 * are bad.
 */
function passing(
  words: ReadonlyMap<unknown, unknown>,
  schema: z.ZodType,
  alsoWrong: (value: Record<string, unknown>) => readonly Complaint[] = () => [],
): z.ZodType {
  return z.unknown().transform((given, context) => {
    if (words.has(given)) return words.get(given);
    const value = withoutAbsent(given);
    const result = schema.safeParse(value);
    const complaints = isRecord(value) ? alsoWrong(value) : [];
    context.issues.push(...((result.error?.issues ?? []) as z.core.$ZodRawIssue[]));
    for (const { path, message } of complaints)
      context.addIssue({ code: "custom", path: [...path], message });
    return result.success && complaints.length === 0 ? withoutAbsent(result.data) : z.NEVER;
  });
}

function valueSchema(field: Field): z.ZodType {
  switch (field.kind) {
    case "flag":
      return z.boolean({
        error: ({ input }) =>
          input === undefined ? `required: ${allowedIn(field)}` : "{} is neither true nor false",
      });
    case "whole number":
      return wholeNumber(field);
    case "line":
    case "text":
      return text(field);
    case "choice":
      return choice(field);
    case "list":
      return field.all ? passing(itself("all"), list(field)) : list(field);
    case "address":
      return address(field);
    case "objects":
      return objects(field);
    case "object":
      return object(field);
  }
}

/** With `false` it is as left out, so that it makes no difference to a program that leaves it out. */
function object(field: ObjectField): z.ZodType {
  const schema = z.strictObject(fieldSchemas(field.fields), wanted(allowedIn(field)));
  if (!field.flag) return schema;
  return passing(
    new Map([
      [true, true],
      [false, undefined],
    ]),
    schema,
  );
}

function wholeNumber(field: WholeNumberField): z.ZodType {
  const { least, most = Number.MAX_SAFE_INTEGER } = field;
  // Stack configuration is text unless it is read with getNumber or requireNumber.
  const error = ({ input }: { input?: unknown }) =>
    input === undefined
      ? `required: ${allowedIn(field)}`
      : `{} is ${typeof input === "string" ? "text, not" : "not"} ${allowedIn(field)}`;
  return z.int({ error }).min(least, { error }).max(most, { error });
}

function text({ kind, what, problem = () => undefined }: TextField): z.ZodType {
  return z.string(wanted(what)).superRefine((given, context) => {
    const reason =
      given === ""
        ? `is empty; give ${what}, or leave the input out`
        : (problem(given) ?? (kind === "line" ? controlProblem(given) : undefined));
    if (reason !== undefined) context.addIssue(`{} ${reason}`);
  });
}

function controlProblem(given: string): string | undefined {
  return /\p{Cc}/u.test(given) ? "holds a line break or another control character" : undefined;
}

function choice({ values, because = () => "" }: ChoiceField): z.ZodType {
  const words = values.map((value) => JSON.stringify(value));
  const isNone = words.length === 1 ? `is not ${words[0]}` : `is neither ${words.join(" nor ")}`;
  return z.literal([...values], { error: ({ input }) => `{} ${isNone}${because(input)}` });
}

/** It comes out sorted, unknown elements at the end; options of ssh as they stand, for the first counts. */
function list({ of, what, empty }: ListField): z.ZodType {
  const array = z.array(z.unknown(), wanted(what));
  const filled = empty === undefined ? array : array.min(1, empty);
  const { read, compare, ordered } = ELEMENTS[of];
  return filled.transform((elements, context) => {
    const firstAt = new Map<string, number>();
    for (const [index, element] of elements.entries()) {
      if (element === UNKNOWN) continue;
      const result = typeof element === "string" ? read(element) : { reason: "is not text" };
      const earlier = "text" in result ? firstAt.get(result.text) : undefined;
      if ("text" in result && earlier === undefined) {
        firstAt.set(result.text, index);
        continue;
      }
      const same = `is the same as [${earlier}], ${shown(elements[earlier ?? 0])}; name each once`;
      const message = `{} ${"reason" in result ? result.reason : same}`;
      context.issues.push({ code: "custom", path: [index], message, input: element });
    }
    if (elements.length === 0) return undefined;
    if (ordered) return elements;
    const unknowns = elements.filter((element) => element === UNKNOWN);
    return [...[...firstAt.keys()].sort(compare), ...unknowns];
  });
}

function address({ of }: AddressField): z.ZodType {
  return z.string(wanted("an IPv4 or IPv6 address")).transform((text, context) => {
    const read = ELEMENTS[of].read(text);
    if ("text" in read) return read.text;
    context.addIssue(`{} ${read.reason}`);
    return z.NEVER;
  });
}

/** They come out sorted by their address, with unknown ones at the end. */
function objects({ fields, key, what, one }: ObjectsField): z.ZodType {
  const element = passing(itself(UNKNOWN), z.strictObject(fieldSchemas(fields), wanted(one)));
  return z.array(element, wanted(what)).transform((elements, context) => {
    const keys = elements.map((object) => (isRecord(object) ? object[key] : UNKNOWN));
    for (const [index, name] of keys.entries()) {
      const earlier = keys.indexOf(name);
      if (name === UNKNOWN || earlier === index) continue;
      const message = `{} is the same as [${earlier}]; name each once`;
      context.issues.push({ code: "custom", path: [index, key], message, input: name });
    }
    const text = (object: unknown) => (isRecord(object) ? String(object[key]) : UNKNOWN);
    return elements.toSorted((a, b) => byAddress(text(a), text(b)));
  });
}

/** An element's canonical text, or what is wrong with it: a phrase that follows it. */
type ElementRead = { readonly text: string } | { readonly reason: string };

/** How the elements of a list are read, and in which order they come out. */
const ELEMENTS: Record<
  ListField["of"] | AddressField["of"],
  {
    readonly read: (text: string) => ElementRead;
    readonly compare?: (a: string, b: string) => number;
    readonly ordered?: true;
  }
> = {
  vip: { read: canonicalVip, compare: byAddress },
  interface: { read: (name) => accepted(name, interfaceNameProblem(name)) },
  glob: { read: (glob) => accepted(glob, globProblem(glob)) },
  "ssh option": { read: (option) => accepted(option, sshOptionProblem(option)), ordered: true },
  flag: { read: (flag) => accepted(flag, flagProblem(flag)) },
  rip: { read: canonicalRip, compare: byAddress },
};

function accepted(text: string, reason: string | undefined): ElementRead {
  return reason === undefined ? { text } : { reason };
}

function canonicalVip(text: string): ElementRead {
  const result = parseVip(text);
  return "vip" in result ? { text: result.vip.address } : result;
}

function canonicalRip(text: string): ElementRead {
  const result = parseRip(text);
  return "rip" in result ? { text: result.rip.address } : result;
}

/** What is not known yet is behind all that is. */
function byAddress(a: string, b: string): number {
  const [left, right] = [parseRip(a), parseRip(b)];
  if ("rip" in left && "rip" in right) return compareVips(left.rip, right.rip);
  return Number("reason" in left) - Number("reason" in right);
}
