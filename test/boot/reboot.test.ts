import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { RealServerArgs } from "../../src/index";
import type { Engine } from "../../lab/engine";
import type { Director } from "../../lab/director";
import type { Guest } from "../../lab/guest";
import { arpOf, NOTHING, onLo, said, Stage, stored, traces, VIP, VIP6 } from "../provider/stage";
import { activeSince, addUnit, removeUnit, witnessing } from "./witness";

const BOUND = [`${VIP6}/128`, `${VIP}/32`];
const UNIT = "pulumi-lvs-dr.service";

describe("a real server that reboots", () => {
  let stage: Stage;
  let guest: Guest;
  let director: Director;
  let engine: Engine;
  const up = (changes: Partial<RealServerArgs> = {}, refresh = false) =>
    engine.up(stage.program(stage.args(guest, changes)), { refresh });

  beforeAll(async () => {
    stage = await Stage.create();
    [guest, director, engine] = await Promise.all([
      stage.guest("web"),
      stage.lab.director({ vips: [VIP, VIP6] }),
      stage.engine(),
    ]);
    await guest.waitForBoot();
  });
  afterAll(() => stage.destroy());

  it("has a unit that makes no cycle, also beside cloud-init's units", async () => {
    expect((await up()).changes).toEqual({ create: 2 });
    expect((await guest.run(`systemctl is-enabled ${UNIT}`)).stdout.trim()).toBe("enabled");
    // One of /var by the network must make no cycle either: it would take the network along.
    const remote = "[Unit]\n[Mount]\nWhat=nfs.example:/x\nWhere=/var/lib/lvs-dr\nType=nfs\n";
    const mount = "/etc/systemd/system/var-lib-lvs\\x2ddr.mount";
    await guest.run(`cat >'${mount}'`, { input: remote });
    const verify = `cp /usr/share/cloud-init-units/* /etc/systemd/system/
      systemctl enable -q cloud-init-local cloud-init cloud-config cloud-final 2>/dev/null
      systemd-analyze verify default.target ${UNIT} cloud-init-local.service cloud-init.service 2>&1
      cd /usr/share/cloud-init-units && for f in *; do systemctl disable -q $f 2>/dev/null; rm /etc/systemd/system/$f; done
      rm '${mount}'; systemctl daemon-reload`;
    const { stdout } = await guest.run(verify, { allowFailure: true });
    expect(stdout).not.toMatch(/cycle|pulumi-lvs-dr/i);
  });

  it("has its VIPs before sshd answers, and is silent at every moment of the boot", async () => {
    const seen = await witnessing(stage.lab, guest, director, async () => {
      await guest.reboot();
      expect(await onLo(guest)).toEqual(BOUND);
      await guest.waitForBoot();
    });
    expect(await arpOf(guest)).toBe("1 2");
    const nic = await activeSince(guest, "lab-nic.service");
    expect(await activeSince(guest, UNIT)).toBeLessThan(nic);
    expect(nic).toBeLessThan(await activeSince(guest, "ssh.service"));
    expect(seen.requests).toBeGreaterThan(100);
    expect(seen.byDirector).toBeGreaterThan(50);
    expect(seen.byGuest).toBe(0);
    console.log(
      `a reboot: ${seen.requests} requests for the VIP, ${seen.byDirector} answers by the ` +
        `director, ${seen.byGuest} by the real server`,
    );
    const outcome = await engine.refresh();
    expect(outcome.changes, outcome.text).toEqual({ same: 2 });
    expect((await stored(engine)).outputs.drift).toEqual([]);
  });

  it("has its VIPs off where a NIC would leak, and says so in its status and in a refresh", async () => {
    const file = "/etc/sysctl.d/90-leak.conf";
    await guest.run(`echo net.ipv4.conf.eth0.arp_ignore=4 >${file}; sync`);
    const seen = await witnessing(stage.lab, guest, director, async () => {
      await guest.reboot();
      await guest.waitForBoot();
      await expect
        .poll(async () => (await guest.run(`systemctl is-failed ${UNIT} || :`)).stdout.trim(), {
          timeout: 20_000,
        })
        .toBe("failed");
    });
    expect(await onLo(guest)).toEqual([]);
    expect(seen.byGuest).toBe(0);
    const { stdout } = await guest.run(`systemctl status ${UNIT}`, { allowFailure: true });
    expect(stdout).toContain("eth0 would leak: arp_ignore is 4");

    await engine.refresh();
    expect((await stored(engine)).outputs.drift).toContainEqual(
      expect.stringContaining("boot: the replay failed: eth0 would leak"),
    );
    await guest.run(`rm ${file}; echo 0 >/proc/sys/net/ipv4/conf/eth0/arp_ignore`);
    expect((await up()).changes).toMatchObject({ update: 1 });
    expect(await onLo(guest)).toEqual(BOUND);
    expect((await engine.refresh()).changes).toEqual({ same: 2 });
    expect((await guest.run(`systemctl is-failed ${UNIT} || :`)).stdout.trim()).not.toBe("failed");
  });

  it("puts right what a late unit undoes, and warns of it", async () => {
    const command = "echo 0 >/proc/sys/net/ipv4/conf/all/arp_ignore";
    await addUnit(guest, "late", { after: "multi-user.target", command });
    await guest.reboot();
    await guest.waitForBoot();
    await expect.poll(() => arpOf(guest), { timeout: 20_000 }).toBe("1 2");
    expect((await guest.run(`systemctl status ${UNIT}`)).stdout).toContain("put back to 1");
    await removeUnit(guest, "late");
    const outcome = await engine.refresh();
    expect(outcome.changes).toEqual({ same: 2 });
    expect(said(outcome, "warning").join()).toContain("arp_ignore of all was 0");
  });

  it("waits for a VLAN that comes late, where the NICs are listed", async () => {
    const arp = { interfaces: ["eth0", "eth0.100"] };
    const vlan = "modprobe 8021q; ip link add link eth0 name eth0.100 type vlan id 100";
    await guest.run(vlan);
    expect((await up({ arp })).succeeded).toBe(true);
    await addUnit(guest, "vlan", {
      after: "network.target sshd.service",
      command: `sleep 2; ${vlan}; ip link set eth0.100 up`,
    });
    const seen = await witnessing(stage.lab, guest, director, async () => {
      await guest.reboot("console");
      expect(await onLo(guest)).toEqual([]);
      await expect.poll(() => onLo(guest), { timeout: 60_000 }).toEqual(BOUND);
      await guest.waitForBoot();
    });
    expect(seen.byGuest).toBe(0);
    expect(await arpOf(guest, "eth0.100")).toBe("1 2");
    expect(await arpOf(guest)).toBe("0 0");
    const outcome = await engine.refresh();
    expect(outcome.changes, outcome.text).toEqual({ same: 2 });
    await removeUnit(guest, "vlan");
    await guest.run("ip link del eth0.100");
    expect((await up()).succeeded).toBe(true);
  });

  it("binds nothing as a clone, until an up sets the image's registry aside", async () => {
    const own = (await guest.run("cat /etc/machine-id")).stdout;
    await guest.run("echo 0123456789abcdef0123456789abcdef >/etc/machine-id; sync");
    await guest.reboot();
    await guest.waitForBoot();
    expect(await traces(guest)).toMatchObject({ lo: [], arp: "0 0" });
    const outcome = await up({}, true);
    expect(outcome.changes, outcome.text).toMatchObject({ update: 1 });
    expect(said(outcome, "warning").join()).toContain("set aside");
    expect(await onLo(guest)).toEqual(BOUND);
    await guest.run(`echo ${own.trim()} >/etc/machine-id; sync`);
  });

  it("is off after a boot without persist, which leaves no unit", async () => {
    expect((await up({ persist: false }, true)).changes).toMatchObject({ update: 1 });
    const files =
      "ls /etc/systemd/system/*pulumi* /etc/systemd/system/*/*pulumi* /var/lib/lvs-dr/replay";
    expect((await guest.run(files, { allowFailure: true })).stdout).toBe("");
    await guest.reboot();
    expect(await onLo(guest)).toEqual([]);
    expect((await up({}, true)).changes).toMatchObject({ update: 1 });
    expect((await guest.run(files)).stdout).toContain(UNIT);
  });

  it("has nothing left after a destroy, and after a reboot", async () => {
    expect((await engine.destroy()).changes).toEqual({ delete: 2 });
    expect(await traces(guest)).toEqual(NOTHING);
    const { stdout } = await guest.run(`systemctl list-units --all | grep -c lvs-dr || :`);
    expect(stdout.trim()).toBe("0");
    const seen = await witnessing(stage.lab, guest, director, () => guest.reboot());
    expect(seen.byGuest).toBe(0);
    expect(await traces(guest)).toEqual(NOTHING);
    const rest = "find / -xdev -name '*lvs-dr*' -not -path '/proc/*' -not -path '/usr/*'";
    expect((await guest.run(rest)).stdout).toBe("");
  });
});
