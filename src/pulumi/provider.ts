import "./compile-cache";
import type { dynamic } from "@pulumi/pulumi";
import { entryOf } from "./process";
import { REAL_SERVER_KIND } from "./real-server-kind";
import { staleChange } from "./stale-change";

// The entry `pulumi-lvs-dr/provider`, which the text in the state of every real server loads.

const provider = entryOf(
  REAL_SERVER_KIND,
  async () => (await import("./real-server-verbs.js")).realServerVerbs,
  staleChange,
);

const { check, diff, create, update, read, delete: remove } = provider;

// By their names, because the texts of states before 0.1.0 take the module itself for the provider.
export { check, diff, create, update, read, remove as delete };

/** What the text in a state calls for the provider; see {@link PROVIDER_SOURCE}. */
export function handler(): dynamic.ResourceProvider {
  return provider;
}
