import { describe, expect, it } from "vitest";
import { PROVIDER_SOURCE } from "../../../src/pulumi/provider-source";

describe("the text that stands in every state", () => {
  it("never changes, or every resource everywhere would show a diff", () => {
    expect(PROVIDER_SOURCE).toBe(
      "exports.handler=()=>{let e,n='pulumi-lvs-dr',d=process.cwd();" +
        "for(const p of[d+'/_',d+'/node_modules/.pnpm/_',require.main.filename])" +
        "try{return require('module').createRequire(p)(n+'/provider')}" +
        "catch(x){e=x.message.split('\\n')[0];if(!e.includes(`module '${n}/`))break}" +
        "throw Object.assign(Error(`${n} cannot be loaded (${e}); npm install ${n} in ${d}`),{stack:''})}",
    );
  });

  it("is shorter than 500 bytes", () => {
    expect(Buffer.byteLength(PROVIDER_SOURCE)).toBeLessThan(500);
  });
});
