import { existsSync } from "node:fs";
import { readdir, readFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";

const VIP = "203.0.113.10";
const QUIET = { quiet: true };

describe("the lab", () => {
  let lab: Lab;
  let first: LabHost;
  let second: LabHost;

  beforeAll(async () => {
    lab = await Lab.create();
    [first, second] = await Promise.all([lab.host("first", QUIET), lab.host("second", QUIET)]);
  });
  afterAll(() => lab.destroy());

  describe("on the wire", () => {
    it("answers ARP for a VIP on lo while the sysctls are the kernel's defaults", async () => {
      await first.run(`ip addr add ${VIP}/32 dev lo`);
      expect(await lab.arping(VIP)).toEqual([first.mac]);
    });

    it("answers twice when two hosts have the VIP", async () => {
      await second.run(`ip addr add ${VIP}/32 dev lo`);
      expect(await lab.arping(VIP)).toEqual([first.mac, second.mac].sort());
      await second.run(`ip addr del ${VIP}/32 dev lo`);
    });

    it("is silent for the VIP, and not for the RIP, under arp_ignore=1", async () => {
      await first.run("echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore");
      expect(await lab.arping(VIP)).toEqual([]);
      expect(await lab.arping(first.address)).toEqual([first.mac]);
    });

    it("shows in a capture who asked and who answered", async () => {
      const capture = await lab.capture("arp");
      await lab.arping(second.address);
      const frames = await capture.stop();
      expect(frames).toContain(`Reply ${second.address} is-at ${second.mac}`);
      expect(frames).not.toContain(`Reply ${VIP}`);
    });

    it("answers neighbour solicitations for the RIP, and not for a VIP on lo", async () => {
      await first.run("ip addr add 2001:db8::10/128 dev lo");
      expect(await lab.solicit("2001:db8::10")).toEqual([]);
      expect(await lab.solicit(first.address6)).toEqual([first.mac]);
    });

    it("has a machine behind every extra NIC, also one with a dot in its name", async () => {
      const host = await lab.host("nics", { nics: ["eth1", "eth0.100"] });
      await host.addNic("late0");
      const { stdout } = await host.run("ls /sys/class/net");
      expect(stdout.split("\n").filter(Boolean).sort()).toEqual(
        ["eth0", "eth0.100", "eth1", "late0", "lo"].sort(),
      );
      // Without arp_ignore every NIC on the wire answers for every address of the host.
      expect(await lab.arping(host.address)).toHaveLength(4);
    });
  });

  describe("over SSH, from outside", () => {
    it.each(["plain", "rsa"] as const)("admits root by the %s key", async (key) => {
      const { stdout } = await openssh(first, "root", lab.keys[key].path, "id -un; hostname");
      expect(stdout).toBe("root\nfirst\n");
    });

    it("refuses a key that it does not know", async () => {
      const { status, stderr } = await openssh(first, "root", lab.keys.unknown.path, "true");
      expect(status).toBe(255);
      expect(stderr).toContain("Permission denied");
    });

    it("lets deploy use sudo without a password, operator with it, nobodysudo not", async () => {
      const key = lab.keys.plain.path;
      const password = `${lab.passwords.login}\n`;
      const withPassword = "sudo -k -S -p '' id -un";
      expect((await openssh(first, "deploy", key, "sudo -n id -un")).stdout).toBe("root\n");
      expect((await openssh(first, "operator", key, "sudo -n id -un")).status).not.toBe(0);
      expect((await openssh(first, "operator", key, withPassword, password)).stdout).toBe("root\n");
      const refused = await openssh(first, "nobodysudo", key, withPassword, password);
      expect(refused.status).not.toBe(0);
      expect(refused.stdout).toBe("");
    });

    it("refuses while sshd is stopped, and admits again", async () => {
      await second.stopSsh();
      const refused = await openssh(second, "root", lab.keys.plain.path, "true");
      expect(refused.stderr).toContain("Connection refused");
      await second.startSsh();
      expect((await openssh(second, "root", lab.keys.plain.path, "true")).status).toBe(0);
    });

    it("gives no answer at all while a host is cut off", async () => {
      await second.cut();
      const silent = await openssh(second, "root", lab.keys.plain.path, "true");
      expect(silent.stderr).toContain("timed out");
      await second.mend();
      expect((await openssh(second, "root", lab.keys.plain.path, "true")).status).toBe(0);
    });

    it("ends a session in the middle when its connections are dropped", async () => {
      const session = openssh(second, "root", lab.keys.plain.path, "echo >/tmp/in; sleep 60");
      await second.run("until [ -e /tmp/in ]; do sleep 0.02; done");
      await second.dropSsh();
      expect((await session).status).toBe(255);
      expect((await openssh(second, "root", lab.keys.plain.path, "true")).status).toBe(0);
    });
  });

  it("has hosts as administrators keep them: PAM, logins that print, routes and files", async () => {
    const host = await lab.host("kept", { shell: "bash" });
    const { stdout } = await openssh(host, "root", lab.keys.plain.path, "ip route; echo $$");
    expect(stdout.startsWith(TITLE + TITLE)).toBe(true);
    expect(stdout).toContain(`100.64.0.0/10 via ${lab.root.address} dev eth0 src ${host.address}`);
    const sshd =
      "/usr/sbin/sshd -T -f /etc/ssh/lab_sshd_config | grep usepam; cat /etc/network/interfaces";
    expect((await host.run(sshd)).stdout).toMatch(/^usepam yes\n[^]*iface eth0 inet static/);
  });

  it("has an sshd that can be full for a while", async () => {
    const free = await second.fillSsh();
    const refused = await openssh(second, "root", lab.keys.plain.path, "true");
    await free();
    expect(refused.status).toBe(255);
    expect((await openssh(second, "root", lab.keys.plain.path, "true")).status).toBe(0);
  });

  it("makes hosts that differ as machines do, and share no disk, process or mount", async () => {
    const identity = "cat /etc/machine-id /proc/sys/kernel/random/boot_id; hostname";
    const [one, other] = await Promise.all([first.run(identity), second.run(identity)]);
    const lines = other.stdout.split("\n").filter(Boolean);
    expect(one.stdout.split("\n").filter((line) => lines.includes(line))).toEqual([]);

    await first.run("echo x >/var/lib/mark; echo x >/etc/mark; echo x >/usr/bin/mark");
    const seen = await second.run("ls /var/lib/mark /etc/mark /usr/bin/mark", ANY_STATUS);
    expect(seen.stdout).toBe("");
    expect([existsSync("/var/lib/mark"), existsSync("/etc/mark")]).toEqual([false, false]);
    const processes = await first.run("cat /proc/[0-9]*/comm");
    expect(processes.stdout).not.toContain("node");
  });

  it.each([
    ["dash", "iproute2"],
    ["bash", "iproute2"],
    ["busybox", "busybox"],
  ] as const)("has hosts whose shell is %s and whose ip is %s", async (shell, ip) => {
    const host = await lab.host(`shell-${shell}`, { shell, ip, withoutTools: ["flock"], ...QUIET });
    const line =
      "readlink -f /proc/$$/exe; readlink -f $(command -v ip); command -v flock || echo none";
    const { stdout, stderr } = await openssh(host, "root", lab.keys.plain.path, line);
    const [running, tool, flock] = stdout.split("\n");
    expect(running, stderr).toBe(`/usr/bin/${shell}`);
    expect(tool).toContain(ip === "busybox" ? "busybox" : "/ip");
    expect(flock).toBe("none");
  });

  it("rebuilds a host: same address and MAC, new keys and machine, nothing left", async () => {
    const host = await lab.host("rebuilt", { nics: ["eth1"] });
    const before = { key: host.hostKey, id: (await host.run("cat /etc/machine-id")).stdout };
    await host.run(`ip addr add ${VIP}/32 dev lo; echo x >/var/lib/mark`);
    await host.run("echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore");
    await host.rebuild();
    expect(host.hostKey).not.toBe(before.key);
    expect((await host.run("cat /etc/machine-id")).stdout).not.toBe(before.id);
    const { stdout } = await host.run(
      "ip -o addr show dev lo; ls /var/lib; cat /proc/sys/net/ipv4/conf/all/arp_ignore",
    );
    expect(stdout).not.toContain(VIP);
    expect(stdout).not.toContain("mark");
    expect(stdout.trim().endsWith("0")).toBe(true);
    expect((await openssh(host, "root", lab.keys.plain.path, "true")).status).toBe(0);
  });
});

describe("a lab that ends", () => {
  it("leaves no namespace, interface, mount, process or file when it is destroyed", async () => {
    const lab = await Lab.create();
    await Promise.all([lab.host("one"), lab.host("two")]);
    await lab.destroy();
    await lab.destroy();
    await expectNothingOf(lab);
  });

  it("leaves nothing either when its process is killed with -9", async () => {
    const captured = "203.0.113.177";
    await expectNothingOf(await killedLab(`await lab.capture("arp host ${captured}");`));
    await expect.poll(() => processesOf(captured), { timeout: 5_000 }).toEqual([]);
  });

  it("is removed by the next one when its keeper was killed as well", async () => {
    const killed = await killedLab(`execSync("kill -9 $(pgrep -f [w]ire.sh.*" + lab.wire + ")");`);
    expect(await leftovers(tagOf(killed))).not.toEqual([]);
    const next = await Lab.create();
    await next.destroy();
    await expectNothingOf(killed);
  });

  it("does not disturb another one that is up at the same time", async () => {
    const labs = await Promise.all([Lab.create(), Lab.create()]);
    const [one, other] = await Promise.all(labs.map((lab) => lab.host("same-name")));
    await labs[0].destroy();
    expect(one?.address).not.toBe(other?.address);
    expect((await other?.run("hostname"))?.stdout).toBe("same-name\n");
    await labs[1].destroy();
    await Promise.all(labs.map(expectNothingOf));
  });
});

/** What .bashrc and sshrc print, without a line break. */
const TITLE = "\u001b]0;web\u0007";

const ANY_STATUS = { allowFailure: true };

/** What a user has at hand, so that the lab is not judged by the code that it is to judge. */
async function openssh(host: LabHost, user: string, key: string, line: string, input = "") {
  const options = {
    IdentitiesOnly: "yes",
    StrictHostKeyChecking: "no",
    UserKnownHostsFile: "/dev/null",
    LogLevel: "ERROR",
    ConnectTimeout: "2",
    BatchMode: "yes",
  };
  const flags = Object.entries(options).flatMap(([name, value]) => ["-o", `${name}=${value}`]);
  const args = ["-F", "none", ...flags, "-i", key, `${user}@${host.address}`, line];
  return command("ssh", args, { input, allowFailure: true });
}

/** A lab with one host whose process did something, then died of kill -9. */
async function killedLab(doing: string): Promise<Pick<Lab, "wire">> {
  const line = `
    const { execSync } = require("node:child_process");
    const { Lab } = require("./lab/lab");
    Lab.create().then(async (lab) => {
      await lab.host("one");
      console.log(JSON.stringify({ wire: lab.wire }));
      ${doing}
      process.kill(process.pid, "SIGKILL");
    });`;
  const { stdout } = await command("node", ["--import", "tsx", "-e", line], ANY_STATUS);
  return JSON.parse(stdout) as Pick<Lab, "wire">;
}

function tagOf(lab: Pick<Lab, "wire">): string {
  return lab.wire.replace("lvs-dr-lab-", "");
}

async function expectNothingOf(lab: Pick<Lab, "wire">): Promise<void> {
  const tag = tagOf(lab);
  await expect
    .poll(async () => [...(await processesOf(tag)), ...(await leftovers(tag))], { timeout: 5_000 })
    .toEqual([]);
}

async function processesOf(tag: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const read = async (id: string) => {
    const environment = await readFile(`/proc/${id}/environ`, "utf8").catch(() => "");
    const line = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
    return environment.includes(tag) || line.includes(tag) ? [line] : [];
  };
  return (await Promise.all(ids.map(read))).flat();
}

async function leftovers(tag: string): Promise<string[]> {
  const namespaces = await command("ip", ["netns", "list"]);
  const links = await command("ip", ["-o", "link"]);
  const mounts = await readFile("/proc/self/mounts", "utf8");
  const lines = [namespaces.stdout, links.stdout, mounts].join("\n").split("\n");
  const files = await readdir("/run/pulumi-lvs-dr-lab").catch(() => []);
  const tags = files.map((name) =>
    readFile(`/run/pulumi-lvs-dr-lab/${name}/tag`, "utf8").catch(() => ""),
  );
  return [...lines, ...(await Promise.all(tags))].filter((line) => line.includes(tag));
}
