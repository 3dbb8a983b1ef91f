import { describe, expect, it } from "vitest";
import { blockOf } from "../../../src/inputs/manager";
import { shapeOf } from "../../../src/inputs/service-shape";
import { UNKNOWN } from "../../../src/inputs/values";
import { checkServiceInputs, parseServiceSettings } from "../../../src/inputs/virtual-service";
import { everyInput } from "./every-input";

const { connection, drain, unreachableOnDestroy, unreachableOnRefresh, timeouts } = everyInput;
const every = {
  ...{ director: connection, vip: "203.0.113.10", port: 80, protocol: "udp", scheduler: "sh" },
  schedulerFlags: ["flag-1", "sh-port"],
  persistence: { timeoutSeconds: 300, netmask: "255.255.255.0" },
  destinations: [
    { address: "10.0.0.9", weight: 0, upperThreshold: 9, lowerThreshold: 5 },
    { address: "10.0.0.10", weight: 7, upperThreshold: 0, lowerThreshold: 0 },
  ],
  drain,
  ...{ foreignDestinations: "remove", persist: false, allowEmpty: true },
  ...{ unreachableOnDestroy, unreachableOnRefresh, timeouts, owner: "o" },
};
const few = {
  director: { host: "10.0.0.2", password: "p" },
  ...{ vip: "203.0.113.10", port: 80, destinations: [{ address: "10.0.0.11" }], owner: "o" },
};

