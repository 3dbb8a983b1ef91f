import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { inspect } from "../../src/inspect/inspect";
import { inspectionText } from "../../src/inspect/text";
import type { InspectConnection, Inspection, InspectOptions } from "../../src/inspect/types";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { own, snapshot } from "./inspection";

const VIP = "203.0.113.10";
const OTHER = "203.0.113.11";
const VIP6 = "2001:db8::10";

let lab: Lab;
beforeAll(async () => (lab = await Lab.create()));
afterAll(() => lab.destroy());

function connection(host: LabHost, changes: Partial<InspectConnection> = {}): InspectConnection {
  return {
    host: host.address,
    privateKeyFile: lab.keys.plain.path,
    knownHostsFile: "/nonexistent",
    ...changes,
  };
}

const look = (host: LabHost, options: InspectOptions = {}): Promise<Inspection> =>
  inspect(connection(host), options);

describe("a host that this package never touched", () => {
  it("has nothing wrong, and each NIC says what it would do", async () => {
    const host = await lab.host("untouched", { nics: ["eth0.100"] });
    const seen = await look(host);
    expect(seen).toMatchObject({ ok: true, vips: [], owners: [], leaks: [], names: [] });
    expect(seen.director).toBeNull();
    expect(seen.host).toBe(host.address);
    expect(seen.hostKey).toBe(host.hostKey);
    expect(seen.machineId).toMatch(/^[0-9a-f]{32}$/);
    expect(seen.nics.map(({ name, leaks }) => ({ name, leaks }))).toEqual([
      { name: "eth0", leaks: true },
      { name: "eth0.100", leaks: true },
    ]);
    expect(seen.nics[0]?.why).toContain("effective arp_ignore 0");
  });

  it("is left as it was, byte for byte", async () => {
    const host = await lab.host("left");
    await host.run(`ip addr add ${VIP}/32 dev lo`);
    const before = await snapshot(host);
    await look(host, { names: ["localhost"] });
    expect(await snapshot(host)).toBe(before);
  });

  it("can be seen by a user who becomes root with sudo", async () => {
    const host = await lab.host("sudo");
    const seen = await inspect(connection(host, { user: "deploy" }));
    expect(seen.ok).toBe(true);
  });
});

describe("a host with a route to itself", () => {
  it("is named with the command that removes it, and is well after that", async () => {
    const host = await lab.host("routed");
    await host.run(`ip route add ${VIP} dev lo`);
    const seen = await look(host);
    expect(seen).toMatchObject({ ok: false, leaks: [], staleVips: [] });
    expect(seen.selfRoutes.map((one) => one.address)).toEqual([VIP]);
    await host.run(seen.selfRoutes.map((one) => one.remove).join("\n"));
    expect(await look(host)).toMatchObject({ ok: true, selfRoutes: [] });
  });

  it("of type local leaks as an address does", async () => {
    // On no other host of this lab.
    const alone = "203.0.113.77";
    const host = await lab.host("local");
    await host.run(`ip route add local ${alone}/32 dev lo metric 5`);
    expect(await lab.arping(alone)).toEqual([host.mac]);
    const seen = await look(host);
    expect(seen.leaks).toMatchObject([{ address: alone, interfaces: ["eth0"] }]);
    expect(seen.ok).toBe(false);
  });
});

