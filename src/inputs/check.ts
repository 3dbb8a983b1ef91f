import * as z from "zod";
import { type Failure, failureOf, kindOf, type Path, shown, unknownInput } from "./failure";
import type { Complaint, Fields } from "./field";
import { fieldAt, fieldsAt } from "./places";
import { fieldSchemas, isRecord, wanted, withoutAbsent } from "./values";

/** What a check says: `inputs` are canonical where there is no failure, else as they were given. */
export interface Checked {
  readonly inputs: Record<string, unknown>;
  /** One for each bad input. */
  readonly failures: Failure[];
}

/**
 * Makes the check of a program's inputs, as the engine hands them over. It is pure and offline: no
 * file is read and no name is looked up; of the environment it only asks whether `SSH_AUTH_SOCK` is
 * set.
 *
 * Values that only the update will know pass everywhere, and so does `__provider`; null is absent.
 * Canonical: VIPs without prefix, sorted, unknown ones at the end. Defaults stay out.
 *
 * @param alsoWrong what is wrong with inputs beside each other; asked where single ones are wrong, too
 */
export function checker(
  fields: Fields,
  alsoWrong: (inputs: Readonly<Record<string, unknown>>) => readonly Complaint[] = () => [],
): (news: unknown) => Checked {
  // __provider is the engine's, not the user's: no message proposes it.
  const shape = { ...fieldSchemas(fields), __provider: z.unknown().optional() };
  const schema = z.preprocess(withoutAbsent, z.strictObject(shape, wanted("an object")));
  return (news) => {
    const result = schema.safeParse(news);
    const given = withoutAbsent(news);
    const complaints = (isRecord(given) ? alsoWrong(given) : []).map(({ path, message }) =>
      failureOf(
        path,
        message.replace(/^\{\}/, () => subjectOf(valueAt(news, path), path, fields)),
      ),
    );
    if (result.success && complaints.length === 0)
      return { inputs: withoutAbsent(result.data), failures: [] };
    const issues = result.error?.issues ?? [];
    const failures = new Map<string, Failure>();
    for (const failure of [
      ...issues.flatMap((one) => failuresOf(one, news, fields)),
      ...complaints,
    ]) {
      if (!failures.has(failure.path)) failures.set(failure.path, failure);
    }
    return { inputs: isRecord(news) ? news : {}, failures: [...failures.values()] };
  };
}

function failuresOf(issue: z.core.$ZodIssue, news: unknown, fields: Fields): Failure[] {
  const { path } = issue;
  if (issue.code === "unrecognized_keys") {
    const names = Object.keys(fieldsAt(fields, path));
    return issue.keys.map((key) => unknownInput([...path, key], names));
  }
  const subject = () => subjectOf(valueAt(news, path), path, fields);
  return [failureOf(path, issue.message.replace(/^\{\}/, subject))];
}

/** A text where `connection` itself should be may be a key; one below it is its own field's. */
function subjectOf(value: unknown, path: Path, fields: Fields): string {
  const field = fieldAt(fields, path);
  return field === undefined || field.secret || field.hidden ? kindOf(value) : shown(value);
}

function valueAt(value: unknown, path: Path): unknown {
  return path.reduce<unknown>((holder, part) => {
    if (typeof holder !== "object" || holder === null || !Object.hasOwn(holder, part))
      return undefined;
    return (holder as Record<PropertyKey, unknown>)[part] ?? undefined;
  }, value);
}
