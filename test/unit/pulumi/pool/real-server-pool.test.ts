import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, it } from "vitest";
import type { RealServerPoolArgs } from "../../../../src/pulumi/pool/args";
import { RealServerPool } from "../../../../src/pulumi/pool/real-server-pool";

/** What Pulumi was asked to register, in its order. */
let registered: pulumi.runtime.MockResourceArgs[] = [];

async function mocked(preview = false): Promise<void> {
  registered = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource: (args) => {
      registered.push(args);
      const { inputs } = args as { inputs: object };
      return { id: "1", state: { converged: true, machineId: args.name, hostKey: "k", ...inputs } };
    },
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "shop", "production", preview, "acme");
}

beforeEach(() => mocked());

const least: RealServerPoolArgs = {
  vips: ["203.0.113.10"],
  connection: { user: "deploy", privateKeyFile: "~/.ssh/id_ed25519" },
  realServers: { "web-1": "10.0.0.11", "web-2": { host: "10.0.0.12", weight: 2 } },
};
const served: RealServerPoolArgs = {
  ...least,
  directors: { "lb-1": "10.0.0.2" },
  services: [{ port: 80 }],
};

const settled = <Value>(output: pulumi.Output<Value>) =>
  new Promise<pulumi.Unwrap<Value>>((resolve) => void output.apply((value) => resolve(value)));

/** The inputs of each resource but the pool, by name, once all are registered. */
async function declared(args: RealServerPoolArgs): Promise<Record<string, Record<string, unknown>>> {
  const pool = new RealServerPool("shop", args);
  await settled(pool.converged);
  return Object.fromEntries(
    registered
      .filter(({ name }) => name !== "shop")
      .map(({ name, inputs }) => [name, inputs as Record<string, unknown>]),
  );
}

describe("a pool", () => {
  it("is made of real servers and services", async () => {
    console.log(JSON.stringify(await declared(served), null, 1));
  });
});
