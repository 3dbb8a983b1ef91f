import "./compile-cache";
import type { dynamic } from "@pulumi/pulumi";
import { entryOf } from "./process";
import { REAL_SERVER_KIND } from "./real-server-kind";
import { staleChange } from "./stale-change";

// The entry `pulumi-lvs-dr/provider`, which the text in the state of every real server loads.

/** What Pulumi asks of real servers. */
export const realServerProvider = entryOf(
  REAL_SERVER_KIND,
  async () => (await import("./real-server-verbs.js")).realServerVerbs,
  staleChange,
);

/** What the text in a state calls for the provider; see {@link PROVIDER_SOURCE}. */
export function handler(): dynamic.ResourceProvider {
  return realServerProvider;
}