describe("a host with two owners", () => {
  let host: LabHost;
  beforeAll(async () => {
    host = await lab.host("owned");
    await own(lab, host, "first", [VIP, VIP6]);
    await own(lab, host, "second", [VIP, OTHER]);
  });

  it("tells who claims which VIP, since when, and which sysctls go back to what", async () => {
    const seen = await look(host);
    const [first, second] = ["first", "second"].map((name) =>
      seen.owners.find((one) => one.owner === name),
    );
    expect(seen.ok).toBe(true);
    expect(seen.owners).toHaveLength(2);
    expect(first?.vips).toEqual([VIP, VIP6]);
    expect(Date.now() - Date.parse(first?.lastSeen ?? "")).toBeLessThan(120_000);
    expect(second?.sysctls).toContainEqual({ interface: "all", key: "arp_ignore", value: 1 });
    const shared = seen.vips.find((vip) => vip.address === VIP);
    expect(shared).toMatchObject({ prefixLength: 32, scope: "host", label: "lo:dr", stale: false });
    expect([...(shared?.owners ?? [])].sort()).toEqual([first?.id, second?.id].sort());
    expect(seen.savedSysctls).toContainEqual({
      ...{ interface: "all", key: "arp_announce" },
      ...{ value: 0, written: 2 },
    });
    expect(seen.nics).toEqual([{ name: "eth0", ignore: 1, announce: 2, leaks: false, why: "" }]);
  });

  it("is left as it was, byte for byte, its lock included", async () => {
    const before = await snapshot(host);
    await look(host, { names: ["localhost"] });
    expect(await snapshot(host)).toBe(before);
  });

  it("is seen while somebody holds the lock", async () => {
    const seen = await whileLocked(host, async () => look(host));
    expect(seen.ok).toBe(true);
  });

  it("has a warning for a VIP that an owner claims and that is gone", async () => {
    await host.run(`ip addr del ${OTHER}/32 dev lo`);
    const seen = await look(host);
    expect(seen.owners.flatMap((one) => one.missingVips)).toEqual([OTHER]);
    expect(seen.warnings).toContainEqual(expect.stringContaining(`${OTHER} is claimed by second`));
    await host.run(`ip addr add ${OTHER}/32 dev lo scope host label lo:dr`);
  });

  it("does not take a journal for cut off while its operation is under way", async () => {
    await host.run(JOURNAL);
    const seen = await whileLocked(host, async () => look(host));
    expect(seen.pending).toEqual({ by: "somebody", underWay: true, earlierBoot: false });
    expect(seen.ok).toBe(true);
    expect(seen.warnings).toContainEqual(expect.stringContaining("somebody is under way"));
  });

  it("shows an operation that was cut off, and does not settle it", async () => {
    const before = await snapshot(host);
    const seen = await look(host);
    expect(seen.pending).toEqual({ by: "somebody", underWay: false, earlierBoot: false });
    expect(seen.ok).toBe(false);
    expect(await snapshot(host)).toBe(before);
    await host.run("rm /var/lib/lvs-dr/journal");
  });

  it("shows a journal of a later format as one that the next operation stops at", async () => {
    await host.run(JOURNAL.replace("lvs-dr-journal 1", "lvs-dr-journal 2"));
    const before = await snapshot(host);
    const seen = await look(host);
    expect(seen.pending).toMatchObject({ underWay: false, strange: "format 2" });
    expect(seen.ok).toBe(false);
    expect(inspectionText(seen)).toContain(
      "its journal has format 2, which this version does not know: the next one stops at it",
    );
    expect(await snapshot(host)).toBe(before);
    await host.run("rm /var/lib/lvs-dr/journal");
  });

  it("does not count the records of another machine, of which it is a clone", async () => {
    await host.run(
      "sed -i 's/^machine-id .*/machine-id 0123456789abcdef/' /var/lib/lvs-dr/machine",
    );
    const seen = await look(host);
    expect(seen.owners).toEqual([]);
    expect([...seen.staleVips].sort()).toEqual([VIP6, VIP, OTHER].sort());
    expect(seen.warnings).toContainEqual(expect.stringContaining("another machine"));
  });
});

/** Somebody else writes while `work` runs. */
async function whileLocked<T>(host: LabHost, work: () => Promise<T>): Promise<T> {
  await host.run("mkfifo /tmp/end");
  const holder = "sh -c 'touch /tmp/held; read -r _ </tmp/end'";
  const holding = host.run(`flock -x /var/lib/lvs-dr/lock ${holder}`);
  await host.run("until [ -e /tmp/held ]; do sleep 0.02; done");
  const result = await work();
  await host.run("echo >/tmp/end");
  await holding;
  await host.run("rm /tmp/end /tmp/held");
  return result;
}

const JOURNAL = `printf 'lvs-dr-journal 1\\nboot %s\\nby somebody\\n' \\
  "$(cat /proc/sys/kernel/random/boot_id)" >/var/lib/lvs-dr/journal`;

