import * as pulumi from "@pulumi/pulumi";
import type { Fields } from "../inputs/field";
import { onceATable } from "../inputs/places";

// A program can change a resource's inputs behind its constructor: by `transformations`, which run in
// its process, and by `transforms`, which the engine calls.

/**
 * A resource's options, with a transformation that marks the secrets which other transformations
 * added, those of its parents and of the stack too.
 *
 * @param secretsIn Marks the secrets in inputs.
 */
export function markingSecrets(
  opts: pulumi.CustomResourceOptions | undefined,
  secretsIn: (props: object) => pulumi.Inputs,
): pulumi.CustomResourceOptions {
  const mark: pulumi.ResourceTransformation = ({ resource, props, opts }) => {
    const { __transformations: all } = resource as { __transformations?: unknown[] };
    // Pulumi goes through this very list, in which the parents' and the stack's come after our own.
    if (Array.isArray(all) && all.at(-1) !== mark) all.push(mark);
    return { props: secretsIn(props), opts };
  };
  return { ...opts, transformations: [...(opts?.transformations ?? []), mark] };
}

/**
 * Fails the program, in a preview too, for each secret input of a registered resource that is in clear:
 * Pulumi drops the mark of every secret of a resource whose inputs a `transforms` callback returns
 * (measured with 3.259 and 3.276). Not seen are a value that a preview does not know, and marks alone
 * that get lost: the outputs of a resource that stays the same are those of the state.
 *
 * @param title How the program calls it: `RealServer web-1`.
 */
export function refuseClearSecrets(resource: pulumi.Resource, title: string, fields: Fields): void {
  for (const path of secretPaths(fields)) {
    const [first = "", ...rest] = path;
    const output = (resource as unknown as Lifted)[first];
    if (output === undefined) continue;
    // Taken apart by Pulumi, for it tells what is known even where something beside it is not.
    const value = rest.reduce((whole, name) => whole[name] as Lifted, output);
    value.apply(async (secret: unknown) => {
      if (secret === undefined || secret === null || (await pulumi.isSecret(output))) return;
      const text = `${title}: ${path.join(".")} is not kept as a secret: ${REASON}`;
      await pulumi.log.error(text, resource);
    });
  }
}

/** Each property of an Output's value is an Output, which Pulumi's type says only where it knows the value's. */
type Lifted = pulumi.Output<unknown> & { readonly [name: string]: Lifted };

const REASON =
  "Pulumi marks none where a transform (transforms) returns the inputs of a resource. " +
  "Give it in the arguments, and have the transform return nothing for this resource";

/** `[["connection", "password"], …]` */
const secretPaths = onceATable((fields): string[][] =>
  Object.entries(fields).flatMap(([name, field]) => {
    const within = field.kind === "object" ? secretPaths(field.fields) : [];
    return [...(field.secret ? [[name]] : []), ...within.map((path) => [name, ...path])];
  }),
);
