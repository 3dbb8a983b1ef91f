// Where inputs are in their table, at any depth.
import type { Path } from "./failure";
import type { Field, Fields } from "./field";

/** The input at a path; an element of a list is the list's. Undefined where there is none. */
export function fieldAt(fields: Fields, path: Path): Field | undefined {
  const names = path.filter((part) => typeof part === "string");
  const holder = fieldsAt(fields, names.slice(0, -1));
  const name = names.at(-1);
  return name !== undefined && Object.hasOwn(holder, name) ? holder[name] : undefined;
}

/** The inputs that exist in the object at a path; empty where there is no object. */
export function fieldsAt(fields: Fields, path: Path): Fields {
  if (path.length === 0) return fields;
  const field = fieldAt(fields, path);
  return field === undefined ? {} : fieldsWithin(field);
}

/** The fields of an object, or of the objects of a list; of anything else none. */
function fieldsWithin(field: Field): Fields {
  return field.kind === "object" || field.kind === "objects" ? field.fields : {};
}

/** The names of all secret inputs, at any depth. */
export const secretNames = onceATable((fields): ReadonlySet<string> => {
  const names = Object.entries(fields).flatMap(([name, field]) => [
    ...(field.secret ? [name] : []),
    ...secretNames(fieldsWithin(field)),
  ]);
  return new Set(names);
});

/** What follows from a table of inputs alone, which never changes: found once, and not for each resource. */
export function onceATable<Found>(find: (fields: Fields) => Found): (fields: Fields) => Found {
  const known = new WeakMap<Fields, Found>();
  return (fields) => {
    const found = known.get(fields) ?? find(fields);
    known.set(fields, found);
    return found;
  };
}
