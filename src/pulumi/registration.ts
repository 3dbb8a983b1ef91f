import * as pulumi from "@pulumi/pulumi";
import type { Fields } from "../inputs/field";
import { secretNames } from "../inputs/places";

/**
 * The owner of a resource that the program names none for: organization and URN.
 *
 * A promise, not the Output: an Output would depend on the parent, hence on all of the parent's
 * children, and two siblings under one component would wait for each other for ever.
 *
 * @param type The resource's type, as the engine has it.
 * @param name Its name in the program.
 */
export function defaultOwner(
  type: string,
  name: string,
  parent: pulumi.Resource | undefined,
): Promise<string> {
  return new Promise((resolve) => {
    const organization = pulumi.getOrganization();
    pulumi.createUrn(name, type, parent).apply((urn) => {
      resolve(`${organization}/${urn}`);
    });
  });
}

/**
 * The arguments of a resource with their secrets marked for Pulumi, one by one, so that a preview still
 * shows which host is meant; what is not known yet cannot be taken apart, and becomes secret as a
 * whole where it may hold a secret. `additionalSecretOutputs` would leave the inputs in clear text.
 */
export function secretsMarked(args: object, fields: Fields): pulumi.Inputs {
  return markedIn(args, fields, secretNames(fields));
}

function markedIn(args: object, fields: Fields, secrets: ReadonlySet<string>): pulumi.Inputs {
  const marked = (name: string, value: unknown): unknown => {
    if (value === undefined || value === null) return value;
    if (secrets.has(name)) return pulumi.secret(value);
    const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field?.kind !== "object" || secretNames(field.fields).size === 0) return value;
    if (pulumi.Output.isInstance(value) || value instanceof Promise) return pulumi.secret(value);
    if (typeof value !== "object" || Array.isArray(value)) return value;
    return markedIn(value, field.fields, secrets);
  };
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, marked(name, value)]),
  );
}
