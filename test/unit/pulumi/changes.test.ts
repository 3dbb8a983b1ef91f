import { describe, expect, it } from "vitest";
import * as changes from "../../../src/pulumi/changes";
import { REAL_SERVER_KIND } from "../../../src/pulumi/real-server-kind";
import type { Properties } from "../../../src/pulumi/kind";
import { SERVICE_KIND } from "../../../src/pulumi/service-kind";
import type { Work } from "../../../src/inputs/field";
import { parseSettings, type Settings } from "../../../src/inputs/real-server";
import { everyInput } from "../inputs/every-input";

const inputs = {
  connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
  vips: ["203.0.113.10"],
  owner: "organization/urn:pulumi:test::lab::RealServer::web-1",
};
const olds = parseSettings(inputs);
const workFor = (changed: object) =>
  changes.workBetween(REAL_SERVER_KIND, olds, parseSettings({ ...inputs, ...changed }));
const isRespelled = (before: Properties, after: Properties) =>
  changes.isRespelled(REAL_SERVER_KIND, before, after);
const isMoved = (before: Properties, after: Properties) =>
  changes.replacedBy(REAL_SERVER_KIND, before, after).length > 0;

describe("what an update does on the host", () => {
  it.each([
    { vips: ["203.0.113.10", "203.0.113.11"] },
    { arp: { ignore: 2 } },
    { arp: { interfaces: ["eth0"] } },
    { owner: "another name" },
    { staleVips: "withdraw" },
    { staleVips: { withdraw: true, except: ["203.0.113.20"] } },
    { owner: "another name", timeouts: { connectSeconds: 5 } },
    { vips: ["203.0.113.11"], connection: { ...inputs.connection, port: 2222 } },
    {},
  ])("is to converge for %j", (changes) => {
    expect(workFor(changes)).toBe("converge");
  });

  it.each([
    { connection: { ...inputs.connection, port: 2222 } },
    { connection: { host: "10.0.0.11", password: "another way in" } },
    { connection: { ...inputs.connection, proxy: { host: "bastion", password: "x" } } },
    { connection: { ...inputs.connection, port: 2222 }, unreachableOnDestroy: "forget" },
  ])("is only to reach it for %j", (changes) => {
    expect(workFor(changes)).toBe("reach");
  });

  it.each([
    { unreachableOnDestroy: "forget" },
    { unreachableOnRefresh: "keep" },
    { sysctlsOnDestroy: "leave" },
    { drain: { timeoutSeconds: 60 } },
    { ready: { port: 80 } },
    { timeouts: { connectSeconds: 5 } },
  ])("is nothing for %j, so that a dead host can be given up", (changes) => {
    expect(workFor(changes)).toBe("nothing");
  });
});

describe("a change of one input alone", () => {
  const works: Record<keyof Settings, Work> = {
    connection: "reach",
    vips: "converge",
    rips: "converge",
    arp: "converge",
    persist: "converge",
    drain: "nothing",
    ready: "nothing",
    staleVips: "converge",
    sysctlsOnDestroy: "nothing",
    unreachableOnDestroy: "nothing",
    unreachableOnRefresh: "nothing",
    timeouts: "nothing",
    owner: "converge",
  };

  it.each(Object.entries(works))("of %s asks for: %s", (name, work) => {
    const changed = { ...inputs, [name]: everyInput[name] };
    expect(parseSettings(changed)).not.toEqual(olds);
    expect(workFor(changed)).toBe(work);
  });
});

describe("properties that differ", () => {
  const stored = { ...inputs, __provider: "a text" };
  const spelled = {
    arp: { ignore: 1, announce: 2, interfaces: "all" },
    persist: true,
    timeouts: { connectSeconds: 60, operationSeconds: 120 },
  };

  it("say the same where one of them spells defaults out, or loads the provider in another way", () => {
    expect(isRespelled({ ...stored, ...spelled }, stored)).toBe(true);
    expect(isRespelled(stored, { ...stored, ...spelled })).toBe(true);
    expect(isRespelled({ ...stored, __provider: "another text" }, stored)).toBe(true);
  });

  it.each([
    { vips: ["203.0.113.11"] },
    { persist: false },
    { connection: { ...inputs.connection, port: 2222 } },
    { timeouts: { connectSeconds: 59 } },
    // Not known yet, or edited by hand.
    { vips: ["04da6b54-80e4-46f7-96ec-b56ff0331ba9"] },
    { timeouts: { connectSeconds: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" } },
    { owner: null },
  ])("do not say the same with %j", (changes) => {
    expect(isRespelled({ ...stored, ...spelled }, { ...stored, ...changes })).toBe(false);
    expect(isRespelled({ ...stored, ...changes }, { ...stored, ...spelled })).toBe(false);
  });

  it("are none where only the engine can see a difference, that of a secret", () => {
    expect(isRespelled({ ...stored, drift: [] }, stored)).toBe(false);
  });
});

describe("a host that moves", () => {
  it("is one whose name or address differs, and nothing else", () => {
    expect(isMoved(inputs, { connection: { host: "10.0.0.12" } })).toBe(true);
    expect(isMoved(inputs, { connection: { host: "10.0.0.11", port: 2222 } })).toBe(false);
  });

  it("may be one that is not known yet", () => {
    const unknown = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";
    expect(isMoved(inputs, { connection: { host: unknown } })).toBe(true);
    expect(isMoved(inputs, { connection: unknown })).toBe(true);
  });
});

describe("a virtual service", () => {
  const service = { director: { host: "10.0.0.2" }, vip: "203.0.113.10", port: 80, owner: "o" };
  const mark = { director: service.director, fwmark: 7, family: 4, owner: "o" };
  const replacedBy = (before: Properties, after: Properties) =>
    changes.replacedBy(SERVICE_KIND, before, after);

  it.each<[Properties, string[]]>([
    [{ vip: "203.0.113.11" }, ["vip"]],
    [{ port: 443 }, ["port"]],
    [{ protocol: "udp" }, ["protocol"]],
    [{ director: { host: "10.0.0.3" } }, ["director"]],
    [{ vip: "04da6b54-80e4-46f7-96ec-b56ff0331ba9" }, ["vip"]],
    [{ protocol: "tcp" }, []],
    [{ director: { host: "10.0.0.2", port: 2222 } }, []],
    [{ scheduler: "rr", owner: "another" }, []],
  ])("with %j is replaced because of %j", (changed, names) => {
    expect(replacedBy(service, { ...service, ...changed })).toEqual(names);
  });

  it("is another by firewall mark", () => {
    expect(replacedBy(service, mark)).toEqual(["vip", "port", "fwmark", "family"]);
    expect(replacedBy(mark, { ...mark, family: 6 })).toEqual(["family"]);
  });
});
