import { createHmac } from "node:crypto";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import type { Dialled } from "./fixtures/dial-once";
import { type Changes, connectionTo } from "./ssh-connection";

let lab: Lab;
let host: LabHost;
/** The host's other key. */
let ecdsa: string;

beforeAll(async () => {
  lab = await Lab.create();
  host = await lab.host("web");
  ecdsa = twoWords((await host.run("cat /etc/ssh/lab_host_ecdsa.pub")).stdout);
  await host.run("/usr/sbin/sshd -f /etc/ssh/lab_sshd_config -p 2222 -o PidFile=/run/other.pid");
});
afterAll(() => lab.destroy());

/** Texts of files, with names for what is in them that only the lab knows. */
interface Files {
  /** The user's. */
  readonly user?: string;
  /** /etc/ssh/ssh_known_hosts */
  readonly global?: string;
  /** /etc/ssh/ssh_known_hosts2 */
  readonly global2?: string;
}

/** The verdict of `ssh` itself, which adds a host that it does not know, and ours on it. */
const CASES: readonly [string, Files, "accepted" | "refused", { port?: number }?][] = [
  ["nobody knows the host", {}, "accepted"],
  ["the machine's file has another key", { global: "HOST OTHER" }, "refused"],
  ["the machine's second file has another key", { global2: "HOST OTHER" }, "refused"],
  ["the machine's has its key", { global: "HOST KEY" }, "accepted"],
  [
    "the user's has another, the machine's its key",
    { user: "HOST OTHER", global: "HOST KEY" },
    "accepted",
  ],
  [
    "the machine's has another, the user's its key",
    { user: "HOST KEY", global: "HOST OTHER" },
    "accepted",
  ],
  [
    "the machine's has only the key of another type that it has too",
    { global: "HOST ECDSA" },
    "accepted",
  ],
  ["the machine's has only a key of a type that it has not", { global: "HOST RSA" }, "refused"],
  ["the machine's has a key of a type that is not checked here", { global: "HOST SK" }, "refused"],
  [
    "the machine's revokes its key, the user's has it",
    { user: "HOST KEY", global: "@revoked HOST KEY" },
    "refused",
  ],
  ["the machine's second file revokes its key for all", { global2: "@revoked * KEY" }, "refused"],
  ["the machine's revokes another key", { global: "@revoked * OTHER" }, "accepted"],
  ["the machine's has another key under a hashed name", { global: "HASH OTHER" }, "refused"],
  ["the machine's has another key under a pattern", { global: "HOS? OTHER" }, "refused"],
  ["the machine's excepts the host from a pattern", { global: "*,!HOST OTHER" }, "accepted"],
  ["a line of the machine's is damaged", { global: "HOST ssh-ed25519 AAAA\nHOST" }, "accepted"],
  [
    "the machine's has an authority for the host alone",
    { global: "@cert-authority HOST OTHER" },
    "accepted",
  ],
  ["it is known on port 22 by another key", { global: "HOST OTHER" }, "accepted", { port: 2222 }],
  [
    "it is known on its own port by another key",
    { global: "[HOST]:2222 OTHER" },
    "refused",
    { port: 2222 },
  ],
  ["its key is revoked for all ports", { global: "@revoked * KEY" }, "refused", { port: 2222 }],
];

describe("a host is accepted and refused as by ssh where", () => {
  it.each(CASES)("%s", async (_case, files, verdict, changes = {}) => {
    const ours = await withFiles(files, (place) => place.dial(changes));
    const theirs = await withFiles(files, (place) => place.ssh(changes.port ?? 22));
    expect([verdictOf(ours), theirs]).toEqual([verdict, verdict]);
  });
});

