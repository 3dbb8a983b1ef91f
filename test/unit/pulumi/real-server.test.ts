import { describe, expect, it } from "vitest";
import { realServerInputs } from "../../../src/inputs/real-server";
import type { RealServerArgs } from "../../../src/pulumi/args";
import { RealServer } from "../../../src/pulumi/real-server";
import { everyInput } from "../inputs/every-input";
import { listedOutputs, mocked, outputsOf, valuesOf } from "./mocked";

const least: RealServerArgs = {
  connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
  vips: ["203.0.113.10"],
  owner: "o",
};

/** The values of the outputs that have a default. */
function shownBy(web: RealServer): Promise<Record<string, unknown>> {
  const { arp, persist, timeouts } = web;
  const { sysctlsOnDestroy, unreachableOnDestroy, unreachableOnRefresh } = web;
  const policies = { sysctlsOnDestroy, unreachableOnDestroy, unreachableOnRefresh };
  return valuesOf({ arp, persist, timeouts, ...policies });
}

/** The values of the outputs that are named as the inputs are. */
function inputsOf(web: RealServer): Promise<Record<string, unknown>> {
  const names = Object.keys(realServerInputs) as (keyof typeof realServerInputs)[];
  return valuesOf(Object.fromEntries(names.map((name) => [name, web[name]])));
}

describe("a declared real server", () => {
  it("has every input as an output, given or not", async () => {
    await mocked();
    const web = new RealServer("web-1", least);
    const { sysctlsOnDestroy, drain, vips: bound } = web;
    expect(await valuesOf({ sysctlsOnDestroy, drain, bound })).toEqual({
      ...{ sysctlsOnDestroy: "restore", drain: undefined, bound: ["203.0.113.10"] },
    });

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
      expect(await valuesOf({ drain })).toEqual({
        drain: { timeoutSeconds: 9, onTimeout: "withdraw" },
      });
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
    const web = new RealServer("web-1", everyInput as unknown as RealServerArgs);
    expect(outputsOf(web)).toEqual(
      [...listedOutputs("RealServer"), ...Object.keys(realServerInputs), "__provider"].sort(),
    );
  });
});
