import "./compile-cache";
import type { dynamic } from "@pulumi/pulumi";
import { entryOf } from "./process";
import { SERVICE_KIND } from "./service-kind";

// The entry `pulumi-lvs-dr/virtual-service`, which the text in the state of every virtual service loads.

const provider = entryOf(
  SERVICE_KIND,
  async () => (await import("./service-verbs.js")).serviceVerbs,
);

/** What the text in a state calls for the provider; see {@link SERVICE_PROVIDER_SOURCE}. */
export function handler(): dynamic.ResourceProvider {
  return provider;
}
