import type { CustomResourceOptions, ResourceTransformation } from "@pulumi/pulumi";
import { afterEach, describe, expect, it, vi } from "vitest";
import { RealServer } from "../../../src/pulumi/real-server";
import { mocked } from "./mocked";

type Format = (this: unknown, error: Error, sites: NodeJS.CallSite[]) => unknown;
const errors = Error as { prepareStackTrace: Format | null };
const { prepareStackTrace: original } = errors;

afterEach(() => {
  errors.prepareStackTrace = original;
  vi.unstubAllEnvs();
});

function declare(opts?: CustomResourceOptions): RealServer {
  const connection = { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" };
  return new RealServer("web-1", { connection, vips: ["203.0.113.10"], owner: "o" }, opts);
}

/** Declares a real server, and says whose stack traces were made into text meanwhile. */
async function tracesOf(transformation?: ResourceTransformation): Promise<Set<string>> {
  await mocked();
  const seen = new Set<string>();
  const watching: Format = (error, sites) => {
    seen.add(sites[0]?.getFunctionName() ?? "");
    return original?.call(Error, error, sites);
  };
  errors.prepareStackTrace = watching;
  try {
    declare(transformation && { transformations: [transformation] });
  } finally {
    expect(errors.prepareStackTrace).toBe(watching);
  }
  return seen;
}

describe("the stack traces of a resource", () => {
  it("are made for where it is declared, and not for Pulumi's promises", async () => {
    const seen = await tracesOf();
    expect(seen).toContain("callsites");
    expect(seen).not.toContain("debuggablePromise");
  });

  it("are all made where Pulumi is to tell of its promises", async () => {
    vi.stubEnv("PULUMI_DEBUG_PROMISE_LEAKS", "1");
    expect(await tracesOf()).toContain("debuggablePromise");
  });

  it("are left to Node.js where something has taken its formatter away", async () => {
    await mocked();
    errors.prepareStackTrace = null;
    expect(() => declare()).not.toThrow();
    expect(errors.prepareStackTrace).toBeNull();
  });

  it("say where the program's own code failed, and are formatted as before from then on", async () => {
    const failing = (): never => {
      throw new Error("a transformation of the program's");
    };
    await expect(tracesOf(failing)).rejects.toMatchObject({
      stack: expect.stringContaining("promise-traces.test.ts") as string,
    });
  });
});
