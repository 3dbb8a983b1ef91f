// The kinds of values that inputs have: what check.ts is made of.
import * as z from "zod";
import { shown } from "./failure";

/** How the engine writes a value of any type that only the update will know. */
export const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

/** What is wrong at a path; `{}` at the start of the message stands for the value there. */
export type Complaint = Pick<z.core.$ZodIssue, "path" | "message">;

/** A value that may be unknown as yet; `alsoWrong` sees it even where its fields are bad. */
export function known(
  schema: z.ZodType,
  alsoWrong: (value: unknown) => Complaint[] = () => [],
): z.ZodType {
  return either(UNKNOWN, schema, alsoWrong);
}

/** This very text passes as it is; any other value goes through the schema. */
export function either(
  passing: string,
  schema: z.ZodType,
  alsoWrong: (value: unknown) => Complaint[] = () => [],
): z.ZodType {
  return z.unknown().transform((given, context) => {
    if (given === passing) return given;
    const value = withoutAbsent(given);
    const result = schema.safeParse(value);
    const complaints = alsoWrong(value);
    context.issues.push(...((result.error?.issues ?? []) as z.core.$ZodRawIssue[]));
    for (const { path, message } of complaints)
      context.addIssue({ code: "custom", path: [...path], message });
    return result.success && complaints.length === 0 ? withoutAbsent(result.data) : z.NEVER;
  });
}

/** Text that is not empty. `problem` says what else is wrong with it. */
export function text(what: string, problem: Problem = () => undefined): z.ZodType {
  return z.string(wanted(what)).superRefine((given, context) => {
    const reason = given === "" ? `is empty; give ${what}, or leave the input out` : problem(given);
    if (reason !== undefined) context.addIssue(`{} ${reason}`);
  });
}

/** Text that is not empty and has no control characters. */
export function line(what: string, problem: Problem = () => undefined): z.ZodType {
  return text(what, (given) => problem(given) ?? controlProblem(given));
}

/** A whole number; without `most` there is no upper bound. */
export function wholeNumber(least: number, most?: number): z.ZodType {
  const range = most === undefined ? `of at least ${least}` : `from ${least} to ${most}`;
  // Stack configuration is text unless it is read with getNumber or requireNumber.
  const error = ({ input }: { input?: unknown }) =>
    input === undefined
      ? `required: a whole number ${range}`
      : `{} is ${typeof input === "string" ? "text, not" : "not"} a whole number ${range}`;
  return z
    .int({ error })
    .min(least, { error })
    .max(most ?? Number.MAX_SAFE_INTEGER, { error });
}

/** `true` or `false`. */
export function flag(): z.ZodType {
  return z.boolean("{} is neither true nor false");
}

/** One of two words. */
export function oneOf(first: string, second: string): z.ZodType {
  return z.enum([first, second], `{} is neither "${first}" nor "${second}"`);
}

/**
 * A list without order, none of it twice: it comes out sorted, unknown elements at the end.
 *
 * @param what What it lists, for messages.
 * @param read An element's canonical text, or what is wrong with it (a phrase that follows it).
 * @param options `empty`: the complaint about an empty list, where it is one; `compare`: the order.
 */
export function list(
  what: string,
  read: (element: string) => { readonly text: string } | { readonly reason: string },
  options: { empty?: string; compare?: (a: string, b: string) => number } = {},
): z.ZodType {
  const array = z.array(z.unknown(), wanted(what));
  const filled = options.empty === undefined ? array : array.min(1, options.empty);
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
    const unknowns = elements.filter((element) => element === UNKNOWN);
    return [...[...firstAt.keys()].sort(options.compare), ...unknowns];
  });
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

/** What is wrong with a text, as a phrase that follows it; undefined when nothing is. */
type Problem = (text: string) => string | undefined;

function controlProblem(given: string): string | undefined {
  return /\p{Cc}/u.test(given) ? "holds a line break or another control character" : undefined;
}

/** An object without the fields that are absent: the engine's wire has null where a program left an input out. */
export function withoutAbsent(value: unknown): unknown {
  if (!isRecord(value)) return value;
  const given = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(given);
}
