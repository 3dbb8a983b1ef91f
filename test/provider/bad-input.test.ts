import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer, type RealServerArgs } from "../../src/index";
import { Engine } from "../../lab/engine";
import { fixtures } from "../unit/fixtures";
import { said } from "./stage";

// Nobody listens there, and a connection would take a minute.
const connection = { host: "192.0.2.1", password: "s3cret-word" };
const vips = ["203.0.113.10"];
const written = (name: string): string =>
  fixtures<{ text: string }>("keys").find((one) => one.name === name)?.data.text ?? "";

describe("bad input", () => {
  let engine: Engine;

  beforeAll(async () => {
    engine = await Engine.create();
  });
  afterAll(() => engine.remove());

  const cases: { what: string; args: object; message: RegExp }[] = [
    { what: "an address that is none", args: { vips: ["10.1"] }, message: /vips\[0\].*"10\.1"/ },
    { what: "a prefix wider than /32", args: { vips: ["203.0.113.10/24"] }, message: /\/24/ },
    { what: "an empty list", args: { vips: [] }, message: /vips/ },
    {
      what: "the same address in two spellings",
      args: { vips: ["2001:DB8::1", "2001:db8:0::1"] },
      message: /2001:DB8::1.*2001:db8:0::1|2001:db8:0::1.*2001:DB8::1/,
    },
    { what: "a multicast address", args: { vips: ["224.0.0.18"] }, message: /multicast/ },
    { what: "arp.ignore 8", args: { arp: { ignore: 8 } }, message: /arp\.ignore.*8/ },
    { what: "an unknown input", args: { vip: "203.0.113.10" }, message: /vip\b/ },
    {
      what: "persist that is a word",
      args: { persist: "yes" },
      message: /persist.*true nor false/,
    },
    {
      what: "no way to authenticate",
      args: { connection: { host: "192.0.2.1" } },
      message: /privateKey/,
    },
    {
      what: "a key that is none",
      args: { connection: { host: "192.0.2.1", privateKey: "s3cret-word" } },
      message: /connection\.privateKey/,
    },
    {
      what: "a DSA key",
      args: { connection: { host: "192.0.2.1", privateKey: written("OpenSSH-dsa") } },
      message: /connection\.privateKey: the text given is a DSA key/,
    },
    {
      what: "a hardware key",
      args: { connection: { host: "192.0.2.1", privateKey: written("OpenSSH-ed25519-sk") } },
      message: /is a hardware key \(sk-ssh-ed25519@openssh\.com\)/,
    },
    {
      what: "a key of PuTTY's format 3",
      args: { connection: { host: "192.0.2.1", privateKey: written("PuTTY-3-ed25519") } },
      message: /puttygen key\.ppk -O private-openssh -o key/,
    },
    {
      what: "a key without its line breaks",
      args: {
        connection: {
          host: "192.0.2.1",
          privateKey: written("OpenSSH-ed25519").replaceAll("\n", "\\n"),
        },
      },
      message: /has lost its line breaks/,
    },
    {
      what: "a port out of range",
      args: { connection: { ...connection, port: 70000 } },
      message: /connection\.port.*70000/,
    },
  ];

  it.each(cases)("fails the preview with one message: $what", async ({ args, message }) => {
    const all = { connection, vips, ...args } as RealServerArgs;
    const preview = await engine.preview(() => Promise.resolve(void new RealServer("web", all)));
    expect(preview.succeeded).toBe(false);
    const errors = said(preview, "error");
    expect(errors, preview.text).toHaveLength(1);
    expect(errors[0]).toMatch(message);
    expect(preview.text).not.toContain("s3cret-word");
    expect(preview.text).not.toMatch(/\n\s+at /);
  });

  it("fails the preview: import, because create adopts", async () => {
    const args = { connection, vips };
    const preview = await engine.preview(() =>
      Promise.resolve(void new RealServer("web", args, { import: "anything" })),
    );
    expect(preview.succeeded).toBe(false);
    expect(preview.text).toContain("create adopts what is there already");
  });

  it("warns of customTimeouts, which have no effect, and of deleteBeforeReplace, which has one", async () => {
    const args = { connection, vips };
    const options = { customTimeouts: { create: "5m" }, deleteBeforeReplace: true };
    const preview = await engine.preview(() =>
      Promise.resolve(void new RealServer("web", args, options)),
    );
    expect(preview.succeeded, preview.text).toBe(true);
    const warnings = said(preview, "warning").join("\n");
    expect(warnings).toContain("use its input timeouts");
    expect(warnings).toContain("deleteBeforeReplace withdraws the VIPs of the old host");
  });
});
