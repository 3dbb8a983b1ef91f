import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";

/** Pulumi, with an engine that has these values besides what the program gives, and makes nothing. */
export async function mocked(defaults: object = {}, preview = false): Promise<void> {
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ inputs }) => ({ id: "1", state: { ...defaults, ...(inputs as object) } }),
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "shop", "production", preview, "acme");
}

/** What outputs hold, once that is known. */
export function valuesOf(
  outputs: Readonly<Record<string, unknown>>,
): Promise<Record<string, unknown>> {
  return new Promise((resolve) => pulumi.output(outputs).apply(resolve));
}

/** The names of a resource's own outputs, sorted. */
export function outputsOf(resource: pulumi.CustomResource): string[] {
  class Plain extends pulumi.CustomResource {}
  const plain = new Plain("a:b:Plain", "plain");
  return Object.keys(resource)
    .filter((name) => !(name in plain))
    .sort();
}

/** The outputs that the reference lists for a class of resource, besides its inputs. */
export function listedOutputs(title: string): string[] {
  const page = readFileSync("docs/reference/inputs.md", "utf8");
  const [, section = ""] = page.split(`\n## ${title}: outputs\n`);
  const [own = ""] = section.split("\n## ");
  return [...own.matchAll(/^\| `(\w+)`/gm)].map(([, name = ""]) => name);
}
