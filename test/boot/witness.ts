import { Wire } from "../faults/wire";
import type { Director } from "../../lab/director";
import type { Guest } from "../../lab/guest";
import type { Lab } from "../../lab/lab";
import { VIP } from "../provider/stage";

/** What the wire said of a VIP while something went on. */
export interface Witnessed {
  /** ARP requests for the VIP. */
  readonly requests: number;
  /** How many of them the director answered. */
  readonly byDirector: number;
  /** Frames in which the guest answered for the VIP or announced it. */
  readonly byGuest: number;
}

/** Asks for the VIP without pause, with and without a sender address, while something goes on. */
export async function witnessing(
  lab: Lab,
  guest: Guest,
  director: Director | undefined,
  work: () => Promise<unknown>,
): Promise<Witnessed> {
  const wire = await Wire.start(lab, [VIP]);
  wire.addServer(guest.mac);
  try {
    await work();
  } finally {
    await wire.settled();
  }
  const requests = await wire.stop();
  const frames = (mac: string | undefined) =>
    wire.leaks.filter((one) => one.mac === mac).reduce((sum, one) => sum + one.frames, 0);
  return { requests, byDirector: frames(director?.mac), byGuest: frames(guest.mac) };
}

/** When a unit became active in this boot, in seconds since the kernel's start. */
export async function activeSince(guest: Guest, unit: string): Promise<number> {
  const { stdout } = await guest.run(`systemctl show -P ActiveEnterTimestampMonotonic ${unit}`);
  return Number(stdout) / 1e6;
}

/** The settings of a oneshot unit that is started with every boot. */
export interface LateUnit {
  readonly after: string;
  readonly before?: string;
  readonly command: string;
}

/** Puts a oneshot unit on a guest, as an administrator or a package would. */
export async function addUnit(guest: Guest, name: string, unit: LateUnit): Promise<void> {
  const text = [
    "[Unit]",
    "DefaultDependencies=no",
    `After=${unit.after}`,
    ...(unit.before === undefined ? [] : [`Before=${unit.before}`]),
    "[Service]",
    "Type=oneshot",
    `ExecStart=/bin/sh -c '${unit.command}'`,
    "[Install]",
    "WantedBy=multi-user.target",
    "",
  ].join("\n");
  const input = { input: text };
  await guest.run(`cat >/etc/systemd/system/${name}.service`, input);
  await guest.run(`systemctl enable -q ${name}.service; sync`);
}

/** Takes it away again. */
export async function removeUnit(guest: Guest, name: string): Promise<void> {
  await guest.run(`systemctl disable -q ${name}; rm /etc/systemd/system/${name}.service; sync`);
}
