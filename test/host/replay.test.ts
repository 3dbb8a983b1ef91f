import { describe, it } from "vitest";

import type { Arp } from "../../src/domain/arp";
import { parseObservation } from "../../src/observed/observed";
import { Box, eventually, FLAVOURS } from "./box";
import { claim, serve, withdraw } from "./claims";
import { carryOut, ok, prepare, TRYING, trying } from "./session";

const [A, B, C] = ["203.0.113.10", "203.0.113.11", "2001:db8::10"] as const;
const OWNERS = "/var/lib/lvs-dr/owners";
const CONF = "/proc/sys/net/ipv4/conf";
const OUTCOME = "/run/pulumi-lvs-dr.boot";
/** The journal of an operation whose shell and watchdog are killed stays. */
const CUT = trying('kill -KILL "$watchdog"; kill -KILL $$');

const listed = (...interfaces: string[]): Arp => {
  return { ignore: 1, announce: 2, interfaces, except: ["wire*"] };
};

/** What a reboot leaves of the network: nothing of ours. OpenRC is in the runlevel `boot` again. */
const REBOOT = `
  pkill -f '[l]vs-dr/replay'
  for prefix in ${A}/32 ${B}/32 ${C}/128; do ip addr del $prefix dev lo 2>/dev/null; done
  for nic in all default lo eth0; do
    echo 0 >${CONF}/$nic/arp_ignore; echo 0 >${CONF}/$nic/arp_announce
  done
  cat /proc/sys/kernel/random/uuid >/mnt/boot_id; rm -f ${OUTCOME}
  echo boot >/run/openrc/softlevel`;

const BOOT_IS_OVER = "echo default >/run/openrc/softlevel";

/** Runs the replay as the boot does, through its first part; the rest goes on in the background. */
async function replay(box: Box): Promise<string> {
  const line = "/bin/sh /var/lib/lvs-dr/replay </dev/null 2>&1";
  const { status, stdout } = await box.run(line, { allowFailure: true });
  if (status !== 0) throw new Error(`status ${status}: ${stdout}`);
  return stdout;
}

async function vipsOf(box: Box): Promise<string[]> {
  const { stdout } = await box.run("/usr/sbin/ip -o addr show dev lo");
  return [A, B, C].filter((vip) => stdout.includes(` ${vip}/`));
}

async function valueOf(box: Box, key: string): Promise<string> {
  return (await box.run(`cat ${CONF}/${key}`)).stdout.trim();
}

/** Nothing of the replay runs any more; what it says of itself. */
async function ended(box: Box): Promise<string> {
  await eventually(
    () => box.processes(),
    (left) => left.length === 0,
    30,
  );
  return (await box.run(`cat ${OUTCOME} 2>/dev/null || :`)).stdout;
}

/** Serves and reboots. */
async function booted(box: Box, ...claims: Parameters<typeof claim>[]): Promise<void> {
  for (const [owner, vips, more] of claims)
    await carryOut(box.open({ vips }), serve(claim(owner, vips, { persist: true, ...more })));
  await box.run(REBOOT);
}