describe("what is wrong", () => {
  it("is an address on lo that nobody claims, and never a loopback address", async () => {
    const host = await lab.host("stale", { nics: ["eth1"] });
    await host.run(`
      echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
      echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
      ip addr add 127.0.0.2/32 dev lo; ip addr add ${VIP}/32 dev lo
      ip addr add ${VIP6}/128 dev lo; ip addr add 192.0.2.1/24 dev lo`);
    const seen = await look(host);
    expect(seen.ok).toBe(false);
    expect(seen.staleVips).toEqual([VIP, VIP6]);
    expect(seen.leaks).toEqual([]);
    expect(seen.vips.find((vip) => vip.address === "192.0.2.1")).toMatchObject({
      prefixLength: 24,
      stale: false,
    });
  });

  it("is a NIC that answers for a VIP, which the wire confirms", async () => {
    const host = await lab.host("leaking");
    await own(lab, host, "web", [VIP]);
    await host.run("echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore");
    const seen = await look(host);
    expect(seen.ok).toBe(false);
    expect(seen.leaks).toEqual([
      {
        address: VIP,
        interfaces: ["eth0"],
        why: `${VIP} is on lo, and eth0 answers ARP for it (effective arp_ignore 0)`,
      },
    ]);
    expect(await lab.arping(VIP)).toContain(host.mac);
  });

  it("is not a NIC that the owner left out on purpose", async () => {
    const host = await lab.host("excepted", { nics: ["veth7"] });
    await own(lab, host, "web", ["203.0.113.77"], {
      arp: { ignore: 1, announce: 2, interfaces: ["eth0"], except: ["veth*"] },
    });
    const seen = await look(host);
    expect(seen.leaks).toEqual([]);
    expect(seen.nics.map(({ name, leaks }) => [name, leaks])).toEqual([
      ["eth0", false],
      ["veth7", true],
    ]);
  });

  it("is arp_ignore 3 under an address of scope global, and not of scope host", async () => {
    const host = await lab.host("three");
    await host.run(`
      echo 3 >/proc/sys/net/ipv4/conf/all/arp_ignore
      echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
      ip addr add 203.0.113.31/32 dev lo scope host; ip addr add 203.0.113.32/32 dev lo`);
    const { leaks } = await look(host);
    expect(leaks.map((leak) => leak.address)).toEqual(["203.0.113.32"]);
    expect(await lab.arping("203.0.113.31")).toEqual([]);
    expect(await lab.arping("203.0.113.32")).toEqual([host.mac]);
  });

  it("is an owner's VIP on a NIC, whatever the sysctls say", async () => {
    const host = await lab.host("twice");
    await own(lab, host, "web", ["203.0.113.41", "2001:db8::41"]);
    await host.run("ip addr add 203.0.113.41/24 dev eth0");
    const { leaks } = await look(host);
    expect(leaks).toHaveLength(1);
    expect(leaks[0]?.why).toContain("on eth0 as 203.0.113.41/24");
  });

  it("comes with the warnings of a converge", async () => {
    const host = await lab.host("warned");
    await own(lab, host, "web", ["203.0.113.51"]);
    // After the sysctls: before, it would answer for the RIP, and then drop what comes for it.
    await host.addNic("eth1");
    await host.run(`
      ip addr add 192.0.2.9/24 dev eth1; echo 1 >/proc/sys/net/ipv4/conf/eth1/rp_filter
      echo 'net.ipv4.conf.all.arp_ignore = 0' >/etc/sysctl.d/99-mine.conf`);
    const { warnings } = await look(host);
    expect(warnings).toContainEqual(expect.stringContaining("eth1 has rp_filter 1"));
    expect(warnings).toContainEqual(expect.stringContaining("/etc/sysctl.d/99-mine.conf line 1"));
  });
});