describe("known hosts of the machine", () => {
  it("are named with their line where they decide", async () => {
    const other = await withFiles({ global: "# head\nHOST OTHER" }, (place) => place.dial());
    expect(other.kind).toBe("host-key");
    expect(other.message).toContain("(/etc/ssh/ssh_known_hosts line 2)");
    expect(other.message).toContain(`ssh-keygen -f /etc/ssh/ssh_known_hosts -R '${host.address}'`);
    const revoked = await withFiles({ global2: "@revoked HOST KEY" }, (place) => place.dial());
    expect(revoked.message).toContain("which /etc/ssh/ssh_known_hosts2 line 1 revokes");
  });

  it("name each file that has another key", async () => {
    const files = { user: "HOST OTHER", global: "HOST OTHER" };
    const { message } = await withFiles(files, (place) => place.dial());
    expect(message?.match(/ssh-keygen -f \S+ -R/g)).toHaveLength(2);
  });

  it("come before the pin", async () => {
    const pins = { hostKey: key("OTHER") };
    const known = await withFiles({ global: "HOST KEY" }, (place) => place.dial({}, pins));
    expect(known.hostKey).toBe(host.hostKey);
    const unknown = await withFiles({}, (place) => place.dial({}, pins));
    expect(unknown.kind).toBe("host-key");
  });

  it("know a host on another port by its key on port 22, as ssh does", async () => {
    const pins = { hostKey: key("OTHER") };
    const files = { global: "HOST KEY" };
    const dialled = await withFiles(files, (place) => place.dial({ port: 2222 }, pins));
    expect(dialled.hostKey).toBe(host.hostKey);
  });

  it("are not read where the connection gives the key", async () => {
    const files = { global: "@revoked * KEY" };
    const dialled = await withFiles(files, (place) => place.dial({ hostKey: host.hostKey }));
    expect(dialled).toEqual({ hostKey: host.hostKey, warnings: [] });
  });

  it("are passed over with a warning where they cannot be read, as by ssh", async () => {
    const dialled = await withFiles({ user: "HOST KEY" }, async (place) => {
      await mkdir(join(place.etc, "ssh_known_hosts"));
      return place.dial();
    });
    expect(dialled.hostKey).toBe(host.hostKey);
    expect(dialled.warnings).toEqual([
      `${host.address}:22: cannot read known hosts /etc/ssh/ssh_known_hosts: it is a folder. What it trusts and revokes is not known here.`,
    ]);
  });

  it("tell of a host that they know by a type of key which is not checked here", async () => {
    const { kind, message } = await withFiles({ global: "HOST SK" }, (place) => place.dial());
    expect(kind).toBe("host-key");
    expect(message).toContain(
      "cannot be checked here alone: sk-ssh-ed25519@openssh.com (/etc/ssh/ssh_known_hosts line 1)",
    );
  });
});

describe("an authority for certificates of hosts", () => {
  const authority = "@cert-authority HOST OTHER";

  it("is not used, and a warning says so where nothing else is known of the host", async () => {
    const { hostKey, warnings } = await withFiles({ user: authority }, (place) => place.dial());
    expect(hostKey).toBe(host.hostKey);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toMatch(/known_hosts line 1 \(@cert-authority\) was not used/);
    expect(warnings[0]).toContain("give the key as connection.hostKey");
  });

  it("is not mentioned where a line has the host's own key, or the pin has it", async () => {
    const lines = await withFiles({ user: `${authority}\nHOST KEY` }, (place) => place.dial());
    expect(lines.warnings).toEqual([]);
    const pins = { hostKey: host.hostKey };
    const pinned = await withFiles({ user: authority }, (place) => place.dial({}, pins));
    expect(pinned.warnings).toEqual([]);
  });

  it("is named where the pin does not match", async () => {
    const pins = { hostKey: key("OTHER") };
    const { message } = await withFiles({ global: authority }, (place) => place.dial({}, pins));
    expect(message).toContain("/etc/ssh/ssh_known_hosts line 1, a @cert-authority, is not used");
  });
});

