import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  cannotAsk,
  isReady,
  notReady,
  waitingWords,
  type ReadyPolicy,
  type Sighting,
} from "../../../src/operation/ready-words";
import { pulumiAdvice } from "../../../src/pulumi/advice";

const VIP = "203.0.113.10";
const VIP6 = "2001:db8::10";

const port: ReadyPolicy = { port: 80, timeoutSeconds: 30 };
const page: ReadyPolicy = { ...port, http: { path: "/healthz", status: 200, https: false } };
const secure: ReadyPolicy = {
  ...{ port: 8443, timeoutSeconds: 30 },
  http: { path: "/healthz?token=s3cret", status: 204, host: "shop.example", https: true },
};
const refused: Sighting = { kind: "not-connected", words: "Connection refused" };

describe("a VIP is ready", () => {
  it("where it was connected to, if nothing more is asked for", () => {
    expect(isReady({ kind: "connected" }, port)).toBe(true);
    expect(isReady(refused, port)).toBe(false);
    expect(isReady({ kind: "silent", seconds: 10 }, port)).toBe(false);
  });

  it("where an answer has the very status that is wanted, if there is a request", () => {
    const status = fc.integer({ min: 100, max: 599 });
    fc.assert(
      fc.property(status, (one) => {
        expect(isReady({ kind: "answered", status: one }, page)).toBe(one === 200);
      }),
    );
    expect(isReady({ kind: "connected" }, page)).toBe(false);
    expect(isReady({ kind: "not-answered", layer: "HTTP", words: "" }, page)).toBe(false);
  });
});

describe("the words of a wait", () => {
  it.each<[ReadyPolicy, Sighting | undefined, readonly string[], string]>([
    [port, undefined, [VIP], `waiting for ${VIP}:80, at most 13 s more`],
    [
      ...([port, refused, [VIP, VIP6]] as const),
      `waiting for ${VIP}:80 (no connection, Connection refused) and 1 more, at most 13 s more`,
    ],
    [
      ...([page, { kind: "answered", status: 503 }, [VIP6]] as const),
      `waiting for GET http://[${VIP6}]/healthz (status 503), at most 13 s more`,
    ],
    [
      ...([secure, { kind: "silent", seconds: 10 }, [VIP]] as const),
      `waiting for GET https://${VIP}:8443/healthz?… (Host: shop.example) (no answer for 10 s), at most 13 s more`,
    ],
  ])("name what is waited for, and why: %#", (policy, sighting, vips, words) => {
    const seen = new Map(sighting && [[vips[0] ?? "", sighting]]);
    expect(waitingWords(policy, vips, seen, 12.3)).toBe(words);
  });
});

describe("the error of a service that is not ready", () => {
  const text = (policy: ReadyPolicy, sighting: Sighting): string =>
    notReady(policy, [VIP], new Map([[VIP, sighting]])).withAdvice(pulumiAdvice);

  it("says what failed on each VIP, observed against wanted, and what to do", () => {
    const seen = new Map([[VIP6, refused]]);
    const error = notReady(port, [VIP, VIP6], seen);
    expect(error).toMatchObject({
      kind: "not-converged",
      observed: `${VIP}:80: not tried in time; [${VIP6}]:80: no connection, Connection refused`,
      wanted: "a connection",
    });
    expect(error.afterwards("rolled-back").settledAt("web-1").withAdvice(pulumiAdvice)).toBe(
      `web-1: the service is not ready after 30 s, asked from the host itself: ` +
        `${VIP}:80: not tried in time, wanted a connection; ` +
        `[${VIP6}]:80: no connection, Connection refused, wanted a connection. ` +
        "Does the service listen on the VIP, or on all addresses? A slow one: raise ready.timeoutSeconds. " +
        "The host was rolled back to what it was before.",
    );
  });

  it.each<[ReadyPolicy, Sighting, string]>([
    [
      ...([
        page,
        { kind: "answered", status: 302, location: "https://x.example/\u001b[31m" },
      ] as const),
      "status 302, to https://x.example/, wanted status 200. A redirect is not followed",
    ],
    [page, { kind: "not-answered", layer: "HTTP", words: "socket hang up" }, "speak plain HTTP?"],
    [
      ...([secure, { kind: "not-answered", layer: "TLS", words: "wrong version number" }] as const),
      "no TLS, wrong version number, wanted status 204. Does port 8443 speak HTTPS?",
    ],
  ])("says of what was seen last what to look at: %#", (policy, sighting, words) => {
    expect(text(policy, sighting)).toContain(words);
  });

  it("shows no query, for a token may stand there", () => {
    expect(text(secure, refused)).not.toContain("s3cret");
  });
});

describe("the error where nobody can ask", () => {
  it("names the rules that forbid it, and is none of the service's", () => {
    const error = cannotAsk(VIP6, port, "administratively prohibited: open failed", "deploy");
    expect(error.kind).toBe("failed");
    const advised = error.withAdvice(pulumiAdvice);
    expect(advised).toContain(
      `sshd there does not connect to [${VIP6}]:80 for deploy (administratively`,
    );
    expect(advised).toContain("Either the line of the key in authorized_keys there forbids it");
    expect(advised).toMatch(/DisableForwarding\)\. Allow it, or leave ready out\.$/);
  });
});
