import { describe, expect, it } from "vitest";
import { virtualServiceInputs } from "../../../src/inputs/virtual-service";
import type { VirtualServiceArgs } from "../../../src/pulumi/service-args";
import { VirtualService } from "../../../src/pulumi/virtual-service";
import { listedOutputs, mocked, outputsOf, valuesOf } from "./mocked";

const least: VirtualServiceArgs = {
  director: { host: "10.0.0.2", privateKeyFile: "~/.ssh/id_ed25519" },
  ...{ vip: "203.0.113.10", port: 80 },
  destinations: [{ address: "10.0.0.11" }, { address: "10.0.0.12", weight: 10 }],
  owner: "o",
};
const every: VirtualServiceArgs = {
  ...least,
  ...{ protocol: "udp", scheduler: "sh", schedulerFlags: ["sh-port"] },
  persistence: { timeoutSeconds: 300, netmask: "255.255.255.0" },
  destinations: [{ address: "10.0.0.9", weight: 0, upperThreshold: 9, lowerThreshold: 5 }],
  drain: { timeoutSeconds: 30, onTimeout: "fail" },
  ...{ foreignDestinations: "remove", persist: false, allowEmpty: true },
  ...{ unreachableOnDestroy: "forget", unreachableOnRefresh: "keep" },
  timeouts: { connectSeconds: 5, operationSeconds: 6 },
};

/** The values of the outputs that are named as the inputs are. */
function inputsOf(shop: VirtualService): Promise<object> {
  const names = Object.keys(virtualServiceInputs) as (keyof typeof virtualServiceInputs)[];
  return valuesOf(Object.fromEntries(names.map((name) => [name, shop[name]])));
}

/** The values of the outputs that have a default. */
function shownBy(shop: VirtualService): Promise<object> {
  const { scheduler, destinations, persist, timeouts } = shop;
  const { unreachableOnDestroy, unreachableOnRefresh } = shop;
  const policies = { unreachableOnDestroy, unreachableOnRefresh };
  return valuesOf({ scheduler, destinations, persist, timeouts, ...policies });
}

describe("a declared virtual service", () => {
  it("has every input as an output", async () => {
    await mocked();
    const none = { fwmark: undefined, family: undefined };
    expect(await inputsOf(new VirtualService("shop-80", every))).toEqual({ ...every, ...none });
    const mark = { fwmark: 7, family: 4, vip: undefined, port: undefined, protocol: undefined };
    const marked = { ...every, ...mark } as VirtualServiceArgs;
    expect(await inputsOf(new VirtualService("shop-7", marked))).toEqual(marked);
  });

  // A preview takes what the engine does not have for unknown, unless it is a default.
  it.each([false, true])(
    "has the defaults that its state does not have; preview: %s",
    async (dry) => {
      await mocked({}, dry);
      const defaults = {
        scheduler: "wlc",
        destinations: [
          { address: "10.0.0.11", weight: 1 },
          { address: "10.0.0.12", weight: 10 },
        ],
        persist: true,
        ...{ unreachableOnDestroy: "fail", unreachableOnRefresh: "fail" },
        timeouts: { connectSeconds: 60, operationSeconds: 120 },
      };
      expect(await shownBy(new VirtualService("shop-80", least))).toEqual(defaults);

      const args = { ...least, scheduler: "mh", timeouts: { connectSeconds: 5 } };
      expect(await shownBy(new VirtualService("shop-81", args))).toEqual({
        ...{ ...defaults, scheduler: "mh" },
        timeouts: { ...defaults.timeouts, connectSeconds: 5 },
      });
      const { drain } = new VirtualService("shop-82", { ...least, drain: { timeoutSeconds: 60 } });
      expect(await valuesOf({ drain })).toEqual({
        drain: { timeoutSeconds: 60, onTimeout: "remove" },
      });
    },
  );

  it("has the outputs that the reference lists, and no other", async () => {
    await mocked();
    expect(outputsOf(new VirtualService("shop-80", every))).toEqual(
      [
        ...listedOutputs("VirtualService"),
        ...Object.keys(virtualServiceInputs),
        "__provider",
      ].sort(),
    );
  });
});
