// Read by the type checker only: a line that stops compiling is the failure.
import type * as pulumi from "@pulumi/pulumi";
import type { ConnectionArgs, ProxyConnectionArgs } from "../../../src/pulumi/args";
import type { InspectConnection, InspectProxy } from "../../../src/inspect/types";

type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : never) : never;

/** An inspection takes a resource's connection, with plain values. */
export const sameFields: Same<keyof InspectConnection, keyof ConnectionArgs> = true;
export const sameProxyFields: Same<keyof InspectProxy, keyof ProxyConnectionArgs> = true;
export const sameTypes: Same<InspectConnection, pulumi.Unwrap<ConnectionArgs>> = true;
