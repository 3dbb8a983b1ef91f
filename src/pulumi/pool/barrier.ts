import * as pulumi from "@pulumi/pulumi";
import type { RealServer } from "../real-server";
import { engineType } from "../registration";

/**
 * A member to depend on that is there in both cases: the real server itself, or, where it failed, a resource
 * that has its URN and is nothing else.
 *
 * In an inline program the URN of a resource that failed may be a promise that rejects (measured with Pulumi
 * 3.259; with 3.276 it resolves). What depends on it is then never registered, and with `--continue-on-error`
 * the engine deletes it, as it does with what has left the program. Registered, it is skipped.
 *
 * @param name Its name in the program.
 */
export function barrierOf(
  server: RealServer,
  name: string,
  parent: pulumi.Resource,
): Promise<pulumi.Resource> {
  return valueOf(server.urn).then(
    () => server,
    async () => {
      const urn = pulumi.createUrn(name, engineType("RealServer"), parent);
      return new pulumi.DependencyResource(await valueOf(urn));
    },
  );
}

/**
 * The value of an Output once it is there, undefined where it is not known.
 * Every version of Pulumi has it, though not in its types.
 */
export function valueOf<Value>(output: pulumi.Output<Value>): Promise<Value> {
  return (output as unknown as { promise(): Promise<Value> }).promise();
}
