import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer, type ConnectionArgs } from "../../src/index";
import type { Engine, Outcome } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { said, Stage, stored } from "./stage";

const SECRET = "s3cret-word";

describe("a program that changes inputs behind the constructor", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("web-1");
    engine = await stage.engine();
  });
  afterAll(() => stage.destroy());

  const declare = (
    connection: Partial<ConnectionArgs> = {},
    opts?: pulumi.CustomResourceOptions,
  ): void => {
    const args = stage.args(host, { connection: stage.connection(host, connection) });
    new RealServer("web-1", args, opts);
  };
  const preview = (program: () => void): Promise<Outcome> =>
    engine.preview(() => Promise.resolve(program()));

  /** As Pulumi's docs have it: whatever the connection is by now. */
  const adding =
    (fields: object): pulumi.ResourceTransform =>
    ({ type, props, opts }) => {
      if (!type.endsWith(":RealServer")) return undefined;
      const connection = pulumi
        .output(props["connection"] as object)
        .apply((given) => ({ ...given, ...fields }));
      return { props: { ...props, connection }, opts };
    };

  const refused: { what: string; name: string; program: () => void }[] = [
    {
      what: "a plain one, added",
      name: "password",
      program: () => declare({}, { transforms: [adding({ password: SECRET })] }),
    },
    {
      what: "a marked one, added stack-wide",
      name: "proxy.password",
      program: () => {
        const proxy = { host: "192.0.2.1", password: pulumi.secret(SECRET) };
        pulumi.runtime.registerResourceTransform(adding({ proxy }));
        declare();
      },
    },
    {
      what: "its own, beside an added port",
      name: "sudoPassword",
      program: () => declare({ sudoPassword: SECRET }, { transforms: [adding({ port: 22 })] }),
    },
  ];

  it.each(refused)("fails the preview by a secret in clear: $what", async ({ name, program }) => {
    const outcome = await preview(program);
    expect(outcome.succeeded, outcome.text).toBe(false);
    const ours = outcome.said.filter(
      ({ severity, urn }) => severity === "error" && urn.endsWith(":RealServer::web-1"),
    );
    expect(ours.map(({ message }) => message.trim())).toEqual([
      `RealServer web-1: connection.${name} is not kept as a secret: Pulumi marks none where a ` +
        "transform (transforms) returns the inputs of a resource. Give it in the arguments, and " +
        "have the transform return nothing for this resource",
    ]);
    expect(outcome.text).not.toMatch(/\n\s+at /);
    expect(outcome.text).not.toContain(SECRET);
  });

  it("may have transforms that leave it alone, or that add what is no secret", async () => {
    const outcome = await preview(() => {
      pulumi.runtime.registerResourceTransform(() => undefined);
      declare({ sudoPassword: SECRET });
      const args = stage.args(host, { owner: "other" });
      new RealServer("other", args, { transforms: [adding({ user: "root" })] });
    });
    expect(said(outcome, "error"), outcome.text).toEqual([]);
    expect(outcome.succeeded).toBe(true);
  });

  it("keeps the secrets that transformations add: its own, its parent's and the stack's", async () => {
    const addingTo =
      (name: string): pulumi.ResourceTransformation =>
      ({ type, props, opts }) => {
        if (!type.endsWith(":RealServer")) return undefined;
        const { connection, ...others } = props as { connection: object };
        const secret = { [name]: `${SECRET}-${name}` };
        return { props: { ...others, connection: { ...connection, ...secret } }, opts };
      };
    const up = await engine.up(() => {
      pulumi.runtime.registerStackTransformation(addingTo("sudoPassword"));
      const pool = { transformations: [addingTo("password")] };
      const parent = new pulumi.ComponentResource("lab:index:Pool", "pool", {}, pool);
      const transformations = [addingTo("privateKeyPassword")];
      declare({}, { parent, transformations });
      return Promise.resolve();
    });
    expect(up.succeeded, up.text).toBe(true);
    const { connection } = (await stored(engine)).inputs ?? {};
    for (const name of ["sudoPassword", "password", "privateKeyPassword"])
      expect(connection).toHaveProperty([name, "plaintext"], `"${SECRET}-${name}"`);
    expect(await engine.stateText()).not.toContain(SECRET);
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
  });
});
