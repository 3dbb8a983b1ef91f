import { execFileSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import * as fc from "fast-check";
import { describe, expect, it } from "vitest";

import { keysOf, knownHostsName, parseKnownHosts } from "../../../src/transport/known-hosts";

const ed25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIIx1bFNMNYUJx9mv12oLAfiFBSx3Yp8lvK1C2fGZ1aA";
const other = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8g";

const trusts = (file: string, host: string, port = 22): number[] =>
  keysOf(parseKnownHosts(file), host, port).trusted.map((entry) => entry.line);

describe("a known hosts file", () => {
  it("trusts the key on each line that names the host", () => {
    const file = `# head\n\n10.0.0.1 ${ed25519}\n10.0.0.2,10.0.0.1\t${other} with a comment\r\n`;
    expect(trusts(file, "10.0.0.1")).toEqual([3, 4]);
    expect(trusts(file, "10.0.0.2")).toEqual([4]);
    expect(trusts(file, "10.0.0.11")).toEqual([]);
  });

  it("keeps type and key apart from a comment", () => {
    const [entry] = parseKnownHosts(`web ${ed25519} root@web\n`);
    expect(`${entry?.type} ${entry?.key}`).toBe(ed25519);
  });

  it("names a host on another port than 22 with brackets and port", () => {
    const file = `web ${ed25519}\n[web]:2222 ${other}\n[2001:db8::1]:2222 ${other}\n`;
    expect(trusts(file, "web")).toEqual([1]);
    expect(trusts(file, "web", 2222)).toEqual([2]);
    expect(trusts(file, "2001:db8::1", 2222)).toEqual([3]);
    expect(knownHostsName("2001:DB8::1", 2222)).toBe("[2001:db8::1]:2222");
  });

  it("takes no notice of upper and lower case in names", () => {
    expect(trusts(`Web.Example.COM ${ed25519}`, "weB.example.com")).toEqual([1]);
  });

  it.each([
    ["*", "web", true],
    ["10.0.0.?", "10.0.0.7", true],
    ["10.0.0.?", "10.0.0.77", false],
    ["*.example.com", "web.example.com", true],
    ["*.example.com", "example.com", false],
    ["web*01*", "web-a-01-b-01", true],
    ["web.example", "webxexample", false],
    ["*,!web", "web", false],
    ["!web,*", "web", false],
    ["!db,*", "web", true],
    ["!db", "web", false],
    ["", "web", false],
  ])("matches the pattern %s with %s: %s", (pattern, host, expected) => {
    expect(trusts(`${pattern} ${ed25519}`, host)).toEqual(expected ? [1] : []);
  });

  it("trusts a hashed name", () => {
    const salt = Buffer.alloc(20, 7);
    const hash = createHmac("sha1", salt).update("[web]:2222").digest("base64");
    const file = `|1|${salt.toString("base64")}|${hash} ${ed25519}\n`;
    expect(trusts(file, "web", 2222)).toEqual([1]);
    expect(trusts(file, "web")).toEqual([]);
  });

  it("tells a revoked key from a trusted one, and leaves certificate authorities out", () => {
    const file = `@revoked * ${ed25519}\n@cert-authority * ${other}\n@new * ${other}\n`;
    const { trusted, revoked, authorities } = keysOf(parseKnownHosts(file), "web", 22);
    expect(trusted).toEqual([]);
    expect(revoked.map((entry) => entry.line)).toEqual([1]);
    expect(authorities.map((entry) => entry.line)).toEqual([2]);
  });

  it.each([
    "web",
    "web ssh-ed25519",
    "web ssh-ed25519 not-base64!",
    `web ssh-rsa ${ed25519.split(" ")[1]}`,
    `web ${ed25519.slice(0, 30)}`,
    "@revoked",
    "@revoked web ssh-ed25519",
    `|1|only-a-salt ${ed25519}`,
    `|2|c2FsdA==|aGFzaA== ${ed25519}`,
  ])("passes over a line that it cannot read: %s", (line) => {
    expect(trusts(`${line}\nweb ${other}\n`, "web")).toEqual([2]);
  });

  it("is read without an error whatever is in it, and never trusts what it does not hold", () => {
    const token = fc.oneof(
      fc.string(),
      fc.constantFrom("web", "@revoked", "|1|", "|1||", "!", "*", "ssh-ed25519", "AAAA", "=", "\t"),
      fc.constantFrom(ed25519, other, "# "),
    );
    const line = fc.array(token).map((tokens) => tokens.join(" "));
    fc.assert(
      fc.property(fc.array(line), fc.string(), fc.nat(65535), (lines, host, port) => {
        const file = lines.join("\n");
        const known = keysOf(parseKnownHosts(file), host, port);
        const { trusted, revoked } = known;
        // Read for one host alone, it says the same of that host.
        const names = [knownHostsName(host, port)];
        expect(keysOf(parseKnownHosts(file, names), host, port)).toEqual(known);
        for (const entry of [...trusted, ...revoked]) {
          const text = file.split(/\r?\n/)[entry.line - 1] ?? "";
          expect(text).toContain(entry.key);
          expect(text).toContain(entry.names);
          expect(text.trim().startsWith("@revoked")).toBe(entry.marker === "@revoked");
        }
      }),
    );
  });

  it("is read for a few names alone, whatever else it knows", () => {
    const file = `web ${ed25519}\n*.example ${other}\n[web]:2222 ${other}\nother ${ed25519}\n`;
    const lines = parseKnownHosts(file, ["web", "a.example"]).map(({ line }) => line);
    expect(lines).toEqual([1, 2]);
  });

  it("matches patterns in time that grows with their length, not faster", () => {
    const file = `${"*a".repeat(2000)}b ${ed25519}`;
    const start = performance.now();
    expect(trusts(file, "a".repeat(2000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(1000);
  });

  it("is understood as ssh-keygen understands it", () => {
    const folder = mkdtempSync(join(tmpdir(), "known-hosts-"));
    try {
      const path = join(folder, "known_hosts");
      const plain = `web,10.0.0.1 ${ed25519}\n[web]:2222 ${other}\n*.example.com ${ed25519}\n`;
      writeFileSync(path, plain);
      execFileSync("ssh-keygen", ["-q", "-H", "-f", path], { stdio: "ignore" });
      const hashed = readFileSync(path, "utf8");
      expect(hashed).not.toContain("10.0.0.1");
      for (const name of ["web", "10.0.0.1", "[web]:2222", "a.example.com", "db", "web2"]) {
        const [, host = name, port = "22"] = /^\[(.*)\]:(\d+)$/.exec(name) ?? [];
        const found = linesFoundBySshKeygen(path, name);
        expect([name, trusts(hashed, host, Number(port))]).toEqual([name, found]);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** The lines on which ssh-keygen finds a name. */
function linesFoundBySshKeygen(path: string, name: string): number[] {
  try {
    const text = execFileSync("ssh-keygen", ["-F", name, "-f", path], {
      stdio: ["ignore", "pipe", "ignore"],
    }).toString();
    return [...text.matchAll(/found: line (\d+)/g)].map(([, line]) => Number(line));
  } catch {
    return [];
  }
}
