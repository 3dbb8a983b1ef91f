import { afterAll, beforeAll, describe, expect, it } from "vitest";

import { connectionTo, userAfterLogin } from "../contract/ssh-connection";
import type { Guest } from "../../lab/guest";
import { Lab } from "../../lab/lab";

const VIP = "203.0.113.10";

describe("a guest of the lab", () => {
  let lab: Lab;
  let guest: Guest;
  /** Who answered for the VIP in the boot after the power cut, and what was on the wire. */
  let heard: { readonly answers: readonly string[]; readonly frames: string } | undefined;

  beforeAll(async () => {
    lab = await Lab.create();
    guest = await lab.guest("first");
  });
  afterAll(() => lab.destroy());

  it("lets root in over SSH, with the host key that it says", async () => {
    const connection = connectionTo(lab, guest, { hostKey: guest.hostKey });
    expect(await userAfterLogin(connection)).toBe("root");
  });

  it("starts everything that its init has to", async () => {
    expect(await guest.waitForBoot()).toBe("running");
  });

  it("runs a line with its input, and tells stdout, stderr and status apart", async () => {
    const input = "x".repeat(50_000);
    const line = "hostname; echo wrong >&2; wc -c; exit 7";
    const finished = await guest.run(line, { input, allowFailure: true });
    expect(finished).toEqual({ status: 7, stdout: "first\n50000\n", stderr: "wrong\n" });
  });

  it("is another boot of the same machine after a reboot", async () => {
    await earlyUnit(guest, "witness", "ip -o link show eth0 >/root/early; ip addr >>/root/early");
    const before = await identity(guest);
    await guest.reboot();
    const { bootId, ...machine } = await identity(guest);
    expect(machine).toEqual({ machineId: before.machineId });
    expect(bootId).not.toBe(before.bootId);
    const connection = connectionTo(lab, guest, { hostKey: guest.hostKey });
    expect(await userAfterLogin(connection)).toBe("root");
  });

  it("has run a unit before network-pre.target then, while no NIC was up", async () => {
    const { stdout } = await guest.run("cat /root/early");
    expect(stdout).toMatch(/eth0: <BROADCAST,MULTICAST>/);
    expect(stdout).not.toContain(guest.address);
  });

  it("keeps over a power cut what was synced, and loses what was not", async () => {
    await earlyUnit(guest, "leak", `ip addr add ${VIP}/32 dev lo`);
    await guest.run("echo kept >/root/synced; sync /root/synced; sync /root");
    await guest.run("echo lost >/root/unsynced");
    await guest.powerCut();
    const capture = await lab.capture("arp");
    const [, answers] = await Promise.all([guest.powerOn(), firstAnswer(lab)]);
    heard = { answers, frames: await capture.stop() };
    const { stdout } = await guest.run("cat /root/synced; ls /root/unsynced 2>&1 || :");
    expect(stdout).toContain("kept\n");
    expect(stdout).toContain("No such file");
  });

  it("is heard to leak, where a VIP was bound early without the sysctls", () => {
    expect(heard?.answers).toEqual([guest.mac]);
    expect(heard?.frames).toContain(`Reply ${VIP} is-at ${guest.mac}`);
  });

  it("can judge units, cloud-init's among them", async () => {
    await guest.run("systemd-analyze verify /usr/share/cloud-init-units/cloud-init-local.service");
  });
});

async function identity(guest: Guest) {
  const machineId = (await guest.run("cat /etc/machine-id")).stdout.trim();
  return { machineId, bootId: await guest.bootId() };
}

/** A unit that is started before any NIC is up, and kept on the disk. */
async function earlyUnit(guest: Guest, name: string, line: string): Promise<void> {
  const input = `[Unit]
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target
After=local-fs.target
[Service]
Type=oneshot
ExecStart=/bin/sh -c '${line}'
[Install]
WantedBy=sysinit.target
`;
  const file = `/etc/systemd/system/${name}.service`;
  await guest.run(`cat >${file} && systemctl enable ${name} && sync`, { input });
}

/** Asks the wire who has the VIP until somebody says so; a minute at most. */
async function firstAnswer(lab: Lab): Promise<string[]> {
  for (const end = Date.now() + 60_000; Date.now() < end;) {
    const answers = await lab.arping(VIP);
    if (answers.length > 0) return answers;
  }
  return [];
}
