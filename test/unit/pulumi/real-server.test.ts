import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { realServerInputs } from "../../../src/inputs/real-server";
import type { RealServerArgs } from "../../../src/pulumi/args";
import { RealServer } from "../../../src/pulumi/real-server";
import { everyInput } from "../inputs/every-input";

/** Pulumi, with an engine whose provider's check adds these defaults and which makes nothing. */
async function mocked(defaults: object = {}): Promise<void> {
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ inputs }) => ({ id: "1", state: { ...defaults, ...(inputs as object) } }),
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "shop", "production", false, "acme");
}

/** The values of the outputs that are named as the inputs are. */
async function inputsOf(web: RealServer): Promise<Record<string, unknown>> {
  const names = Object.keys(realServerInputs) as (keyof typeof realServerInputs)[];
  const outputs = pulumi.all(names.map((name): pulumi.Output<unknown> => web[name]));
  const values = await new Promise<unknown[]>((resolve) => outputs.apply(resolve));
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

describe("a declared real server", () => {
  it("has every input as an output, given or not", async () => {
    // What the provider's check makes of inputs that are not given.
    const defaults = { sysctlsOnDestroy: "restore", timeouts: { connectSeconds: 60 } };
    await mocked(defaults);
    const web = new RealServer("web-1", {
      connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
      vips: ["203.0.113.10"],
      owner: "o",
    });
    const values = pulumi.all([web.sysctlsOnDestroy, web.timeouts, web.drain, web.vips]);
    const read = await new Promise((resolve) => values.apply(resolve));
    expect(read).toEqual(["restore", { connectSeconds: 60 }, undefined, ["203.0.113.10"]]);

    const every = everyInput as unknown as RealServerArgs;
    await mocked();
    expect(await inputsOf(new RealServer("web-2", every))).toEqual(everyInput);
    const { connection, vips, owner, ...checked } = every;
    await mocked(checked);
    const least = new RealServer("web-3", { connection, vips, owner });
    expect(await inputsOf(least)).toEqual(everyInput);
  });

  it("has the outputs that the reference lists, and no other", async () => {
    await mocked();
    const page = readFileSync("docs/reference/inputs.md", "utf8");
    const table = page.slice(page.indexOf("## Outputs"));
    const listed = [...table.matchAll(/^\| `(\w+)`/gm)].map(([, name]) => name);

    class Plain extends pulumi.CustomResource {}
    const plain = new Plain("a:b:Plain", "plain");
    const web = new RealServer("web-1", everyInput as unknown as RealServerArgs);
    const outputs = Object.keys(web).filter((name) => !(name in plain));
    expect(outputs.sort()).toEqual(
      [...listed, ...Object.keys(realServerInputs), "__provider"].sort(),
    );
  });
});