describe.each([
  { name: "getent-ss", options: {} },
  {
    name: "bare",
    options: { shell: "busybox", ip: "busybox", withoutTools: ["getent", "ss", "nslookup"] },
  },
] as const)("names, on a host of the kind $name", ({ name, options }) => {
  let host: LabHost;
  beforeAll(async () => {
    host = await lab.host(name, options);
    await host.run(`
      ip addr add ${VIP}/32 dev lo scope host; ip addr add ${VIP6}/128 dev lo
      ip addr add 203.0.113.99/32 dev lo scope host
      printf '%s\\n' '${VIP} web.example Web' '${VIP6} web6.example' '198.51.100.1 away.example' \\
        '${host.address} self.example' '10.9.8.7 xweb.example # web.example' >>/etc/hosts
      sed -i 's/^#* *ListenAddress.*//' /etc/ssh/lab_sshd_config
      printf 'ListenAddress 203.0.113.99\\nListenAddress 203.0.113.99:8022\\nListenAddress ${host.address}\\nListenAddress [${VIP6}]:8443\\n' \\
        >>/etc/ssh/lab_sshd_config
      echo '203.0.113.99 ssh.example' >>/etc/hosts
      until [ -s /run/sshd.pid ]; do sleep 0.02; done`);
    await host.stopSsh();
    await host.startSsh();
  });

  it("are followed to where they end, and to what listens there", async () => {
    const names = ["web.example", "ssh.example", "self.example", "away.example", "localhost"];
    const seen = await look(host, { names });
    const ends = Object.fromEntries(seen.names.map((one) => [one.name, one]));
    expect(Object.keys(ends)).toEqual(names);
    expect(ends["web.example"]).toEqual({
      name: "web.example",
      endsOnLo: true,
      addresses: [{ address: VIP, endsOn: "lo", interface: "lo", ports: [] }],
    });
    expect(ends["ssh.example"]?.addresses).toEqual([
      { address: "203.0.113.99", endsOn: "lo", interface: "lo", ports: [22, 8022] },
    ]);
    expect(ends["self.example"]?.addresses).toEqual([
      { address: host.address, endsOn: "nic", interface: "eth0", ports: [22] },
    ]);
    expect(ends["away.example"]?.addresses).toEqual([
      { address: "198.51.100.1", endsOn: "elsewhere", ports: [] },
    ]);
    expect(ends["localhost"]).toMatchObject({ endsOnLo: false });
    expect(ends["localhost"]?.addresses[0]).toMatchObject({ endsOn: "loopback", ports: [] });
  });

  it("are followed over IPv6 too", async () => {
    const [found] = (await look(host, { names: ["web6.example"] })).names;
    expect(found?.addresses).toEqual([
      { address: VIP6, endsOn: "lo", interface: "lo", ports: [8443] },
    ]);
  });

  it("may lead nowhere, and that is said", async () => {
    const [found] = (await look(host, { names: ["nowhere.invalid"] })).names;
    expect(found).toMatchObject({ endsOnLo: false, addresses: [] });
    expect(found?.problem).toBeTruthy();
  });

  it("make a host wrong only when they end on its own lo", async () => {
    await host.run(`
      echo 1 >/proc/sys/net/ipv4/conf/all/arp_ignore
      echo 2 >/proc/sys/net/ipv4/conf/all/arp_announce
      for a in ${VIP}/32 203.0.113.99/32 ${VIP6}/128; do ip addr del "$a" dev lo; done
      ip addr add 10.200.0.1/16 dev lo; echo '10.200.3.4 wide.example' >>/etc/hosts`);
    expect((await look(host, { names: ["away.example", "localhost"] })).ok).toBe(true);
    // The kernel takes all of a wider prefix on lo for its own.
    const { ok, names } = await look(host, { names: ["wide.example"] });
    expect({ ok, ends: names[0]?.endsOnLo }).toEqual({ ok: false, ends: true });
  });
});

describe("what is refused before any connection is made", () => {
  const nowhere: InspectConnection = { host: "192.0.2.1", password: "x" };

  it.each(["", "-A", "a b", "x;reboot", "$(reboot)", "a'b", "a\nb", "ü.example", "::1", "a/b"])(
    "the name %j",
    async (name) => {
      const failing = inspect(nowhere, { names: [name] });
      await expect(failing).rejects.toMatchObject({ kind: "refused" });
    },
  );

  it("a connection with a mistake, by the words of the resource's input", async () => {
    const failing = inspect({ ...nowhere, prt: 22 } as InspectConnection);
    await expect(failing).rejects.toThrow("connection.prt: unknown input; did you mean port?");
  });
});

it("loads without Pulumi", async () => {
  const script = `require("./src/inspect/inspect");
    console.log(Object.keys(require.cache).filter((file) => file.includes("@pulumi")).length)`;
  const { stdout } = await promisify(execFile)(process.execPath, [
    ...["--import", "tsx", "--input-type=commonjs", "-e", script],
  ]);
  expect(stdout.trim()).toBe("0");
});
