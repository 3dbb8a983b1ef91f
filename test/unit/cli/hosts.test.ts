import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseCommandLine, type InspectCommand } from "../../../src/cli/arguments";
import { hostsOf, type HostList } from "../../../src/cli/hosts";
import { UsageError } from "../../../src/cli/usage";

let folder: string;
beforeAll(async () => (folder = await mkdtemp(join(tmpdir(), "hosts-test-"))));
afterAll(async () => rm(folder, { recursive: true }));

async function listed(text: string, ...words: readonly string[]): Promise<HostList> {
  const file = join(folder, "hosts");
  await writeFile(file, text);
  return hostsOf(inspectOf("--hosts", file, ...words), new AbortController().signal);
}

const typed = async (...words: readonly string[]) =>
  hostsOf(inspectOf(...words), new AbortController().signal);

function inspectOf(...words: readonly string[]): InspectCommand {
  const command = parseCommandLine(["inspect", ...words]);
  if (command.kind !== "inspect") throw new Error(command.kind);
  return command;
}

const namesIn = ({ hosts }: HostList) => hosts.map(({ name }) => name);

describe("a list of hosts", () => {
  it("has one a line; comments, empty lines, carriage returns and a byte order mark are no hosts", async () => {
    const text =
      "\uFEFF# all of them\r\n\r\nweb-1\r\n  deploy@web-2 # the new one\n#web-3\n\troot@[::1]";
    const list = await listed(text);
    expect(list.hosts.map(({ way: { host, user } }) => [host, user])).toEqual([
      ["web-1", undefined],
      ["web-2", "deploy"],
      ["::1", "root"],
    ]);
    expect(list.repeated).toEqual([]);
  });

  it("comes after the hosts that were typed, and has their options", async () => {
    const list = await listed("web-2\nssh://web-3:2222\n", "--sudo", "web-1");
    expect(namesIn(list)).toEqual(["web-1", "web-2", "web-3:2222"]);
    expect(list.hosts.map(({ way }) => way.sudo)).toEqual([true, true, true]);
    expect(list.hosts.map(({ way }) => way.port)).toEqual([undefined, undefined, 2222]);
  });

  it.each([
    { text: "web-1\nroot:hunter2@web-2", why: "hosts line 2: a password never stands" },
    { text: "web-1 --sudo", why: "hosts line 1: one host a line, and no options" },
    {
      text: "web-1:22",
      why: "hosts line 1: a port is given with -p, or as ssh://[user@]host:port",
    },
    { text: "\n# nobody\n", why: "hosts names no host" },
  ])("is refused with its line: $why", async ({ text, why }) => {
    const refused = listed(text);
    await expect(refused).rejects.toThrow(UsageError);
    await expect(refused).rejects.toThrow(why);
    await expect(refused).rejects.not.toThrow("hunter2");
  });

  it("is refused where it cannot be read", async () => {
    const refused = typed("--hosts", join(folder, "nowhere"));
    await expect(refused).rejects.toThrow(/nowhere cannot be read: ENOENT/);
  });
});

describe("a host that is named more than once", () => {
  it("is looked at once, as it was named first, and is named", async () => {
    const list = await typed("root@10.0.0.11", "WEB-1", "deploy@10.0.0.11", "web-1", "web-1");
    expect(namesIn(list)).toEqual(["10.0.0.11", "WEB-1"]);
    expect(list.hosts[0]?.way.user).toBe("root");
    expect(list.repeated).toEqual(["10.0.0.11", "WEB-1"]);
  });

  it.each([
    { words: ["2001:db8::1", "root@[2001:DB8:0::1]"], names: ["2001:db8::1"] },
    { words: ["web-1", "ssh://web-1:22"], names: ["web-1"] },
    { words: ["web-1", "ssh://web-1:2222"], names: ["web-1", "web-1:2222"] },
    { words: ["::1", "ssh://[::1]:2222"], names: ["::1", "[::1]:2222"] },
    // What an alias without a port means is for ssh_config to say.
    { words: ["--ssh", "web-1", "ssh://web-1:22"], names: ["web-1", "web-1:22"] },
  ])("is one by host and port: $words", async ({ words, names }) => {
    expect(namesIn(await typed(...words))).toEqual(names);
  });
});
