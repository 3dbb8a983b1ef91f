import { spawn } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { realServerInputs } from "../../src/inputs/real-server";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { placesIn } from "../unit/inputs/every-input";

/** What only a program says: inputs by their path, names that are no words, and flags of `pulumi`. */
const OF_PROGRAMS = [
  ...placesIn(realServerInputs).flatMap(({ place }) => {
    const name = place.at(-1) ?? "";
    return [...(place.length > 1 ? [place.join(".")] : []), ...(/[A-Z]/.test(name) ? [name] : [])];
  }),
  ...["leave the input out", "this resource", "--exclude", "--refresh", "PULUMI_LVS_DR_FORGET"],
];

let lab: Lab;
let host: LabHost;
let folder: string;

beforeAll(async () => {
  lab = await Lab.create();
  [host, folder] = await Promise.all([lab.host("web-1"), mkdtemp(join(tmpdir(), "cli-words-"))]);
  const { address, hostKey } = host;
  const files = {
    known: `${address} ${hostKey}\n`,
    wrong: `${address} ${lab.keys.unknown.publicKey}\n`,
    revoked: `@revoked ${address} ${hostKey}\n`,
    authority: `@cert-authority ${address} ${hostKey}\n`,
    public: `${lab.keys.plain.publicKey}\n`,
    path: "~/.ssh/id_ed25519\n",
    damaged: lab.keys.plain.content.replace("OPENSSH", "NO"),
  };
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
});
afterAll(async () => {
  await lab.destroy();
  await rm(folder, { recursive: true });
});

/** What the command writes to stderr; words in capitals stand for the lab's, `./` for the folder. */
async function complaintOf(words: string, env: Record<string, string>): Promise<string> {
  const named: Record<string, string> = {
    HOST: host.address,
    KEY: lab.keys.plain.path,
    ENCRYPTED: lab.keys.encrypted.path,
    UNKNOWN: lab.keys.unknown.path,
    EMPTY: "",
    TWO_LINES: "a\nb",
    THE_KEY_ITSELF: lab.keys.plain.content,
  };
  const typed = words.split(" ").map((word) => {
    const [, before = "", name = "", after = ""] = /^(.*?)([A-Z_]+)(.*)$/.exec(word) ?? [];
    return name in named
      ? `${before}${named[name] ?? ""}${after}`
      : word.replace(/^\.\//, `${folder}/`);
  });
  const command = ["--import", "tsx", resolve(__dirname, "../../src/cli/cli.ts"), ...typed];
  const variables = Object.entries(env).map(([name, value]) => [
    name === "SSH_AUTH_SOCK" ? name : `PULUMI_LVS_DR_${name}`,
    value === "LOGIN" ? lab.passwords.login : value,
  ]);
  const child = spawn(process.execPath, command, {
    env: {
      HOME: folder,
      PATH: process.env["PATH"],
      ...(Object.fromEntries(variables) as Record<string, string>),
    },
    stdio: ["ignore", "ignore", "pipe"],
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => (stderr += chunk.toString()));
  await new Promise((done) => child.on("close", done));
  return stderr;
}

describe("the command says in its own words", () => {
  const PASSWORD = "PULUMI_LVS_DR_PASSWORD";
  const SUDO = "PULUMI_LVS_DR_SUDO_PASSWORD";
  const cases: { words: string; env?: Record<string, string>; says: string }[] = [
    { words: "inspect -i ENCRYPTED HOST", says: "no PULUMI_LVS_DR_KEY_PASSPHRASE is given" },
    {
      words: "inspect -i ENCRYPTED HOST",
      env: { KEY_PASSPHRASE: "no" },
      says: "cannot be decrypted with PULUMI_LVS_DR_KEY_PASSPHRASE",
    },
    { words: "inspect -i ./nowhere HOST", says: "nowhere cannot be read: " },
    { words: "inspect -i ./public HOST", says: "public is a public key" },
    { words: "inspect -i ./damaged HOST", says: "damaged is cut off: its END line is missing" },
    { words: "inspect -i ./path HOST", says: "is the name of a file; give it as -i KEYFILE" },
    { words: "inspect -i EMPTY HOST", says: "-i KEYFILE is not the name of a file" },
    {
      words: "inspect --identity=THE_KEY_ITSELF HOST",
      says: "-i KEYFILE is not the name of a file",
    },
    { words: "inspect --known-hosts EMPTY -i KEY HOST", says: "--known-hosts FILE is not the" },
    { words: "inspect HOST", says: "give -i KEYFILE, start an agent (SSH_AUTH_SOCK), or set" },
    { words: "inspect -i KEY a,b", says: "the host is not a host name or an IP address" },
    { words: "inspect -i KEY TWO_LINES@HOST", says: "the user before @ is empty, or holds" },
    { words: "inspect -i KEY --proxy a,b HOST", says: "the host of --proxy is not a host name" },
    { words: "inspect -i KEY --proxy TWO_LINES@b HOST", says: "the user of --proxy is empty, or" },
    { words: "inspect -i KEY HOST", env: { SUDO_PASSWORD: "a\nb" }, says: `${SUDO} is empty, or` },
    { words: "inspect HOST", env: { PASSWORD: "x" }, says: "a password would go to whoever" },
    { words: "inspect -i KEY --known-hosts ./wrong HOST", says: "If it was rebuilt, compare" },
    { words: "inspect -i KEY --known-hosts ./revoked HOST", says: "revokes. Give it a new key" },
    { words: "inspect -i KEY --known-hosts ./ HOST", says: "cannot read known hosts " },
    {
      words: "inspect -i KEY --known-hosts ./authority HOST",
      says: "authority: whoever answers is believed",
    },
    { words: "inspect -i UNKNOWN HOST", says: "tried the key file" },
    { words: "inspect HOST", env: { SSH_AUTH_SOCK: "/nowhere" }, says: "the agent at" },
    {
      words: "inspect --known-hosts ./known deploy@HOST",
      env: { PASSWORD: "no" },
      says: `tried ${PASSWORD}`,
    },
    {
      words: "inspect --known-hosts ./known operator@HOST",
      env: { PASSWORD: "LOGIN" },
      says: "sudo",
    },
    {
      words: "inspect --known-hosts ./known operator@HOST",
      env: { PASSWORD: "LOGIN", SUDO_PASSWORD: "no" },
      says: `is ${SUDO} right?`,
    },
    { words: "inspect -i KEY --timeout 1 -p 9 127.0.0.254", says: "raise --timeout" },
    {
      words: "inspect -i KEY --timeout 1 --proxy root@127.0.0.254:9 HOST",
      says: "the bastion 127.0.0.254:9 cannot be reached",
    },
    { words: "inspect -i UNKNOWN --proxy HOST HOST", says: "the bastion" },
    { words: "inspect -F ./nowhere HOST", says: "-F CONFIGFILE: cannot read" },
    { words: "inspect --ssh -i ./nowhere HOST", says: "does not accept a host key" },
    { words: "inspect --ssh --timeout 1 -p 9 127.0.0.254", says: "cannot be reached by ssh" },
    { words: "inspect -i KEY --name a/b HOST", says: '"a/b" is not a name to look up' },
    { words: "release -i KEY --owner none --yes HOST", says: "no owner of that id or name" },
  ];

  it.concurrent.each(cases)("$words: $says", async ({ words, env = {}, says }) => {
    const stderr = await complaintOf(words, env);
    expect(stderr).toContain(says);
    expect(OF_PROGRAMS.filter((word) => stderr.includes(word))).toEqual([]);
    expect(stderr).not.toContain(lab.passwords.login);
  });
});
