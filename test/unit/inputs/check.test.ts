import { generateKeyPairSync } from "node:crypto";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { checkInputs, parseSettings, realServerInputs } from "../../../src/inputs/real-server";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

const connection = { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" };
const inputs = { connection, vips: ["203.0.113.10"], owner: "acme urn:pulumi:web-1" };

beforeEach(() => vi.stubEnv("SSH_AUTH_SOCK", undefined));
afterEach(() => vi.unstubAllEnvs());

describe("good inputs", () => {
  it("come out as they were given, without defaults, which every state would have to carry", () => {
    expect(checkInputs(inputs)).toEqual({ failures: [], inputs });
  });

  it("may name everything there is", () => {
    const hop = {
      ...{ host: "bastion.example", port: 2222, user: "jump", password: "p", hostKey: hostKey() },
      ...{ privateKey: privateKey("s"), privateKeyPassword: "s", privateKeyFile: "/k" },
      ...{ agentSocketPath: "/a", knownHostsFile: "/h", dialErrorLimit: -1, perDialTimeout: 0 },
    };
    const all = {
      ...{ connection: { ...hop, sudo: true, sudoPassword: "q", proxy: hop }, vips: ["10.0.0.1"] },
      arp: { ignore: 2, announce: 2, interfaces: ["eth0"], except: ["veth*"] },
      persist: false,
      drain: { timeoutSeconds: 86_400, onTimeout: "fail" },
      staleVips: "withdraw",
      ...{ sysctlsOnDestroy: "leave", unreachableOnDestroy: "forget" },
      ...{ unreachableOnRefresh: "keep", owner: "o" },
      timeouts: { connectSeconds: 1, operationSeconds: 86_400 },
    };
    expect(checkInputs(all)).toEqual({ failures: [], inputs: all });
  });

  it("have VIPs in one spelling and order, without prefixes", () => {
    const vips = ["2001:DB8::0010/128", "203.0.113.10", "203.0.113.9/32"];
    expect(canonical({ vips })["vips"]).toEqual(["203.0.113.9", "203.0.113.10", "2001:db8::10"]);
  });

  it("have lists of interfaces in one order, and no empty list of exceptions", () => {
    const arp = { interfaces: ["eth1", "eth0"], except: [] };
    const expected = { interfaces: ["eth0", "eth1"] };
    expect(canonical({ arp })["arp"]).toEqual(expected);
  });

  it("drain by withdrawing in the end, where nothing else is said", () => {
    const inputs = canonical({ drain: { timeoutSeconds: 30 } });
    expect(inputs["drain"]).toEqual({ timeoutSeconds: 30 });
    expect(parseSettings(inputs).drain).toEqual({ timeoutSeconds: 30, onTimeout: "withdraw" });
  });

  it("wait half a minute for a service, and ask for 200 without TLS, where nothing else is said", () => {
    const ready = { port: 80, http: { path: "/" } };
    expect(canonical({ ready })["ready"]).toEqual(ready);
    expect(parseSettings(canonical({ ready })).ready).toEqual({
      ...{ port: 80, timeoutSeconds: 30, http: { path: "/", status: 200, https: false } },
    });
  });

  it.each(["shop.example", "shop_1.example:8443", "10.0.0.1", "[2001:db8::10]:8080"])(
    "may ask for the site %s",
    (host) => expect(failures({ ready: { port: 80, http: { path: "/", host } } })).toEqual([]),
  );

  it("may be null wherever they may be left out", () => {
    const nulls = {
      ...{ arp: { except: null }, timeouts: null, sysctlsOnDestroy: null },
      ...{ drain: null, staleVips: null },
      connection: { ...connection, port: null, password: null, proxy: null },
    };
    expect(checkInputs({ ...inputs, ...nulls })).toEqual(checkInputs(inputs));
  });

  it("keep the engine's __provider as it is", () => {
    expect(canonical({ __provider: "exports.handler" })["__provider"]).toBe("exports.handler");
  });

  it("need no way to authenticate when an agent runs", () => {
    vi.stubEnv("SSH_AUTH_SOCK", "/run/agent");
    expect(failures({ connection: { host: "web-1" } })).toEqual([]);
  });

  it.each([
    "web-1",
    "web_1.example",
    "10.0.0.11",
    "2001:db8::1",
    "fe80::1%eth0",
    "münchen.example",
  ])("may have the host %s", (host) => {
    expect(failures({ connection: { ...connection, host } })).toEqual([]);
  });
});

describe("values that only the update will know", () => {
  it("pass for the whole of each input", () => {
    const names = Object.keys(realServerInputs);
    const unknown = Object.fromEntries(names.map((name) => [name, UNKNOWN]));
    expect(checkInputs(unknown)).toEqual({ failures: [], inputs: unknown });
  });

  it("pass inside objects, whatever type they will have", () => {
    const proxy = { host: UNKNOWN, port: UNKNOWN, privateKey: UNKNOWN };
    const parts = {
      connection: { host: UNKNOWN, port: UNKNOWN, password: UNKNOWN, sudo: UNKNOWN, proxy },
      arp: { ignore: UNKNOWN, announce: UNKNOWN, interfaces: UNKNOWN, except: ["veth*"] },
      timeouts: { connectSeconds: UNKNOWN, operationSeconds: UNKNOWN },
      drain: { timeoutSeconds: UNKNOWN, onTimeout: UNKNOWN },
    };
    expect(canonical(parts)).toMatchObject(parts);
  });

  it("stay in lists, at the end, and are no duplicates", () => {
    const vips = [UNKNOWN, "10.0.0.2", UNKNOWN, "10.0.0.1"];
    const arp = { interfaces: [UNKNOWN, "eth0"] };
    const result = canonical({ vips, arp });
    expect(result["vips"]).toEqual(["10.0.0.1", "10.0.0.2", UNKNOWN, UNKNOWN]);
    expect(result["arp"]).toMatchObject({ interfaces: ["eth0", UNKNOWN] });
  });

  it("count as a way to authenticate, and as a passphrase that may fit", () => {
    expect(failures({ connection: { host: "web-1", privateKeyFile: UNKNOWN } })).toEqual([]);
    const encrypted = { privateKey: privateKey("s"), privateKeyPassword: UNKNOWN };
    expect(failures({ connection: { host: "web-1", ...encrypted } })).toEqual([]);
  });
});

describe("a bad input has one message that names path, value and what is allowed:", () => {
  const NO_WAY =
    "no way to authenticate; give privateKey, privateKeyFile, agentSocketPath, password";
  it.each<[unknown, string]>([
    [{ vips: ["web-1"] }, 'vips[0]: "web-1" is not an IPv4 or IPv6 address'],
    [{ vips: [7] }, "vips[0]: 7 is not text"],
    [{ vips: ["10.0.0.1/24"] }, 'vips[0]: "10.0.0.1/24" has a prefix wider than /32'],
    [{ vips: ["2001:db8::1/64"] }, 'vips[0]: "2001:db8::1/64" has a prefix wider than /128'],
    [{ vips: [] }, "vips: an empty list binds nothing; give at least one VIP"],
    [{ vips: null }, "vips: required: a list of IPv4 and IPv6 addresses"],
    [{ vips: "10.0.0.1" }, 'vips: "10.0.0.1" is not a list of IPv4 and IPv6 addresses'],
    [
      { vips: ["2001:DB8::1", "2001:db8:0::1"] },
      'vips[1]: "2001:db8:0::1" is the same as [0], "2001:DB8::1"; name each once',
    ],
    [{ vips: ["127.0.0.2"] }, 'vips[0]: "127.0.0.2" is a loopback address'],
    [{ vips: ["ff02::1"] }, 'vips[0]: "ff02::1" is a multicast address'],
    [{ vips: ["::"] }, 'vips[0]: "::" is an unspecified address'],
    [{ vips: ["fe80::1"] }, 'vips[0]: "fe80::1" is a link-local address'],
    [{ vips: ["::ffff:10.0.0.1"] }, 'vips[0]: "::ffff:10.0.0.1" is an IPv4-mapped IPv6 address'],
    [{ arp: { ignore: 0 } }, "arp.ignore: 0 is neither 1 nor 2: the host would answer ARP"],
    [{ arp: { ignore: 3 } }, "arp.ignore: 3 is neither 1 nor 2: it is quiet about addresses of"],
    [{ arp: { ignore: 8 } }, "arp.ignore: 8 is neither 1 nor 2: it silences the host altogether"],
    [{ arp: { ignore: "1" } }, 'arp.ignore: "1" is neither 1 nor 2'],
    [{ arp: { announce: 1 } }, "arp.announce: 1 is not 2"],
    [{ arp: { interfaces: "eth0" } }, 'arp.interfaces: "eth0" is not "all" or a list'],
    [{ arp: { interfaces: [] } }, "arp.interfaces: an empty list silences no NIC"],
    [{ arp: { interfaces: ["lo"] } }, 'arp.interfaces[0]: "lo" holds the VIPs'],
    [{ arp: { interfaces: ["a", "a"] } }, 'arp.interfaces[1]: "a" is the same as [0]'],
    [{ arp: { except: ["veth*"] } }, "arp.except: goes with a list of interfaces only"],
    [{ arp: { interfaces: ["a"], except: ["["] } }, 'arp.except[0]: "[" is not a glob'],
    [{ arp: "all" }, 'arp: "all" is not an object with ignore, announce, interfaces, except'],
    [{ drain: 60 }, "drain: 60 is not an object with timeoutSeconds, onTimeout"],
    [{ drain: {} }, "drain.timeoutSeconds: required: a whole number from 1 to 86400"],
    [{ drain: { timeoutSeconds: 0 } }, "drain.timeoutSeconds: 0 is not a whole number from 1 to"],
    [{ drain: { timeoutSeconds: 86_401 } }, "drain.timeoutSeconds: 86401 is not a whole number"],
    [
      { drain: { timeoutSeconds: 1, onTimeout: "cut" } },
      'drain.onTimeout: "cut" is neither "withdraw" nor "fail"',
    ],
    [{ drain: { timeoutSeconds: 1, timeout: 2 } }, "drain.timeout: unknown input"],
    [{ ready: 80 }, "ready: 80 is not an object with port, http, timeoutSeconds"],
    [{ ready: {} }, "ready.port: required: a whole number from 1 to 65535"],
    [{ ready: { port: 0 } }, "ready.port: 0 is not a whole number from 1 to 65535"],
    [
      { ready: { port: 80, timeoutSeconds: 301 } },
      "ready.timeoutSeconds: 301 is not a whole number",
    ],
    [{ ready: { port: 80, http: {} } }, "ready.http.path: required: the path of a request"],
    [
      { ready: { port: 80, http: "/" } },
      'ready.http: "/" is not an object with path, status, host',
    ],
    [
      { ready: { port: 80, http: { path: "healthz" } } },
      'ready.http.path: "healthz" does not begin with "/"',
    ],
    ...["/a b", "/a#b", "/ä"].map((path): [unknown, string] => [
      { ready: { port: 80, http: { path } } },
      `ready.http.path: ${JSON.stringify(path)} has a character that no request has`,
    ]),
    [
      { ready: { port: 80, http: { path: "/", status: 101 } } },
      "ready.http.status: 101 is not a whole number from 200 to 599",
    ],
    ...["https://shop.example", "a b", "x:y"].map((host): [unknown, string] => [
      { ready: { port: 80, http: { path: "/", host } } },
      `ready.http.host: ${JSON.stringify(host)} is no name as in a Host header`,
    ]),
    [
      { staleVips: true },
      'staleVips: true is not "report" or "withdraw" or an object with withdraw, ',
    ],
    [{ staleVips: "all" }, 'staleVips: "all" is not "report" or "withdraw" or an object with '],
    [{ staleVips: { except: [] } }, "staleVips.withdraw: required: true or false"],
    [{ staleVips: { withdraw: "yes" } }, 'staleVips.withdraw: "yes" is neither true nor false'],
    [{ staleVips: { withdraw: true, except: ["::1"] } }, 'staleVips.except[0]: "::1" is'],
    [{ staleVips: { withdraw: true, vips: [] } }, "staleVips.vips: unknown input; known are"],
    [{ sysctlsOnDestroy: "keep" }, 'sysctlsOnDestroy: "keep" is neither "restore" nor "leave"'],
    [{ unreachableOnDestroy: true }, 'unreachableOnDestroy: true is neither "fail" nor "forget"'],
    [{ unreachableOnRefresh: "x" }, 'unreachableOnRefresh: "x" is neither "fail" nor "keep"'],
    [
      { timeouts: { connectSeconds: 0 } },
      "timeouts.connectSeconds: 0 is not a whole number from 1",
    ],
    [{ timeouts: { operationSeconds: 1.5 } }, "timeouts.operationSeconds: 1.5 is not a whole"],
    [{ owner: "" }, 'owner: "" is empty'],
    [{ owner: "a\nb" }, 'owner: "a\\nb" holds a line break or another control character'],
    [{ connection: null }, "connection: required: an object that says how to reach the host"],
    [{ connection: { privateKeyFile: "k" } }, "connection.host: required: a host name or an IP"],
    [{ connection: { host: "web-1" } }, `connection: ${NO_WAY}`],
    [{ connection: { ...connection, proxy: { host: "b" } } }, `connection.proxy: ${NO_WAY}`],
    [{ persist: "yes" }, `persist: "yes" is neither true nor false`],
    [{ presist: true }, "presist: unknown input; known are connection, vips, arp, persist, drain"],
    [{ vip: ["10.0.0.1"] }, "vip: unknown input; did you mean vips?"],
    [{ arp: { announces: 2 } }, "arp.announces: unknown input; did you mean announce?"],
    [{ ["\u001b[31m"]: 1 }, '["\\u001b[31m"]: unknown input'],
    [{ ["__proto__"]: 1 }, "__proto__: unknown input"],
  ])("%j", (change, message) => {
    const reasons = failures(change);
    expect(reasons).toHaveLength(1);
    expect(reasons[0]).toContain(message);
    expect(reasons[0]?.startsWith(message.slice(0, 20))).toBe(true);
  });

  it.each<[Record<string, unknown>, string]>([
    [{ port: 0 }, "connection.port: 0 is not a whole number from 1 to 65535"],
    [{ port: 65_536 }, "connection.port: 65536 is not a whole number from 1 to 65535"],
    [{ port: "22" }, 'connection.port: "22" is text, not a whole number from 1 to 65535'],
    [{ dialErrorLimit: -2 }, "connection.dialErrorLimit: -2 is not a whole number of at least -1"],
    [{ perDialTimeout: -1 }, "connection.perDialTimeout: -1 is not a whole number of at least 0"],
    [{ host: "root@web-1" }, 'connection.host: "root@web-1" holds a user; give the user as user'],
    [{ host: "web-1:22" }, 'connection.host: "web-1:22" holds a port; give it as port'],
    [{ host: "[2001:db8::1]" }, 'connection.host: "[2001:db8::1]" has brackets'],
    [{ host: "ssh://web-1" }, 'connection.host: "ssh://web-1" is a URL'],
    [{ host: "web 1" }, 'connection.host: "web 1" is not a host name or an IP address'],
    [{ user: "" }, 'connection.user: "" is empty; give a user\'s name, or leave the input out'],
    [{ sudo: "yes" }, 'connection.sudo: "yes" is neither true nor false'],
    [{ sudo: false, sudoPassword: "q" }, "connection.sudo: false contradicts sudoPassword"],
    [{ hostKey: "AAAA" }, "connection.hostKey: the text given is not a public host key"],
    [
      { privateKeyFile: "-----BEGIN OPENSSH PRIVATE KEY-----" },
      "connection.privateKeyFile: the text given is a key itself",
    ],
    [{ privateKey: "k" }, "connection.privateKey: the text given is not a private key in"],
    [{ privateKey: privateKey("s") }, "connection.privateKey: the text given is encrypted, and no"],
    [
      { privateKey: privateKey("s"), privateKeyPassword: "t" },
      "connection.privateKey: the text given cannot be decrypted",
    ],
    [{ password: 1234 }, "connection.password: the number given is not a password"],
    [{ sudoPassword: ["q"] }, "connection.sudoPassword: a list is not a password"],
    [{ username: "root" }, "connection.username: unknown input; known are host, port, user"],
    [{ privatekey: "k" }, "connection.privatekey: unknown input; did you mean privateKey?"],
    [{ proxy: { ...connection, sudo: true } }, "connection.proxy.sudo: unknown input"],
    [{ proxy: { ...connection, port: 0 } }, "connection.proxy.port: 0 is not a whole number"],
  ])("connection %j", (change, message) => {
    const reasons = failures({ connection: { ...connection, ...change } });
    expect(reasons).toEqual([expect.stringContaining(message)]);
  });

  it("all of them at once, each at its path", () => {
    const { failures } = checkInputs({
      connection: { host: "web 1", port: 0, proxy: { port: 0 } },
      vips: ["10.0.0.1", "10.0.0.1", "x"],
      arp: { ignore: 3, except: ["veth*"] },
      persit: true,
    });
    expect(failures.map(({ path }) => path).sort()).toEqual([
      ...["arp.except", "arp.ignore", "connection", "connection.host", "connection.port"],
      ...["connection.proxy", "connection.proxy.host", "connection.proxy.port"],
      ...["owner", "persit", "vips[1]", "vips[2]"],
    ]);
  });

  it.each([undefined, null, [], "text", 7, UNKNOWN])("the inputs as a whole: %j", (news) => {
    const { failures } = checkInputs(news);
    expect(failures).toEqual([
      { path: "inputs", reason: expect.stringMatching(/^inputs: .*an object$/) as string },
    ]);
  });

  it("a long value, cut", () => {
    expect(failures({ vips: ["x".repeat(1000)] })[0]?.length).toBeLessThan(150);
  });

  it("a value with terminal escapes, escaped", () => {
    expect(failures({ vips: ["\u001b[2J\u009b\u202e\u2028"] })[0]).toMatch(/^[ -~]+$/);
  });
});

function canonical(change: object): Record<string, unknown> {
  const result = checkInputs({ ...inputs, ...change });
  expect(result.failures).toEqual([]);
  return result.inputs;
}

function failures(change: unknown): string[] {
  return checkInputs({ ...inputs, ...(change as object) }).failures.map(({ reason }) => reason);
}

function privateKey(passphrase: string): string {
  const { privateKey } = generateKeyPairSync("ed25519");
  const encryption = { cipher: "aes-256-cbc", passphrase };
  return privateKey.export({ type: "pkcs8", format: "pem", ...encryption }).toString();
}

function hostKey(): string {
  const { publicKey } = generateKeyPairSync("ed25519");
  const key = Buffer.from(publicKey.export({ format: "jwk" }).x ?? "", "base64url");
  const type = "ssh-ed25519";
  const blob = [Buffer.from([0, 0, 0, type.length]), Buffer.from(type), Buffer.from([0, 0, 0, 32])];
  return `${type} ${Buffer.concat([...blob, key]).toString("base64")} root@web-1\n`;
}