describe("the inputs of a virtual service", () => {
  it("pass as they were given, where all are, and can be read", () => {
    expect(checkServiceInputs(every)).toEqual({ failures: [], inputs: every });
    const settings = parseServiceSettings(every);
    expect(settings.vip).toEqual({ family: 4, address: "203.0.113.10" });
    expect(settings.destinations[0]).toEqual({
      ...{ address: { family: 4, address: "10.0.0.9" }, weight: 0 },
      ...{ upperThreshold: 9, lowerThreshold: 5 },
    });
  });

  it("are canonical, and have their defaults", () => {
    const destinations = [{ address: "2001:DB8::0B", weight: 3 }, { address: "2001:db8::9" }];
    const { inputs, failures } = checkServiceInputs({
      ...few,
      vip: "2001:DB8::0:10",
      destinations,
    });
    expect(failures).toEqual([]);
    expect(inputs).toMatchObject({
      vip: "2001:db8::10",
      destinations: [{ address: "2001:db8::9" }, { address: "2001:db8::b", weight: 3 }],
    });
    expect(inputs).not.toHaveProperty("scheduler");
    expect(parseServiceSettings(inputs)).toMatchObject({
      ...{ protocol: "tcp", scheduler: "wlc", schedulerFlags: [], allowEmpty: false },
      ...{ foreignDestinations: "report", persist: true },
      destinations: [{ weight: 1, upperThreshold: 0 }, { weight: 3 }],
      timeouts: { connectSeconds: 60, operationSeconds: 120 },
    });
  });

  it("name keepalived, its file and its checks, which have defaults", () => {
    const manager = { keepalived: { check: { tcp: { port: 8080 } } } };
    const { inputs, failures } = checkServiceInputs({ ...few, manager });
    expect({ inputs, failures }).toEqual({ inputs: { ...few, manager }, failures: [] });
    const settings = parseServiceSettings(inputs);
    expect(blockOf(settings.manager, shapeOf(settings).target)).toEqual({
      file: "/etc/keepalived/conf.d/lvs-dr-203.0.113.10-80.conf",
      check: { kind: "tcp", port: 8080, intervalSeconds: 5, timeoutSeconds: 3, retries: 1 },
      inhibitOnFailure: false,
    });
    const asking = { ...few, manager: { keepalived: { failing: "ask" } } };
    expect(blockOf(parseServiceSettings(asking).manager, shapeOf(settings).target)?.asks).toBe(
      true,
    );
    const plain = parseServiceSettings({ ...few, manager: { keepalived: {} } });
    expect(blockOf(plain.manager, shapeOf(plain).target)?.check).toEqual({ kind: "none" });
    expect(blockOf(parseServiceSettings(few).manager, shapeOf(plain).target)).toBeUndefined();
  });

  it.each([
    {
      given: { manager: { keepalived: { file: "conf.d/a.conf" } } },
      failures: [
        'manager.keepalived.file: "conf.d/a.conf" is no absolute path of letters, digits and _ . : + @ -',
      ],
    },
    {
      given: { manager: { keepalived: { file: "/etc/keepalived/a" } } },
      failures: ['manager.keepalived.file: "/etc/keepalived/a" does not end in .conf'],
    },
    {
      given: { manager: { keepalived: { failing: "guess" } } },
      failures: ['manager.keepalived.failing: "guess" is neither "assume" nor "ask"'],
    },
    {
      given: { manager: { keepalived: { check: { tcp: {}, http: {} } } } },
      failures: [
        /^manager\.keepalived\.check: .* is not one of \{ tcp: … \}, \{ http: … \} and "none"/,
      ],
    },
    {
      given: { manager: { keepalived: { check: { http: { path: "/a b" } } } } },
      failures: [/^manager\.keepalived\.check\.http\.path: "\/a b" is no path of/],
    },
    {
      given: { manager: { keepalived: { check: { tcp: {} } } }, protocol: "udp" },
      failures: ["manager.keepalived.check.tcp.port: required: UDP takes no connections"],
    },
    {
      given: { manager: { keepalived: {} }, persist: false },
      failures: [
        "persist: false does not go with manager: keepalived reads the service's file at boot",
      ],
    },
  ])("are refused where keepalived cannot have it so: $given", ({ given, failures }) => {
    const found = checkServiceInputs({ ...few, ...given }).failures.map(({ reason }) => reason);
    expect(found).toEqual(
      failures.map((one) =>
        typeof one === "string" ? one : (expect.stringMatching(one) as string),
      ),
    );
  });

  it("pass where only the update will know them", () => {
    const unknown = {
      ...few,
      vip: UNKNOWN,
      persistence: { timeoutSeconds: UNKNOWN, netmask: UNKNOWN },
      destinations: [UNKNOWN, { address: UNKNOWN, weight: 2 }, { address: "fd00::1" }],
    };
    const { inputs, failures } = checkServiceInputs(unknown);
    expect(failures).toEqual([]);
    expect((inputs["destinations"] as unknown[])[0]).toEqual({ address: "fd00::1" });
    expect(checkServiceInputs({ ...few, destinations: UNKNOWN }).failures).toEqual([]);
    expect(
      checkServiceInputs({ ...few, persistence: { timeoutSeconds: 5, netmask: UNKNOWN } }).failures,
    ).toEqual([]);
  });

  const byMark = { ...few, vip: undefined, port: undefined, fwmark: 7, family: 4 };
  it("may be a firewall mark and a family instead of a VIP and a port", () => {
    expect(checkServiceInputs(byMark).failures).toEqual([]);
  });

  it.each<[string, object, string[]]>([
    [
      "no way to name the service",
      { ...few, vip: undefined, port: undefined },
      [
        "vip: required: a service answers to vip and port, or to fwmark and family",
        "port: required: a service answers to vip and port, or to fwmark and family",
      ],
    ],
    [
      "both ways",
      { ...byMark, vip: "203.0.113.10", protocol: "tcp" },
      [
        'vip: "203.0.113.10" does not go with it: a service answers to vip and port, or to fwmark and family',
        'protocol: "tcp" does not go with it: a service answers to vip and port, or to fwmark and family',
      ],
    ],
    [
      "a mark without a family",
      { ...byMark, family: undefined },
      ["family: required: a service answers to vip and port, or to fwmark and family"],
    ],
    [
      "a mark that ipvsadm would print as negative",
      { ...byMark, fwmark: 2147483648 },
      ["fwmark: 2147483648 is not a whole number from 1 to 2147483647"],
    ],
    [
      "a VIP that is none",
      { ...few, vip: "127.0.0.1" },
      [
        'vip: "127.0.0.1" is a loopback address; a VIP is an address that clients reach the director at',
      ],
    ],
    [
      "a destination that is a name",
      { ...few, destinations: [{ address: "web-1" }] },
      ['destinations[0].address: "web-1" is not an IPv4 or IPv6 address'],
    ],
    [
      "a destination that is a network",
      { ...few, destinations: [{ address: "10.0.0.0/24" }] },
      ['destinations[0].address: "10.0.0.0/24" has a prefix; a destination is one address'],
    ],
    [
      "a destination of the other family",
      { ...few, destinations: [{ address: "10.0.0.1" }, { address: "fd00::1" }] },
      [
        'destinations[1].address: "fd00::1" is not an IPv4 address, as the service is: direct routing does not mix them',
      ],
    ],
    [
      "a destination twice",
      { ...few, destinations: [{ address: "10.0.0.1" }, { address: "10.0.0.1", weight: 2 }] },
      ['destinations[1].address: "10.0.0.1" is the same as [0]; name each once'],
    ],
    [
      "a destination that is text",
      { ...few, destinations: ["10.0.0.1"] },
      [
        'destinations[0]: "10.0.0.1" is not an object with address, weight, upperThreshold, lowerThreshold',
      ],
    ],
    [
      "a misspelled weight",
      { ...few, destinations: [{ address: "10.0.0.1", weights: 2 }] },
      ["destinations[0].weights: unknown input; did you mean weight?"],
    ],
    [
      "thresholds that the kernel refuses",
      { ...few, destinations: [{ address: "10.0.0.1", lowerThreshold: 5 }] },
      ["destinations[0].lowerThreshold: 5 is above upperThreshold, 0"],
    ],
    [
      "no destinations",
      { ...few, destinations: undefined },
      ["destinations: required: a list of destinations"],
    ],
    [
      "a flag of no scheduler",
      { ...few, schedulerFlags: ["fallback"] },
      [
        'schedulerFlags[0]: "fallback" is no flag of a scheduler; known are sh-fallback, sh-port, mh-fallback, mh-port, flag-1, flag-2, flag-3',
      ],
    ],
    [
      "options in a scheduler",
      { ...few, scheduler: "rr -o" },
      ['scheduler: "rr -o" is no name of a scheduler'],
    ],
    [
      "a netmask for IPv6",
      {
        ...few,
        vip: "2001:db8::10",
        destinations: [],
        persistence: { timeoutSeconds: 5, netmask: "255.255.0.0" },
      },
      ['persistence.netmask: "255.255.0.0" is not a prefix length, such as 64'],
    ],
    [
      "a prefix length for IPv4",
      { ...few, persistence: { timeoutSeconds: 5, netmask: "24" } },
      ['persistence.netmask: "24" is not a netmask, such as 255.255.255.0'],
    ],
    [
      "a drain that could never end",
      { ...few, drain: { timeoutSeconds: 5 } },
      ["drain.timeoutSeconds: 5 is not a whole number from 15 to 86400"],
    ],
    ["vips", { ...few, vips: ["203.0.113.10"] }, ["vips: unknown input; did you mean vip?"]],
  ])("are refused, each with its name: %s", (_, inputs, reasons) => {
    expect(checkServiceInputs(inputs).failures.map(({ reason }) => reason)).toEqual(reasons);
  });
});