it("the user's second file is read beside the default one, as by ssh", async () => {
  const dialled = await withFiles({}, async (place) => {
    await mkdir(join(place.home, ".ssh"));
    await writeFile(join(place.home, ".ssh/known_hosts2"), text("HOST OTHER"));
    return place.dial({ knownHostsFile: "~/.ssh/known_hosts" });
  });
  expect(dialled.message).toContain("(~/.ssh/known_hosts2 line 1)");
});

/** A process's own /etc/ssh and home; the machine's are not touched, and other tests do not see it. */
interface Place {
  readonly etc: string;
  readonly home: string;
  dial(changes?: Changes, pins?: { hostKey?: string }): Promise<Dialled>;
  ssh(port: number): Promise<"accepted" | "refused">;
}

async function withFiles<T>(files: Files, use: (place: Place) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "known-hosts-"));
  const [etc, home] = [join(folder, "etc"), join(folder, "home")];
  const user = join(folder, "known_hosts");
  try {
    await Promise.all([mkdir(etc), mkdir(home)]);
    const written = [
      [user, files.user],
      [join(etc, "ssh_known_hosts"), files.global],
      [join(etc, "ssh_known_hosts2"), files.global2],
    ] as const;
    for (const [path, content] of written)
      if (content !== undefined) await writeFile(path, text(content));
    const run = (words: readonly string[]) => {
      const mount = `mount --bind ${etc} /etc/ssh && exec "$@"`;
      const inside = ["-m", "env", `HOME=${home}`, "sh", "-c", mount, "sh"];
      return command("unshare", [...inside, ...words], { allowFailure: true });
    };
    return await use({
      etc,
      home,
      dial: async (changes = {}, pins = {}) => {
        const connection = connectionTo(lab, host, { knownHostsFile: user, ...changes });
        const program = join(__dirname, "fixtures/dial-once.ts");
        const args = [JSON.stringify(connection), JSON.stringify(pins)];
        const dialled = await run([process.execPath, "--import", "tsx", program, ...args]);
        return JSON.parse(dialled.stdout) as Dialled;
      },
      ssh: async (port) => {
        const known = ["StrictHostKeyChecking=accept-new", `UserKnownHostsFile=${user}`];
        const login = [
          "BatchMode=yes",
          "IdentitiesOnly=yes",
          `IdentityFile=${lab.keys.plain.path}`,
        ];
        const options = [...known, ...login].flatMap((option) => ["-o", option]);
        const { status, stderr } = await run([
          ...["ssh", ...options, "-p", String(port), `root@${host.address}`, "true"],
        ]);
        if (status === 0) return "accepted";
        expect(stderr).toContain("Host key verification failed");
        return "refused";
      },
    });
  } finally {
    await rm(folder, { recursive: true });
  }
}

function verdictOf({ hostKey, kind }: Dialled): string {
  if (hostKey !== undefined) return "accepted";
  return kind === "host-key" ? "refused" : `${kind}`;
}

/** The content of a file: the names in capitals stand for what they say. */
function text(content: string): string {
  const salt = Buffer.alloc(20, 7);
  const hash = createHmac("sha1", salt).update(host.address).digest("base64");
  const filled = content
    .replace(/\b(?:OTHER|KEY|ECDSA|RSA|SK)\b/g, key)
    .replaceAll("HASH", `|1|${salt.toString("base64")}|${hash}`)
    .replaceAll("HOST", host.address)
    .replaceAll("HOS?", `${host.address.slice(0, -1)}?`);
  return `${filled}\n`;
}

function key(name: string): string {
  switch (name) {
    case "KEY":
      return host.hostKey;
    case "ECDSA":
      return ecdsa;
    case "RSA":
      return twoWords(lab.keys.rsa.publicKey);
    case "SK":
      return "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIGuA53o7dp306afQiibwB9dXTH6AdfqDdRk0gXAB8H/VAAAACHNzaDp0ZXN0";
    default:
      return twoWords(lab.keys.unknown.publicKey);
  }
}

function twoWords(line: string): string {
  return line.trim().split(" ").slice(0, 2).join(" ");
}