describe.concurrent.each(FLAVOURS)("the replay under $shell with the ip of $ip", (flavour) => {
  const made = () => Box.create({ ...flavour, init: "openrc" });

  it("makes the host as it was before the boot, so that nothing drifted", async ({ expect }) => {
    await using box = await made();
    const web = ["web", [A, C], { arp: { ...listed(), ignore: 2, interfaces: "all" } }] as const;
    await carryOut(box.open({ vips: [B] }), serve(claim("api", [B], { persist: true })));
    await carryOut(box.open(), serve(claim(web[0], web[1], { ...web[2], persist: true })));
    const before = await box.snapshot();
    await box.run(REBOOT);
    await replay(box);
    expect(await vipsOf(box)).toEqual([A, B, C]);
    expect((await box.snapshot()).replace(/^.*pulumi-lvs-dr\.boot.*\n/gm, "")).toBe(before);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
  });

  it("leaves to ifupdown what its files bind, or binds it once the network is up", async ({
    expect,
  }) => {
    await using box = await made();
    await booted(box, ["web", [A, C]], ["api", [B]]);
    const spelled = C.replace("::", ":0:0::").toUpperCase();
    await box.run(`mkdir -p /etc/network /etc/ifup; cd /etc/network
      echo 'source ../ifup/*.cfg' >interfaces
      printf 'iface lo:0 inet static\\n  address ${A}\\niface lo inet6 static\\n' >/etc/ifup/lo.cfg
      printf '  address ${spelled}/128\\n  dns-nameservers ${B}\\n# address ${B}\\n' >>/etc/ifup/lo.cfg`);
    await replay(box);
    expect(await vipsOf(box)).toEqual([B]);
    expect(await valueOf(box, "all/arp_ignore")).toBe("1");
    await box.run(`/usr/sbin/ip addr add ${A}/32 brd ${A} dev lo label lo:0
      /usr/sbin/ip addr add ${C}/128 dev lo; /usr/sbin/ip route add 192.0.2.0/24 via 10.9.0.1 src ${A}`);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([A, B, C]);
    const { stdout } = await box.run("/usr/sbin/ip -o addr show dev lo; /usr/sbin/ip route");
    expect(stdout).toContain(`src ${A}`);
    if (flavour.ip === "iproute2") {
      expect(stdout).toContain(`${A}/32 scope host lo:dr`);
      expect(stdout).toMatch(new RegExp(`${C}/128 .*preferred_lft 0sec`));
      expect(stdout).not.toContain("peer");
    }
    await box.run(REBOOT);
    await replay(box);
    expect(await vipsOf(box)).toEqual([B]);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([A, B, C]);
  });

  it("binds nothing of owners that did not ask for it", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]], ["plain", [B], { persist: false }]);
    await replay(box);
    expect(await vipsOf(box)).toEqual([A]);
  });

  it("binds what was committed, and undoes what a power cut left half done", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    const session = box.open({ vips: [A, B], program: TRYING });
    const { verbs } = await prepare(session, serve(claim("web", [A, B], { persist: true })));
    await session.request([...verbs, CUT].join(" && "));
    // Of steps that were not on disk yet there are zeros.
    await box.run("printf '\\000\\000\\n\\000\\n' >>/var/lib/lvs-dr/journal");
    await box.run(REBOOT);
    await replay(box);
    expect(await vipsOf(box)).toEqual([A]);
    expect((await box.run("ls /var/lib/lvs-dr")).stdout).not.toContain("journal");
  });

  it("binds what was committed, where a power cut came as a journal was begun", async ({
    expect,
  }) => {
    await using box = await made();
    for (const head of [":", "head -c 300 /dev/zero", "echo lvs-dr-journal 1"]) {
      await booted(box, ["web", [A]]);
      await box.run(`${head} >/var/lib/lvs-dr/journal`);
      await replay(box);
      expect(await vipsOf(box), head).toEqual([A]);
      expect((await box.run("ls /var/lib/lvs-dr")).stdout).not.toContain("journal");
    }
  });

  it("has the next operation finish where a power cut came while it was taken away", async ({
    expect,
  }) => {
    await using box = await made();
    const clean = await box.snapshot();
    await booted(box, ["web", [A]]);
    for (const finish of [serve, withdraw]) {
      const session = box.open({ vips: [A], program: TRYING });
      const { verbs } = await prepare(session, withdraw(claim("web", [A], { persist: true })));
      await session.request([...verbs, CUT].join(" && "));
      await box.run(REBOOT);
      expect((await box.run("ls /var/lib/lvs-dr")).stdout).not.toContain("replay");
      await carryOut(box.open({ vips: [A] }), finish(claim("web", [A], { persist: true })));
      expect(await vipsOf(box)).toEqual(finish === serve ? [A] : []);
    }
    expect(await box.snapshot()).toBe(clean);
  });

  it("leaves nothing of a first create that a power cut left half done", async ({ expect }) => {
    await using box = await made();
    const clean = await box.snapshot();
    const session = box.open({ vips: [A], program: TRYING });
    const { verbs } = await prepare(session, serve(claim("web", [A], { persist: true })));
    await session.request([...verbs, CUT].join(" && "));
    await box.run(REBOOT);
    await replay(box);
    await ended(box);
    expect(await box.snapshot()).toBe(clean);
  });

  it("binds nothing on a machine that was cloned with the registry", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await box.run("echo 0123456789abcdef0123456789abcdef >/mnt/machine-id");
    expect(await replay(box)).toContain("belongs to another machine");
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([]);
    expect(await valueOf(box, "all/arp_ignore")).toBe("0");
  });

  it("binds what other owners have where one's record cannot be read", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]], ["api", [B]]);
    await box.run(`sed -i '/^end$/d' $(grep -l '"web"' ${OWNERS}/*)`);
    await replay(box);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toContain("cannot be read");
    expect(await vipsOf(box)).toEqual([B]);
  });

  it("passes over lines of a later version, and names a record of a later format", async ({
    expect,
  }) => {
    await using box = await made();
    await booted(box, ["web", [A, C]], ["api", [B]]);
    await box.run(`cd ${OWNERS} && sed -i '/^vip/i weight 3' $(grep -l '"web"' *) &&
      sed -i '/^end/i flag' $(grep -l '"web"' *) && sed -i s/^lvs-dr-owner.*/lvs-dr-owner\\ 2/ $(grep -l '"api"' *)`);
    await replay(box);
    expect(await vipsOf(box)).toEqual([A, C]);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toMatch(
      /^failed \/var\/lib\/lvs-dr\/owners\/[0-9a-f]{32} cannot be read at "lvs-dr-owner 2"\n$/,
    );
    expect(await vipsOf(box)).toEqual([A, C]);
  });

  it("binds nothing beside a journal that it cannot undo, keeps it and names it", async ({
    expect,
  }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    const session = box.open({ vips: [A, B], program: TRYING });
    const { verbs } = await prepare(session, serve(claim("web", [A, B], { persist: true })));
    await session.request([...verbs, CUT].join(" && "));
    await box.run("echo route del 203.0.113.0/24 >>/var/lib/lvs-dr/journal");
    await box.run(`${REBOOT}; : >/var/lib/lvs-dr/lock`);
    const before = await box.snapshot();
    expect(await replay(box)).toContain('does not know: "route del 203.0.113.0/24"');
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toMatch(/^failed nothing is bound: the journal .*, which a test left/);
    await box.run(`rm ${OUTCOME}`);
    expect(await box.snapshot()).toBe(before);
    expect(await vipsOf(box)).toEqual([]);
  });

  it("leaves VIPs off while a NIC would leak, and binds them once it does not", async ({
    expect,
  }) => {
    await using box = await made();
    await booted(box, ["web", [A, C]]);
    await box.run(`echo 4 >${CONF}/eth0/arp_ignore`);
    await replay(box);
    expect(await vipsOf(box)).toEqual([]);
    await box.run(`echo 0 >${CONF}/eth0/arp_ignore`);
    await eventually(
      () => vipsOf(box),
      (vips) => vips.length === 2,
    );
    await box.run(`echo 4 >${CONF}/eth0/arp_ignore`);
    await eventually(
      () => vipsOf(box),
      (vips) => vips.length === 0,
    );
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toContain("failed eth0 would leak");
  });

  it("puts right what is undone before the boot is over, and says so", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await replay(box);
    await box.run(`echo 0 >${CONF}/all/arp_ignore`);
    await eventually(
      () => valueOf(box, "all/arp_ignore"),
      (value) => value === "1",
    );
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("found arp_ignore of all was 0, and is put back to 1\n");
    const reader = box.open({ mode: "share", vips: [A] });
    expect((await reader.observed()).boot.findings).toHaveLength(1);
    await reader.end();
  });

  it("silences a host at once, whoever has the lock", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await replay(box);
    const session = box.open({ vips: [B] });
    await session.observed();
    await box.run(`echo 0 >${CONF}/all/arp_announce`);
    await eventually(
      () => valueOf(box, "all/arp_announce"),
      (value) => value === "2",
      5,
    );
    await box.run(BOOT_IS_OVER);
    await session.end();
    expect(await ended(box)).toBe("found arp_announce of all was 0, and is put back to 2\n");
  });

  it("binds at the end what somebody has taken off meanwhile", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A, C]]);
    await replay(box);
    await box.run(`ip addr del ${A}/32 dev lo`);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([A, C]);
  });

  it("leaves a VIP to an owner that has bound it since, and is silent", async ({ expect }) => {
    await using box = await made();
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    await booted(box, ["web", [A], { arp: listed("eth0", "late0") }]);
    await box.run("/usr/sbin/ip link del late0");
    await box.run("sed -i 's/^nics_limit=.*/nics_limit=2/' /var/lib/lvs-dr/replay");
    await replay(box);
    await carryOut(box.open({ vips: [A] }), serve(claim("plain", [A])));
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toContain("failed late0 is not there");
    expect(await vipsOf(box)).toEqual([A]);
  });

  it("binds nothing on a machine that cannot say which one it is", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await box.run("echo >/mnt/machine-id");
    expect(await replay(box)).toContain("this machine has no machine-id");
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([]);
  });

  it("does not say again what it said in an earlier boot", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await box.run(`echo failed of old >${OUTCOME}`);
    const session = box.open({ vips: [A], program: TRYING });
    const { verbs } = await prepare(session, serve(claim("web", [A], { persist: true })));
    await session.request([...verbs, CUT].join(" && "));
    await box.run(REBOOT);
    await replay(box);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([A]);
  });

  it("waits for listed NICs, and for the network", async ({ expect }) => {
    await using box = await made();
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    await booted(box, ["web", [A], { arp: listed("eth0", "late0") }]);
    await box.run("/usr/sbin/ip link del late0");
    await replay(box);
    expect(await vipsOf(box)).toEqual([]);
    // By now another NIC may have that name.
    expect(await valueOf(box, "eth0/arp_ignore")).toBe("0");
    await box.run(BOOT_IS_OVER);
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    expect(await ended(box)).toBe("");
    expect(await vipsOf(box)).toEqual([A]);
    expect(await valueOf(box, "late0/arp_announce")).toBe("2");
  });

  it("leaves VIPs off where a listed NIC never comes, or another one would leak", async ({
    expect,
  }) => {
    await using box = await made();
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    await booted(box, ["web", [A], { arp: listed("eth0", "late0") }], ["api", [B]]);
    await box.run("/usr/sbin/ip link del late0");
    await box.run("sed -i 's/^nics_limit=.*/nics_limit=2/' /var/lib/lvs-dr/replay");
    await replay(box);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toContain("failed late0 is not there");
    expect(await vipsOf(box)).toEqual([B]);

    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    await carryOut(box.open(), withdraw(claim("api", [B])));
    await box.run(`${REBOOT}; /usr/sbin/ip link add loud0 type veth peer name wire2`);
    await replay(box);
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toContain("failed loud0 would leak");
    expect(await vipsOf(box)).toEqual([]);
  });

  it("puts a listed NIC right that comes again with default values", async ({ expect }) => {
    await using box = await made();
    await box.run("/usr/sbin/ip link add late0 type veth peer name wire1");
    await booted(box, ["web", [A], { arp: listed("eth0", "late0") }]);
    await replay(box);
    await box.run(
      "/usr/sbin/ip link del late0; /usr/sbin/ip link add late0 type veth peer name wire1",
    );
    await box.run(BOOT_IS_OVER);
    expect(await ended(box)).toBe("");
    expect(await valueOf(box, "late0/arp_ignore")).toBe("1");
    expect(await vipsOf(box)).toEqual([A]);
  });

  it("can be run again at any time, and finds nothing to do", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A, "::192.0.2.1"]]);
    await box.run(BOOT_IS_OVER);
    await replay(box);
    expect(await ended(box)).toBe("");
    const before = await box.snapshot();
    await replay(box);
    expect(await ended(box)).toBe("");
    expect(await box.snapshot()).toBe(before);
  });

  it("waits for an operation that has the lock", async ({ expect }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    const session = box.open({ vips: [B] });
    await session.observed();
    const running = box.run("/bin/sh /var/lib/lvs-dr/replay </dev/null >/mnt/said 2>&1");
    await eventually(
      () => box.run("cat /mnt/said", { allowFailure: true }),
      ({ stdout }) => stdout.includes("waiting for the lock held by a test"),
    );
    expect(await vipsOf(box)).toEqual([]);
    await session.end();
    await running;
    expect(await vipsOf(box)).toEqual([A]);
  });

  it("is told of by a refresh when it failed, until an operation has put it right", async ({
    expect,
  }) => {
    await using box = await made();
    await booted(box, ["web", [A]]);
    await box.run(`echo 4 >${CONF}/eth0/arp_ignore`);
    await replay(box);
    await box.run(BOOT_IS_OVER);
    await ended(box);
    await box.run(`echo 0 >${CONF}/eth0/arp_ignore`);
    const reader = box.open({ mode: "share", vips: [A] });
    expect(parseObservation(ok(await reader.answer())).boot.failure).toContain("eth0 would leak");
    await reader.end();
    const web = claim("web", [A], { persist: true });
    const after = await carryOut(box.open({ vips: [A] }), serve(web));
    expect(after.boot.failure).toBeUndefined();
    expect(await vipsOf(box)).toEqual([A]);
  });
});
