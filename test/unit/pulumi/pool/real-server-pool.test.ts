import * as pulumi from "@pulumi/pulumi";
import { beforeEach, describe, expect, it } from "vitest";
import type { RealServerPoolArgs } from "../../../../src/pulumi/pool/args";
import { RealServerPool } from "../../../../src/pulumi/pool/real-server-pool";

/** What Pulumi was asked to register, in its order. */
let registered: pulumi.runtime.MockResourceArgs[] = [];

async function mocked(preview = false, converged = true): Promise<void> {
  registered = [];
  const mocks: pulumi.runtime.Mocks = {
    newResource: (args) => {
      registered.push(args);
      const { inputs } = args as { inputs: object };
      return { id: "1", state: { converged, machineId: args.name, hostKey: "k", ...inputs } };
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

const settled = (output: pulumi.Output<unknown>) =>
  new Promise<unknown>((resolve) => void output.apply(resolve));

/** The inputs of each resource but the pool, by name, once all are registered. */
async function declared(
  args: RealServerPoolArgs,
): Promise<Record<string, Record<string, unknown>>> {
  const { realServers, services } = new RealServerPool("shop", args);
  const all = [...Object.values(realServers), ...Object.values(services)];
  await Promise.all(all.map(({ urn }) => settled(urn)));
  return Object.fromEntries(
    registered
      .filter(({ name }) => name !== "shop")
      .map(({ name, inputs }): [string, Record<string, unknown>] => [name, inputs as never])
      .sort(([one], [other]) => one.localeCompare(other)),
  );
}

describe("a pool", () => {
  it("is made of real servers and services, whose names begin with its own", async () => {
    const made = await declared(served);
    const way = { user: "deploy", privateKeyFile: "~/.ssh/id_ed25519" };
    expect(Object.keys(made)).toEqual(["shop-lb-1-203.0.113.10-80", "shop-web-1", "shop-web-2"]);
    expect(made["shop-web-2"]).toMatchObject({
      connection: { ...way, host: "10.0.0.12" },
      ...{ vips: ["203.0.113.10"], unreachableOnRefresh: "keep" },
    });
    expect(made["shop-web-2"]).not.toHaveProperty("weight");
    expect(made["shop-lb-1-203.0.113.10-80"]).toMatchObject({
      director: { ...way, host: "10.0.0.2" },
      ...{ vip: "203.0.113.10", port: 80, unreachableOnRefresh: "keep" },
      destinations: [{ address: "10.0.0.11" }, { address: "10.0.0.12", weight: 2 }],
    });
    const parent = "urn:pulumi:production::shop::lvs-dr:index:RealServerPool$";
    expect(made["shop-web-1"]?.["owner"]).toMatch(`acme/${parent}`);
  });

  it("has its resources by their names within it, and is converged where they are", async () => {
    const pool = new RealServerPool("shop", served);
    expect(Object.keys(pool.realServers)).toEqual(["web-1", "web-2"]);
    expect(Object.keys(pool.services)).toEqual(["lb-1-203.0.113.10-80"]);
    expect(await settled(pool.converged)).toBe(true);
    await mocked(false, false);
    expect(await settled(new RealServerPool("shop", served).converged)).toBe(false);
  });

  it("hands a service's manager to each of its directors", async () => {
    const manager = { keepalived: { check: { tcp: {} } } };
    const made = await declared({ ...served, services: [{ port: 80, manager }] });
    expect(made["shop-lb-1-203.0.113.10-80"]).toMatchObject({ manager });
  });

  it("takes the services of a VIP that retires off the directors", async () => {
    const made = await declared({ ...served, vips: [], retiring: ["203.0.113.10"] });
    expect(Object.keys(made)).toEqual(["shop-web-1", "shop-web-2"]);
    expect(made["shop-web-1"]).toMatchObject({ vips: ["203.0.113.10"] });
  });

  it("drains on its directors as on its members, unless a service has a drain of its own", async () => {
    const services = [{ port: 80 }, { port: 443, drain: { timeoutSeconds: 20 } }];
    const drains = async (drain: RealServerPoolArgs["drain"]) => {
      await mocked();
      const made = await declared({ ...served, drain, services });
      return Object.values(made).map((one) => one["drain"]);
    };
    const withdraw = { timeoutSeconds: 60, onTimeout: "withdraw" } as const;
    const own = { timeoutSeconds: 20 };
    expect(await drains(withdraw)).toEqual([
      ...[own, { timeoutSeconds: 60, onTimeout: "remove" }, withdraw, withdraw],
    ]);
    const short = { timeoutSeconds: 3, onTimeout: "fail" } as const;
    const atLeast = { timeoutSeconds: 15, onTimeout: "fail" };
    expect(await drains(pulumi.output(short))).toEqual([own, atLeast, short, short]);
  });

  it.each([undefined, "60", { timeoutSeconds: "60" }])(
    "hands on a drain that comes later and is none, so that its services are refused and not missing: %o",
    async (none) => {
      const made = await declared({ ...served, drain: pulumi.output(none) as never });
      expect(Object.keys(made)).toHaveLength(3);
      for (const one of Object.values(made)) expect(one["drain"]).toEqual(none);
    },
  );

  it("has a member by any name that an object may have", async () => {
    const odd = ["__proto__", "constructor", "a::b", "$1", "é ü", "x".repeat(300)];
    const hosts = odd.map((name, at) => [name, `10.0.1.${at + 1}`]);
    const realServers = Object.fromEntries(hosts) as Record<string, string>;
    const pool = new RealServerPool("shop", { ...least, realServers });
    expect(Object.keys(pool.realServers)).toEqual(odd);
    expect(await settled(pool.converged)).toBe(true);
  });

  it("has destinations that a preview knows although it knows no output of a member", async () => {
    await mocked(true);
    const made = await declared(served);
    expect(made["shop-lb-1-203.0.113.10-80"]?.["destinations"]).toEqual([
      ...[{ address: "10.0.0.11" }, { address: "10.0.0.12", weight: 2 }],
    ]);
  });

  it("hands on an address that comes later and is none, so that its service is refused and not missing", async () => {
    const realServers = { "web-1": { host: pulumi.output("web-1.example") } };
    const made = await declared({ ...served, realServers });
    expect(made["shop-lb-1-203.0.113.10-80"]?.["destinations"]).toEqual([
      { address: "web-1.example" },
    ]);
    const rip = pulumi.output("10.0.0.11");
    await mocked();
    const mended = await declared({ ...served, realServers: { "web-1": { host: "x", rip } } });
    expect(mended["shop-lb-1-203.0.113.10-80"]?.["destinations"]).toEqual([
      { address: "10.0.0.11" },
    ]);
  });

  it("is refused with a line for each bad input, before anything of it is registered", () => {
    const twice = { ...least, vips: ["203.0.113.10", "203.0.113.10"], rollout: { batch: 2 } };
    expect(() => new RealServerPool("shop", twice)).toThrow(
      /^RealServerPool shop: vips\[1\]: .* is there twice.*\nRealServerPool shop: rollout\.batch: 2 is as large/,
    );
    expect(registered).toEqual([]);
  });
});
