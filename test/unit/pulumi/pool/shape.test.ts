import * as pulumi from "@pulumi/pulumi";
import { describe, expect, it } from "vitest";
import type { RealServerPoolArgs } from "../../../../src/pulumi/pool/args";
import { readPool } from "../../../../src/pulumi/pool/shape";

const fine: RealServerPoolArgs = {
  vips: ["203.0.113.10", "2001:db8::10"],
  realServers: {
    "web-1": { host: "10.0.0.11", rip6: "fd00::11" },
    "web-2": { host: "web-2.example", rip: "10.0.0.12", rip6: "fd00::12" },
    "web-3": { host: pulumi.output("10.0.0.13"), rip6: pulumi.output("fd00::13") },
  },
  directors: { "lb-1": "10.0.0.2", "lb-2": { host: "10.0.0.3", user: "root" } },
  services: [{ port: 80 }, { port: 53, protocol: "udp" }],
};

/** The sentences about a pool of which this differs. */
function wrong(changes: object): string[] {
  const read = readPool({ ...fine, ...changes });
  return "failures" in read ? read.failures.map(({ reason }) => reason) : [];
}

const withoutDirectors = { directors: {}, services: [] };

const member = (changes: object) => ({
  realServers: {
    ...fine.realServers,
    "web-1": { host: "10.0.0.11", rip6: "fd00::11", ...changes },
  },
});

/** A service that keepalived has by a file of this name. */
const kept = (port: number, file: pulumi.Input<string> = "/etc/a.conf") => [
  { port, manager: { keepalived: { file } } },
];

const bare = (members: object): object => Object.assign(Object.create(null) as object, members);

