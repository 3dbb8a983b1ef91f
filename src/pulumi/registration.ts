import * as pulumi from "@pulumi/pulumi";
import type { Field, Fields } from "../inputs/field";
import { secretNames } from "../inputs/places";
import { engineMonitor } from "./engine-monitor";
import { PROVIDER_KEY } from "./provider-source";
import { showDefaults } from "./shown-defaults";
import { markingSecrets, refuseClearSecrets } from "./transforms";

/** What a program's class of resource is to Pulumi. */
export interface ResourceClass {
  /** As the program calls it: `RealServer`. */
  readonly title: string;
  /** The text that loads its provider. */
  readonly source: string;
  readonly inputs: Fields;
  /** The names of the outputs that are no inputs. Named without a value, all can be read from the start. */
  readonly outputs: Readonly<Record<string, undefined>>;
  /** Why `deleteBeforeReplace` is to be left out, a sentence. */
  readonly deletedFirst: string;
}

/**
 * The arguments of Pulumi's own constructor for a resource.
 *
 * @throws pulumi.RunError where the program wants to import it
 */
export function registration(
  { title, source, inputs, outputs }: ResourceClass,
  name: string,
  args: { readonly owner?: unknown },
  opts: pulumi.CustomResourceOptions | undefined,
): [type: string, name: string, inputs: pulumi.Inputs, opts: pulumi.CustomResourceOptions] {
  if (opts?.import !== undefined)
    throw new pulumi.RunError(
      `${title} ${name}: import is not supported. ` +
        "Declare the resource without it: create adopts what is there already.",
    );
  const type = engineType(title);
  const given = {
    ...Object.fromEntries(Object.keys(inputs).map((input) => [input, undefined])),
    ...outputs,
    ...secretsMarked(args, inputs),
    owner: args.owner ?? defaultOwner(type, name, opts?.parent),
    [PROVIDER_KEY]: source,
  };
  return [type, name, given, markingSecrets(opts, (props) => secretsMarked(props, inputs))];
}

/** The type of a class of resource, as the engine has it. */
export function engineType(title: string): string {
  return `pulumi-nodejs:dynamic/lvs-dr:${title}`;
}

/** What is left to do once Pulumi knows the resource: its defaults, and what must not pass unsaid. */
export function completeRegistration(
  resource: pulumi.CustomResource,
  { title, inputs, deletedFirst }: ResourceClass,
  name: string,
  args: object,
  opts: pulumi.CustomResourceOptions | undefined,
): void {
  refuseClearSecrets(resource, `${title} ${name}`, inputs);
  showDefaults(resource, inputs, args);
  if (opts?.customTimeouts !== undefined) {
    const text = `customTimeouts has no effect on a ${title}: use its input timeouts`;
    void pulumi.log.warn(text, resource);
  }
  if (opts?.deleteBeforeReplace === true) void pulumi.log.warn(deletedFirst, resource);
}

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
    const organization = organizationName();
    pulumi.createUrn(name, type, parent).apply((urn) => {
      resolve(`${organization}/${urn}`);
    });
  });
}

/** Mocks need not be told of one, and Pulumi throws where they were not. */
function organizationName(): string {
  try {
    return pulumi.getOrganization();
  } catch (error) {
    if (engineMonitor() !== undefined) throw error;
    return "organization";
  }
}

/**
 * The arguments of a resource with their secrets marked for Pulumi, one by one, so that a preview still
 * shows which host is meant; what is not known yet cannot be taken apart, and becomes secret as a
 * whole where it may hold a secret. `additionalSecretOutputs` would leave the inputs in clear text.
 */
export function secretsMarked(args: object, fields: Fields): pulumi.Inputs {
  return markedIn(args, fields, secretNames(fields));
}

/** Whether Pulumi has yet to wait for a value. */
export function isLater(value: unknown): value is pulumi.Output<unknown> | Promise<unknown> {
  return pulumi.Output.isInstance(value) || value instanceof Promise;
}

function markedIn(args: object, fields: Fields, secrets: ReadonlySet<string>): pulumi.Inputs {
  const marked = (name: string, value: unknown): unknown => {
    if (value === undefined || value === null) return value;
    if (secrets.has(name)) return pulumi.secret(value);
    const field: Field | undefined = Object.hasOwn(fields, name) ? fields[name] : undefined;
    if (field?.kind !== "object" || secretNames(field.fields).size === 0) return value;
    if (isLater(value)) return pulumi.secret(value);
    if (typeof value !== "object" || Array.isArray(value)) return value;
    return markedIn(value, field.fields, secrets);
  };
  return Object.fromEntries(
    Object.entries(args).map(([name, value]) => [name, marked(name, value)]),
  );
}
