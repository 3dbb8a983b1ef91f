import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import { realServerInputs } from "../../../src/inputs/real-server";
import { defaultOwner, secretsMarked } from "../../../src/pulumi/registration";
import { everyInput as given, placesIn, valueIn, withValue } from "../inputs/every-input";

const places = placesIn(realServerInputs).map((one) => ({ ...one, name: one.place.join(".") }));
const marked = (args: object) => secretsMarked(args, realServerInputs);

async function isSecret(value: unknown): Promise<boolean> {
  return pulumi.Output.isInstance(value) && pulumi.isSecret(value);
}

/** What is in it, secrets too. */
async function plain(value: unknown): Promise<unknown> {
  return new Promise((resolve) => pulumi.all([value]).apply(([read]) => resolve(read)));
}

describe("the secrets of a resource's arguments", () => {
  it("are marked, and no other input that the program knows", async () => {
    const args = marked(given);
    const found = places.filter(({ field }) => field.secret);
    for (const { name, place } of found) {
      expect(await isSecret(valueIn(args, place)), name).toBe(true);
    }
    expect(JSON.stringify(withoutSecrets(args))).toBe(JSON.stringify(withoutSecrets(given)));
    expect(await plain(args)).toEqual(given);
  });

  const whole = places.filter(({ field }) => field.kind === "object");
  it.each(whole)("are marked where $name as a whole is known later", async ({ place }) => {
    const secrets = ["connection", "connection.proxy"].includes(place.join("."));
    const value = valueIn(given, place);
    for (const later of [pulumi.output(value), Promise.resolve(value)]) {
      const args = marked(withValue(given, place, later));
      expect(await isSecret(valueIn(args, place))).toBe(secrets);
      expect(await plain(args)).toEqual(given);
    }
  });

  it("are marked where they do not belong, too", async () => {
    const proxy = { host: "bastion", sudoPassword: "q" };
    const args = marked({ password: "p", connection: { host: "h", proxy } });
    expect(await isSecret(args["password"])).toBe(true);
    expect(await isSecret(valueIn(args, ["connection", "proxy", "sudoPassword"]))).toBe(true);
  });

  it("leave alone what is absent, unknown to us, or no object at all", () => {
    const args = {
      ...{ connection: { host: "h", password: undefined, privateKey: null, proxy: null } },
      ...{ arp: "all", timeouts: [1], toString: { password: "p" }, vips: undefined },
    };
    expect(marked(args)).toEqual(args);
    expect(marked({ connection: "a text" })).toEqual({ connection: "a text" });
    expect(marked({ connection: ["a list"] })).toEqual({ connection: ["a list"] });
  });

  function withoutSecrets(args: object): object {
    return places
      .filter(({ field }) => field.secret)
      .reduce((rest, { place }) => withValue(rest, place, undefined), args);
  }
});

describe("the default owner", () => {
  it("is the organization and the URN, as a promise, which depends on no resource", async () => {
    const mocks = { newResource: () => ({ id: "1", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(mocks, "shop", "production", false, "acme");
    const parent = new pulumi.ComponentResource("lab:index:Pool", "pool");
    const type = "lab:index:Member";
    const owner = defaultOwner(type, "web-1", parent);
    expect(owner).toBeInstanceOf(Promise);
    expect(pulumi.Output.isInstance(owner)).toBe(false);
    const urn = `urn:pulumi:production::shop::lab:index:Pool$${type}::web-1`;
    expect(await owner).toBe(`acme/${urn}`);
    expect(await defaultOwner(type, "web-1", undefined)).toBe(
      `acme/urn:pulumi:production::shop::${type}::web-1`,
    );
  });

  it("has a word for the organization in a program's unit tests that name none", async () => {
    const mocks = { newResource: () => ({ id: "1", state: {} }), call: () => ({}) };
    await pulumi.runtime.setMocks(mocks, "shop", "production", false);
    expect(await defaultOwner("lab:index:Member", "web-1", undefined)).toBe(
      "organization/urn:pulumi:production::shop::lab:index:Member::web-1",
    );
  });
});
