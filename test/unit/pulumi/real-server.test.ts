import { readFileSync } from "node:fs";
import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { realServerInputs } from "../../../src/inputs/real-server";
import type { RealServerArgs } from "../../../src/pulumi/args";
import { RealServer } from "../../../src/pulumi/real-server";
import { everyInput } from "../inputs/every-input";

/** Pulumi, with an engine that has these values besides what the program gives, and makes nothing. */
async function mocked(defaults: object = {}, preview = false): Promise<void> {
  const mocks: pulumi.runtime.Mocks = {
    newResource: ({ inputs }) => ({ id: "1", state: { ...defaults, ...(inputs as object) } }),
    call: () => ({}),
  };
  await pulumi.runtime.setMocks(mocks, "shop", "production", preview, "acme");
}

/** The values of the outputs that are named as the inputs are. */
async function inputsOf(web: RealServer): Promise<Record<string, unknown>> {
  const names = Object.keys(realServerInputs) as (keyof typeof realServerInputs)[];
  const outputs = pulumi.all(names.map((name): pulumi.Output<unknown> => web[name]));
  const values = await new Promise<unknown[]>((resolve) => outputs.apply(resolve));
  return Object.fromEntries(names.map((name, index) => [name, values[index]]));
}

const least: RealServerArgs = {
  connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
  vips: ["203.0.113.10"],
  owner: "o",
};

/** The values of the outputs that have a default. */
async function shownBy(web: RealServer): Promise<Record<string, unknown>> {
  const { arp, persist, timeouts } = web;
  const { sysctlsOnDestroy, unreachableOnDestroy, unreachableOnRefresh } = web;
  const policies = { sysctlsOnDestroy, unreachableOnDestroy, unreachableOnRefresh };
  const outputs = pulumi.output({ arp, persist, timeouts, ...policies });
  return new Promise((resolve) => outputs.apply(resolve));
}

describe("a declared real server", () => {
  it("has every input as an output, given or not", async () => {
    await mocked();
    const web = new RealServer("web-1", least);
    const values = pulumi.all([web.sysctlsOnDestroy, web.drain, web.vips]);
    const read = await new Promise((resolve) => values.apply(resolve));
    expect(read).toEqual(["restore", undefined, ["203.0.113.10"]]);

    const every = everyInput as unknown as RealServerArgs;
    await mocked();
    expect(await inputsOf(new RealServer("web-2", every))).toEqual(everyInput);
    const { connection, vips, owner, ...checked } = every;
    await mocked(checked);
    const stored = new RealServer("web-3", { connection, vips, owner });
    expect(await inputsOf(stored)).toEqual(everyInput);
  });

  // A preview takes what the engine does not have for unknown, unless it is a default.
  it.each([false, true])(
    "has the defaults that its state does not have; preview: %s",
    async (dry) => {
      await mocked({}, dry);
      const defaults = {
        arp: { ignore: 1, announce: 2, interfaces: "all" },
        persist: true,
        sysctlsOnDestroy: "restore",
        unreachableOnDestroy: "fail",
        unreachableOnRefresh: "fail",
        timeouts: { connectSeconds: 60, operationSeconds: 120 },
      };
      const shown = await shownBy(new RealServer("web-1", least));
      expect(shown).toEqual(defaults);

      const parts = {
        arp: { ignore: 2 },
        persist: false,
        timeouts: { connectSeconds: 5 },
      } as const;
      expect(await shownBy(new RealServer("web-2", { ...least, ...parts }))).toEqual({
        ...defaults,
        arp: { ...defaults.arp, ignore: 2 },
        persist: false,
        timeouts: { ...defaults.timeouts, connectSeconds: 5 },
      });
      const { drain } = new RealServer("web-3", { ...least, drain: { timeoutSeconds: 9 } });
      const drained = await new Promise((resolve) => drain.apply(resolve));
      expect(drained).toEqual({ timeoutSeconds: 9, onTimeout: "withdraw" });
    },
  );

  it("has what the engine has rather than a default, in a preview too", async () => {
    await mocked({ persist: false, timeouts: { operationSeconds: 9 } }, true);
    const { persist, timeouts } = await shownBy(new RealServer("web-1", least));
    expect(persist).toBe(false);
    expect(timeouts).toEqual({ connectSeconds: 60, operationSeconds: 9 });
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
