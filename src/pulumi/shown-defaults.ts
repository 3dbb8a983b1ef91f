import * as pulumi from "@pulumi/pulumi";
import { type Field, type Fields, withDefaults } from "../inputs/field";

/**
 * Gives the outputs of a resource the defaults of its inputs, which its state is spared: each output is
 * as if the program had spelled them out.
 *
 * @param resource A resource whose outputs are there, that is after `super`.
 * @param fields Its inputs.
 * @param args What the program gives of them.
 */
export function showDefaults(resource: pulumi.Resource, fields: Fields, args: object): void {
  const outputs = resource as unknown as Record<string, pulumi.Output<unknown>>;
  const given = args as Readonly<Record<string, unknown>>;
  for (const [name, field] of Object.entries(fields)) {
    const output = outputs[name];
    if (output !== undefined && showsAny(field))
      outputs[name] = shown(output, field, given[name] ?? undefined);
  }
}

function showsAny(field: Field): boolean {
  return (
    field.shown === true ||
    ((field.kind === "object" || field.kind === "objects") &&
      Object.values(field.fields).some(showsAny))
  );
}

/**
 * In a preview Pulumi takes what the engine does not have for unknown, and every resource that uses it
 * would show a difference; the default of what is not given is known.
 */
function shown(
  output: pulumi.Output<unknown>,
  field: Field,
  given: unknown,
): pulumi.Output<unknown> {
  const filled = output.apply((value) => withDefaults(field, value));
  if (given !== undefined || !field.shown || !pulumi.runtime.isDryRun()) return filled;
  // Every version of Pulumi has it, though not in its types. A transformation may have given the input.
  const { isKnown } = output as unknown as { readonly isKnown: Promise<boolean> };
  const fallback = withDefaults(field, undefined);
  return pulumi.output(isKnown.then((known) => (known ? filled : pulumi.output(fallback))));
}