describe("a pool", () => {
  it("has its VIPs sorted, its members in batches, and a service for each director, VIP and port", () => {
    const read = readPool({ ...fine, vips: ["2001:DB8::10/128"], retiring: ["203.0.113.10/32"] });
    if ("failures" in read) throw new Error(JSON.stringify(read.failures));
    expect(read.shape.bound).toEqual(["203.0.113.10", "2001:db8::10"]);
    expect(read.shape.batches).toEqual([["web-1"], ["web-2"], ["web-3"]]);
    expect([...read.shape.services.keys()]).toEqual([
      ...["lb-1-2001.db8..10-80", "lb-1-2001.db8..10-53-udp"],
      ...["lb-2-2001.db8..10-80", "lb-2-2001.db8..10-53-udp"],
    ]);
  });

  it.each<[string, object]>([
    ["as above", {}],
    [
      "without directors and services, where no address is asked for",
      { directors: {}, services: [] },
    ],
    ["with what is absent", { retiring: undefined, rollout: undefined, drain: undefined }],
    ["with all of its VIPs retiring", { vips: [], retiring: fine.vips }],
    ["with a connection that comes later", { connection: pulumi.output({ user: "deploy" }) }],
    [
      "with one host behind two ports",
      {
        realServers: {
          a: { host: "gate", rip: "10.0.0.1", rip6: "fd00::1", connection: { port: 2201 } },
          b: { host: "gate", rip: "10.0.0.4", rip6: "fd00::4", connection: { port: 2202 } },
        },
      },
    ],
    [
      "with one address behind two ports of one bastion",
      {
        realServers: {
          a: { host: "10.0.0.1", connection: { proxy: { host: "gate", port: 2201 } } },
          b: { host: "10.0.0.1", connection: { proxy: { host: "gate", port: 2202 } } },
        },
        ...withoutDirectors,
      },
    ],
    [
      "with one name that the user's own ssh is to find in two ways, or that it learns later",
      {
        realServers: {
          a: { host: "web", connection: { ssh: { options: ["HostName=10.0.0.1"] } } },
          b: { host: "web", connection: { ssh: { options: ["HostName=10.0.0.2"] } } },
          c: { host: "web", connection: { ssh: { options: [pulumi.output("Port=2203")] } } },
          d: { host: "web", connection: { ssh: { options: [pulumi.output("Port=2204")] } } },
        },
        ...withoutDirectors,
      },
    ],
    ["without a member", { realServers: {} }],
    ["with members of an object without a prototype", { realServers: bare(fine.realServers) }],
    [
      "with a director behind another port of a member's address",
      {
        realServers: { a: { host: "gate", rip: "10.0.0.1", rip6: "fd00::1" } },
        directors: { lb: { host: "gate", port: 2202 } },
      },
    ],
    ["with keepalived", { services: [{ port: 80, manager: { keepalived: {} } }] }],
    ["with one VIP, and a file for its service", { vips: ["203.0.113.10"], services: kept(80) }],
    ["with a file that comes later", { services: kept(80, pulumi.output("/etc/a.conf")) }],
  ])("is fine %s", (_, changes) => {
    expect(wrong(changes)).toEqual([]);
  });

  it.each<[object, string]>([
    [{ vips: [] }, "vips: an empty list binds nothing; give at least one VIP"],
    [
      { vips: ["203.0.113.10", "203.0.113.10/32"] },
      'vips[1]: "203.0.113.10/32" is there twice; name each VIP once',
    ],
    [
      { vips: ["224.0.0.1"] },
      'vips[0]: "224.0.0.1" is a multicast address; a VIP is a unicast address',
    ],
    [
      { vips: "203.0.113.10" },
      'vips: "203.0.113.10" is not a list of addresses that a preview knows',
    ],
    [
      { vips: [pulumi.output("203.0.113.10")] },
      "vips[0]: what comes later is not an address that a preview knows",
    ],
    [
      { retiring: ["2001:db8:0::10"] },
      'retiring[0]: "2001:db8:0::10" is in vips, too; a VIP that retires is taken from there',
    ],
    [
      member({ host: "203.0.113.10", rip: "10.0.0.11" }),
      'realServers["web-1"].host: "203.0.113.10" is a VIP of the pool; a member has an address of its own',
    ],
    [
      member({ rip6: "2001:DB8::10" }),
      'realServers["web-1"].rip6: "2001:DB8::10" is a VIP of the pool; a member has an address of its own',
    ],
    [
      { directors: { lb: "203.0.113.10" } },
      'directors.lb.host: "203.0.113.10" is a VIP of the pool; a director has an address of its own',
    ],
    [
      { realServers: new Map([["web-1", "10.0.0.11"]]) },
      "realServers: an object is not an object of hosts by their names",
    ],
    [
      { directors: { "lb-1": "10.0.0.2", "lb-2": { host: "10.0.0.2", port: 22 } } },
      'directors["lb-2"].host: "10.0.0.2" is the host of director lb-1, too; a director is a host of its own',
    ],
    [
      { directors: { lb: "10.0.0.11" } },
      'directors.lb.host: "10.0.0.11" is the host of web-1, too; a director is a host of its own',
    ],
    [
      { directors: { lb: "10.0.0.12" } },
      'directors.lb.host: "10.0.0.12" is the RIP of web-2; a director is a host of its own',
    ],
    [
      {
        connection: { port: 22 },
        realServers: {
          a: { host: "h", rip: "10.0.0.1", rip6: "fd00::1", connection: { port: undefined } },
          b: { host: "h", rip: "10.0.0.4", rip6: "fd00::4" },
        },
      },
      'realServers.b.host: "h" is the host of a, too; each member is a host of its own',
    ],
    [
      { rollout: { batch: pulumi.output(1) } },
      "rollout.batch: what comes later is neither a whole number ",
    ],
    [
      member({ host: "WEB-2.example", rip: "10.0.0.11" }),
      'realServers["web-2"].host: "web-2.example" is the host of web-1, too; each member is a host of its own',
    ],
    [
      member({ rip6: undefined }),
      'realServers["web-1"].rip6: required for an IPv6 VIP, because the host "10.0.0.11" is not an IPv6 address',
    ],
    [
      member({ host: "web-1.example" }),
      'realServers["web-1"].rip: required for an IPv4 VIP, because the host "web-1.example" is not an IPv4 or IPv6 address',
    ],
    [member({ rip: "fd00::11" }), 'realServers["web-1"].rip: "fd00::11" is not an IPv4 address'],
    [
      member({ host: undefined }),
      'realServers["web-1"].host: required: the host\'s name or address',
    ],
    [member({ wight: 2 }), 'realServers["web-1"].wight: unknown input; did you mean weight?'],
    [member({ vips: ["203.0.113.10"] }), 'realServers["web-1"].vips: unknown input; '],
    [
      member({ connection: { host: "x" } }),
      'realServers["web-1"].connection.host: unknown input; ',
    ],
    [
      member({ connection: "s3cret" }),
      'realServers["web-1"].connection: the text given is not an object',
    ],
    [
      { realServers: ["10.0.0.11"] },
      "realServers: a list is not an object of hosts by their names",
    ],
    [
      { realServers: undefined },
      "realServers: required: the members by their names, each a host or an object with host",
    ],
    [{ realServers: null }, "realServers: required: the members by their names"],
    [
      {
        realServers: { a: "10.0.0.1", b: { host: "10.0.0.1", connection: { port: null } } },
        ...withoutDirectors,
      },
      'realServers.b.host: "10.0.0.1" is the host of a, too',
    ],
    [
      {
        realServers: {
          a: { host: "web", connection: { ssh: true, proxy: { host: "gate" } } },
          b: { host: "web", connection: { ssh: {}, proxy: { host: "gate", port: 22 } } },
        },
        ...withoutDirectors,
      },
      'realServers.b.host: "web" is the host of a, too',
    ],
    [{ realServers: { "": "10.0.0.11" } }, "realServers: a name is empty"],
    [{ realServers: { web: 7 } }, "realServers.web: 7 is neither a host nor an object with host"],
    [
      { directors: { lb: { host: "10.0.0.2", usr: "root" } } },
      "directors.lb.usr: unknown input; did you mean user?",
    ],
    [{ directors: {} }, "services: there is no director to have them; name it in directors"],
    [{ services: [] }, "directors: there is no service for them; name it in services"],
    [
      { services: [{ port: 80 }, { port: 443 }, { port: 80, protocol: "tcp" }] },
      "services[2]: 80/tcp is that of services[0], too; name each service once",
    ],
    [
      { services: [{ port: "80" }] },
      'services[0].port: "80" is not a whole number from 1 to 65535 that a preview knows',
    ],
    [
      { services: [{ port: 0 }] },
      "services[0].port: 0 is not a whole number from 1 to 65535 that a preview knows",
    ],
    [
      { services: [{ port: 80, protocol: "sctp" }] },
      'services[0].protocol: "sctp" is neither "tcp" nor "udp"',
    ],
    [{ services: [{ port: 80, fwmark: 7 }] }, "services[0].fwmark: unknown input; "],
    [{ services: [80] }, "services[0]: 80 is not an object with port"],
    [
      { services: kept(80) },
      'services[0].manager.keepalived.file: "/etc/a.conf" has one service, and there is one for each of 2 VIPs; leave it out',
    ],
    [
      { vips: ["203.0.113.10"], services: [...kept(80), ...kept(81)] },
      'services[1].manager.keepalived.file: "/etc/a.conf" is that of services[0], too; each service has a file of its own',
    ],
    [{ rollout: { batch: 3 } }, "rollout.batch: 3 is as large as the pool of 3"],
    [
      { rollout: { batch: [1, "a"] } },
      'rollout.batch[1]: "a" is neither a whole number of at least 1 nor a share',
    ],
    [{ rollout: { batch: [] } }, "rollout.batch: an empty list has no batch"],
    [{ rollout: { batc: 1 } }, "rollout.batc: unknown input; did you mean batch?"],
    [{ owner: "me" }, "owner: unknown input; "],
    [{ connection: { host: "10.0.0.11" } }, "connection.host: unknown input; "],
  ])("is refused with a sentence: %o", (changes, sentence) => {
    const said = wrong(changes);
    expect(said.join("\n")).toContain(sentence);
    expect(said).toHaveLength(1);
  });
});
