import { describe, expect, it } from "vitest";
import { PROVIDER_SOURCE, SERVICE_PROVIDER_SOURCE } from "../../../src/pulumi/provider-source";

describe("the text that stands in every state", () => {
  it("never changes, or every resource everywhere would show a diff", () => {
    expect(PROVIDER_SOURCE).toBe(
      "try{let r=require;module.exports=r(r.resolve('pulumi-lvs-dr/provider'," +
        "{paths:['.','node_modules/.pnpm',r.main.path]}))}catch(e){throw e.stack='',e}",
    );
    expect(SERVICE_PROVIDER_SOURCE).toBe(
      "try{let r=require;module.exports=r(r.resolve('pulumi-lvs-dr/virtual-service'," +
        "{paths:['.','node_modules/.pnpm',r.main.path]}))}catch(e){throw e.stack='',e}",
    );
  });

  it("is at most 160 bytes, because every resource carries it twice", () => {
    expect(Buffer.byteLength(PROVIDER_SOURCE)).toBeLessThanOrEqual(150);
    expect(Buffer.byteLength(SERVICE_PROVIDER_SOURCE)).toBeLessThanOrEqual(160);
  });
});
