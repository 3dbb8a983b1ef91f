import * as pulumi from "@pulumi/pulumi";
import { beforeAll, describe, expect, it } from "vitest";
import { barrierOf, valueOf } from "../../../../src/pulumi/pool/barrier";
import type { RealServer } from "../../../../src/pulumi/real-server";

describe("what waits for a member", () => {
  let pool: pulumi.ComponentResource;
  beforeAll(async () => {
    const mocks = { newResource: () => ({ id: "1", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(mocks, "shop", "production", false, "acme");
    pool = new pulumi.ComponentResource("lvs-dr:index:RealServerPool", "shop");
  });

  /** Pulumi's own Outputs that reject would end the test run. */
  const memberWith = (urn: () => Promise<string>) =>
    ({ urn: { promise: urn } }) as unknown as RealServer;

  it("depends on the member where that got through", async () => {
    const member = memberWith(() => Promise.resolve("urn"));
    expect(await barrierOf(member, "shop-web-1", pool)).toBe(member);
  });

  it("depends on its URN where it failed", async () => {
    const member = memberWith(() => Promise.reject(new Error("failed")));
    const barrier = await barrierOf(member, "shop-web-1", pool);
    expect(pulumi.CustomResource.isInstance(barrier)).toBe(true);
    expect(await valueOf(barrier.urn)).toBe(
      "urn:pulumi:production::shop::lvs-dr:index:RealServerPool$pulumi-nodejs:dynamic/lvs-dr:RealServer::shop-web-1",
    );
  });
});
