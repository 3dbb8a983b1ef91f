import * as pulumi from "@pulumi/pulumi";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { PoolMemberArgs, RealServerPoolArgs } from "../../../../src/pulumi/pool/args";
import { directorConnection, memberArgs } from "../../../../src/pulumi/pool/members";
import { oneMachineTwice } from "../../../../src/pulumi/pool/machines";
import { everyInput } from "../../inputs/every-input";

const notShared = ["vips", "rips", "owner", "connection"];
const names = Object.keys(everyInput).filter((name) => !notShared.includes(name));
const pool = (changes: object): RealServerPoolArgs => ({ vips: [], realServers: {}, ...changes });

const some = fc.dictionary(
  fc.constantFrom(...names),
  fc.oneof(fc.integer(), fc.constant(undefined)),
);
const fields = fc.dictionary(
  fc.constantFrom("user", "port", "password", "proxy", "sudo"),
  fc.oneof(fc.string(), fc.constant(undefined)),
);

describe("a member of a pool", () => {
  it("has every input of the pool, its own before them, and the connection field by field", () => {
    fc.assert(
      fc.property(some, some, fields, fields, (ofPool, own, connection, ownConnection) => {
        const member = { host: "10.0.0.11", ...own, connection: ownConnection } as PoolMemberArgs;
        const args = memberArgs(pool({ ...ofPool, connection }), member, ["203.0.113.10"]);
        const expected = names.map((name) => [name, own[name] ?? ofPool[name]] as const);
        const keep = own["unreachableOnRefresh"] ?? ofPool["unreachableOnRefresh"] ?? "keep";
        expect(args).toEqual({
          ...given(Object.fromEntries(expected)),
          unreachableOnRefresh: keep,
          connection: { ...given(connection), ...given(ownConnection), host: "10.0.0.11" },
          vips: ["203.0.113.10"],
        });
      }),
    );
  });

  it("has the RIPs that it is given, also those that come later, without one that turns out to be missing", async () => {
    const rips = async (own: object, vips = ["203.0.113.10", "2001:db8::10"]) => {
      const args = memberArgs(pool({}), { host: "web-1.example", ...own }, vips);
      return new Promise((resolve) => void pulumi.output(args.rips).apply(resolve));
    };
    expect(await rips({})).toBeUndefined();
    expect(await rips({ rip: "10.0.0.11", rip6: undefined })).toEqual(["10.0.0.11"]);
    const later = { rip: pulumi.output("10.0.0.11"), rip6: pulumi.output(undefined) };
    expect(await rips(later)).toEqual(["10.0.0.11"]);
    const both = { rip: "10.0.0.11", rip6: "fd00::11" };
    expect(await rips(both, ["203.0.113.10"])).toEqual(["10.0.0.11"]);
    expect(await rips(both, ["2001:db8::10"])).toEqual(["fd00::11"]);
  });

  it("need not be ready where it says so, though the pool waits for that", () => {
    const waiting = pool({ ready: { port: 80 } });
    const args = memberArgs(waiting, { host: "10.0.0.11", ready: false }, []);
    expect(args).not.toHaveProperty("ready");
  });

  it("has nothing that is not a real server's", () => {
    const member = { host: "10.0.0.11", weight: 2 };
    const args = memberArgs(
      pool({ retiring: [], directors: {}, services: [], rollout: {} }),
      member,
      [],
    );
    expect(Object.keys(args).sort()).toEqual(["connection", "unreachableOnRefresh", "vips"]);
  });

  it("may be reached in a way that comes later", async () => {
    const host = pulumi.output("10.0.0.11");
    const early = memberArgs(pool({ connection: { user: "deploy" } }), host, []).connection;
    expect(early).toEqual({ user: "deploy", host });
    const later = pool({ connection: pulumi.output({ user: "deploy", port: 2222 }) });
    const own = { host, connection: { port: 22 } };
    const read = pulumi.output(memberArgs(later, own, []).connection);
    expect(await new Promise((resolve) => void read.apply(resolve))).toEqual({
      ...{ user: "deploy", port: 22, host: "10.0.0.11" },
    });
  });
});

it("a director of a pool is reached as members are, by fields of its own before these", () => {
  const given = pool({ connection: { user: "deploy", privateKeyFile: "~/.ssh/id" } });
  expect(directorConnection(given, "10.0.0.2")).toEqual({
    ...{ host: "10.0.0.2", user: "deploy", privateKeyFile: "~/.ssh/id" },
  });
  expect(directorConnection(given, { host: "10.0.0.2", user: "root" })).toEqual({
    ...{ host: "10.0.0.2", user: "root", privateKeyFile: "~/.ssh/id" },
  });
});

describe("two members that are one machine", () => {
  const web = (member: string, machineId?: string, hostKey?: string) => ({
    member,
    machineId,
    hostKey,
  });

  it("are named", () => {
    const text = oneMachineTwice([web("a", "m", "k"), web("b", "n", "k"), web("c", "m", "k")]);
    expect(text).toMatch(/^a and c are one machine: .*machine-id m .*same SSH host key/);
  });

  it("are not clones of one image, nor any of which too little is known", () => {
    expect(oneMachineTwice([web("a", "m", "k"), web("b", "m", "l")])).toBeUndefined();
    expect(oneMachineTwice([web("a", "m"), web("b", "m"), web("c", "m", "k")])).toBeUndefined();
    expect(oneMachineTwice([web("a", "-", "k"), web("b", "-", "k")])).toBeUndefined();
    expect(oneMachineTwice([web("a"), web("b")])).toBeUndefined();
  });
});

function given(value: object): object {
  return Object.fromEntries(Object.entries(value).filter(([, one]) => one !== undefined));
}
