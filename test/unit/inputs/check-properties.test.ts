import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { checkInputs } from "../../../src/inputs/real-server";
import { parseSettings } from "../../../src/inputs/real-server";

const UNKNOWN = "04da6b54-80e4-46f7-96ec-b56ff0331ba9";

beforeEach(() => vi.stubEnv("SSH_AUTH_SOCK", undefined));
afterEach(() => vi.unstubAllEnvs());

describe("checking inputs", () => {
  it("ends on any inputs, with canonical ones or with failures that begin with their path", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearlyGood()), (news) => {
        const { failures } = checkInputs(news);
        const paths = failures.map(({ path }) => path);
        expect(new Set(paths).size).toBe(paths.length);
        for (const { path, reason } of failures) {
          expect(reason.startsWith(`${path}: `)).toBe(true);
          expect(reason).toMatch(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+$/u);
        }
      }),
    );
  });

  it("changes nothing of what it made, so that a second up shows no diff", () => {
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), nearlyGood(), good()), (news) => {
        const once = checkInputs(news);
        const again = checkInputs(once.inputs);
        expect(again.inputs).toEqual(once.inputs);
        if (once.failures.length === 0) expect(again.failures).toEqual([]);
      }),
    );
  });

  it("makes the same of VIPs in any order and spelling", () => {
    fc.assert(
      fc.property(
        addresses(),
        fc.array(fc.nat(2), { minLength: 8, maxLength: 8 }),
        fc.nat(),
        (vips, choices, turn) => {
          const respelled = vips.map((vip, index) => spelling(vip, choices[index] ?? 0));
          const at = turn % vips.length;
          const reordered = [...respelled.slice(at), ...respelled.slice(0, at)].reverse();
          expect(checkInputs(inputs(reordered))).toEqual(checkInputs(inputs(vips)));
          expect(checkInputs(inputs(vips)).failures).toEqual([]);
        },
      ),
    );
  });

  it("makes inputs whose settings can be read, with these VIPs", () => {
    fc.assert(
      fc.property(good(), (news) => {
        const { inputs } = checkInputs(news);
        expect(parseSettings(inputs).vips.map(({ address }) => address)).toEqual(inputs["vips"]);
      }),
    );
  });

  it("never shows a secret, whatever its type and whatever else is wrong", () => {
    fc.assert(
      fc.property(nearlyGood(), secrets(), secrets(), (news, own, bastions) => {
        const connection = { ...record(news["connection"]), ...own };
        const given = { ...news, connection: { ...connection, proxy: { host: 7, ...bastions } } };
        const { failures } = checkInputs(given);
        expect(failures).not.toEqual([]);
        expect(JSON.stringify(failures)).not.toContain(MARK);
      }),
    );
  });

  it("never shows a key that stands where its file, a host key or the connection should", () => {
    const key = `-----BEGIN OPENSSH PRIVATE KEY-----\n${MARK}\n-----END OPENSSH PRIVATE KEY-----`;
    const misplaced = { privateKeyFile: key, hostKey: key, agentSocketPath: key };
    for (const connection of [key, [key], { host: "h", ...misplaced, proxy: key }]) {
      const { failures } = checkInputs({ ...inputs(["10.0.0.1"]), connection });
      expect(failures).not.toEqual([]);
      expect(JSON.stringify(failures)).not.toContain(MARK);
    }
  });
});

const MARK = "s3cr3t-mark";
const SECRETS = ["password", "privateKey", "privateKeyPassword", "sudoPassword"];

function inputs(vips: string[]): Record<string, unknown> {
  return { connection: { host: "10.0.0.11", privateKeyFile: "~/k" }, vips, owner: "o" };
}

function addresses(): fc.Arbitrary<string[]> {
  const ipv4 = fc.tuple(fc.integer({ min: 1, max: 126 }), fc.nat(0xffffff)).map(([first, rest]) => {
    return [first, rest >> 16, (rest >> 8) & 255, rest & 255].join(".");
  });
  const ipv6 = fc.nat(0xffff).map((last) => `2001:db8::${last.toString(16)}`);
  return fc.uniqueArray(fc.oneof(ipv4, ipv6), { minLength: 1, maxLength: 8 });
}

function spelling(vip: string, choice: number): string {
  if (!vip.includes(":")) return choice === 0 ? vip : `${vip}/32`;
  return [vip, `${vip.toUpperCase()}/128`, vip.replace("::", ":0:00::")][choice] ?? vip;
}

function good(): fc.Arbitrary<Record<string, unknown>> {
  const arp = fc.record(
    { ignore: fc.constantFrom(1, 2), interfaces: fc.constantFrom("all", ["eth1", "eth0"]) },
    { requiredKeys: [] },
  );
  return fc.tuple(addresses(), arp).map(([vips, arp]) => ({ ...inputs(vips), arp }));
}

/** Good inputs, some of whose values are replaced by anything at all. */
function nearlyGood(): fc.Arbitrary<Record<string, unknown>> {
  const or = (value: unknown) =>
    fc.oneof(
      { weight: 4, arbitrary: fc.constant(value) },
      { weight: 1, arbitrary: fc.constantFrom(UNKNOWN, null, undefined, "", 0, []) },
      { weight: 1, arbitrary: fc.jsonValue() },
    );
  const hop = {
    ...{ host: or("10.0.0.11"), port: or(22), user: or("root"), privateKeyFile: or("~/k") },
    ...{ hostKey: or(undefined), knownHostsFile: or("~/h"), dialErrorLimit: or(3) },
  };
  const proxy = fc.oneof(fc.constant(undefined), fc.record(hop), fc.jsonValue());
  const listed = { interfaces: or(["eth0"]), except: or(["veth*"]), ignore: or(1) };
  const extra = fc.dictionary(fc.string(), fc.jsonValue(), { maxKeys: 1 });
  const fields = fc.record({
    connection: fc.oneof(fc.record({ ...hop, sudo: or(true), proxy }), fc.jsonValue()),
    vips: fc.oneof(fc.array(or("10.0.0.1"), { maxLength: 4 }), addresses(), fc.jsonValue()),
    arp: fc.oneof(fc.record(listed), fc.jsonValue()),
    timeouts: fc.oneof(fc.record({ connectSeconds: or(5) }), fc.jsonValue()),
    drain: fc.oneof(fc.record({ timeoutSeconds: or(5), onTimeout: or("fail") }), fc.jsonValue()),
    staleVips: fc.oneof(or("withdraw"), fc.record({ withdraw: or(true), except: or("10.0.0.9") })),
    ...{ sysctlsOnDestroy: or("leave"), unreachableOnRefresh: or("keep"), owner: or("o") },
  });
  return fc.tuple(extra, fields).map(([unknown, known]) => ({ ...unknown, ...known }));
}

function secrets(): fc.Arbitrary<object> {
  return fc.record(Object.fromEntries(SECRETS.map((name) => [name, secretValue()])));
}

function secretValue(): fc.Arbitrary<unknown> {
  const text = fc.tuple(fc.string(), fc.string()).map(([a, b]) => `${a}${MARK}${b}`);
  const key = text.map((body) => `-----BEGIN RSA PRIVATE KEY-----\n${body}`);
  return fc.oneof(
    text,
    key,
    fc.array(text, { minLength: 1 }),
    text.map((value) => ({ [value]: { value } })),
  );
}

function record(value: unknown): object {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? value : {};
}
