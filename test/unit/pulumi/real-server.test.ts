import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { RealServer } from "../../../src/pulumi/real-server";

describe("a declared real server", () => {
  it("has every input as an output, given or not", async () => {
    // What the provider's check makes of inputs that are not given.
    const defaults = { sysctlsOnDestroy: "restore", timeouts: { connectSeconds: 60 } };
    await pulumi.runtime.setMocks({
      newResource: ({ inputs }) => ({ id: "1", state: { ...defaults, ...(inputs as object) } }),
      call: () => ({}),
    });
    const web = new RealServer("web-1", {
      connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
      vips: ["203.0.113.10"],
      owner: "o",
    });
    const values = pulumi.all([web.sysctlsOnDestroy, web.timeouts, web.drain, web.vips]);
    const read = await new Promise((resolve) => values.apply(resolve));
    expect(read).toEqual(["restore", { connectSeconds: 60 }, undefined, ["203.0.113.10"]]);
  });
});
