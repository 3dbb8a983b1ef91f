import { randomBytes } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { command, type CommandOptions, type Finished } from "./command";
import { guestImage } from "./guest-image";
import { Keeper } from "./keeper";

/** What a guest of the lab is like; by default a Debian under systemd. */
export interface GuestOptions {
  /**
   * What brings its NIC up: a oneshot unit of the lab's, systemd-networkd, or ifupdown; each between
   * network-pre.target and network.target. Default: unit. Under OpenRC: a service that provides net.
   */
  readonly network?: "unit" | "networkd" | "ifupdown";
  /** Default: systemd. */
  readonly init?: "systemd" | "openrc";
  /** In MiB. Default: 192. */
  readonly memory?: number;
}

/** Where a guest is on the wire, and who may log in. */
export interface GuestSettings {
  readonly name: string;
  readonly wire: string;
  /** The name of its tap in the wire's namespace. */
  readonly port: string;
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
  readonly gateway: string;
  readonly state: string;
  readonly authorizedKeys: string;
}

/** How far a boot is waited for: until the lab's console answers, or until sshd does. */
export type Until = "console" | "ssh";

/**
 * A real server with a kernel of its own (Debian's user-mode-linux) and a disk that outlives it, so
 * that it really boots. Root logs in with the lab's keys, on port 22.
 *
 * It is off after {@link powerCut}, and after it has halted or rebooted without {@link reboot};
 * {@link powerOn} starts it again.
 */
export class Guest {
  readonly name: string;
  /** The RIP, IPv4, on eth0. */
  readonly address: string;
  /** IPv6 on eth0. */
  readonly address6: string;
  readonly port = 22;
  readonly mac: string;
  /** `ssh-ed25519 AAAA...`, the same after every boot. */
  readonly hostKey: string;
  readonly #settings: GuestSettings;
  readonly #options: GuestOptions;
  readonly #image: string;
  #power: Keeper | undefined;
  #asked = 0;

  private constructor(
    settings: GuestSettings,
    options: GuestOptions,
    image: string,
    hostKey: string,
  ) {
    this.name = settings.name;
    this.address = settings.address;
    this.address6 = settings.address6;
    this.mac = settings.mac;
    this.hostKey = hostKey;
    this.#settings = settings;
    this.#options = options;
    this.#image = image;
  }

  /** Use {@link Lab.guest}. */
  static async start(settings: GuestSettings, options: GuestOptions): Promise<Guest> {
    const hostKey = await writeSettings(settings, options);
    const guest = new Guest(settings, options, await guestImage(), hostKey);
    try {
      await guest.powerOn();
    } catch (cause) {
      await guest.end();
      throw cause;
    }
    return guest;
  }

  /**
   * Starts the kernel with the disk as it is.
   * @throws Error with the end of the boot's log when it does not get so far in a minute.
   */
  async powerOn(until: Until = "ssh"): Promise<void> {
    if (this.#power !== undefined) throw new Error(`guest ${this.name} is on already`);
    const { wire, port, mac, state } = this.#settings;
    const script = join(__dirname, "guest/keep.sh");
    this.#power = await Keeper.start(`guest ${this.name}`, "/bin/bash", [script], {
      ...{ WIRE: wire, PORT: port, MAC: mac, STATE: state, IMAGE: this.#image },
      MEMORY: String(this.#options.memory ?? 192),
    });
    if (until === "ssh") await this.waitForSsh();
  }

  /** Kills the kernel: what was not synced is lost, as by a plug that is pulled. */
  async powerCut(): Promise<void> {
    await this.#power?.end();
    this.#power = undefined;
  }

  /** An orderly reboot: every unit is stopped, and another boot is waited for. */
  async reboot(until: Until = "ssh"): Promise<void> {
    const order = this.#options.init === "openrc" ? "openrc-shutdown -r now" : "systemctl reboot";
    await this.run(`${order} >/dev/null 2>&1 &`);
    await this.waitUntilOff();
    await this.powerOn(until);
  }

  /**
   * Waits until the kernel has ended by itself, after `systemctl poweroff` or `reboot` inside.
   * @throws Error when it has not in a minute.
   */
  async waitUntilOff(): Promise<void> {
    if (this.#power === undefined) return;
    await within(SECONDS, this.#power.ended, async () => this.#failure("does not go off"));
    this.#power = undefined;
  }

  /**
   * Waits until sshd greets.
   * @throws Error with the end of the boot's log when it does not in a minute.
   */
  async waitForSsh(): Promise<void> {
    const greeting = `exec 3<>/dev/tcp/${this.address}/22; read -r -t 5 line <&3; [[ $line == SSH-* ]]`;
    const poll = 'until timeout 6 bash -c "$0" 2>/dev/null; do sleep 0.2; done';
    const polling = ["--kill-after=1", String(SECONDS), "bash", "-c", poll, greeting];
    const { status } = await command("timeout", polling, { allowFailure: true });
    if (status !== 0) throw await this.#failure("has no sshd that answers");
  }

  /** Waits until the init has started all that it starts, and returns whether that is so. */
  async waitForBoot(): Promise<string> {
    const wait =
      this.#options.init === "openrc"
        ? `for i in $(seq ${SECONDS * 5}); do [ "$(rc-status -r)" = default ] && break; sleep 0.2; done; rc-status -r`
        : `timeout ${SECONDS} systemctl is-system-running --wait`;
    return (await this.run(wait, { allowFailure: true })).stdout.trim();
  }

  /**
   * Runs a command line as root inside, one after another, by a console that needs neither network
   * nor sshd and is there from before the init until the kernel's end.
   * @throws Error on a status other than 0, unless `allowFailure`; or when the guest is off.
   */
  async run(line: string, options: CommandOptions = {}): Promise<Finished> {
    if (this.#power === undefined) throw new Error(`guest ${this.name} is off, asked: ${line}`);
    const number = String((this.#asked += 1));
    const file = join(this.#settings.state, "settings", number);
    await writeFile(`${file}.command`, line);
    await writeFile(`${file}.input`, options.input ?? "");
    const answer = await this.#power.ask(number);
    const [status = "", stdout = "", stderr = ""] = answer.split(" ");
    const finished = { status: Number(status), stdout: decode(stdout), stderr: decode(stderr) };
    if (finished.status !== 0 && options.allowFailure !== true) {
      throw new Error(`${this.name}: ${line}: status ${status}: ${finished.stderr.trim()}`);
    }
    return finished;
  }

  /** Another one after every boot. */
  async bootId(): Promise<string> {
    return (await this.run("cat /proc/sys/kernel/random/boot_id")).stdout.trim();
  }

  /** What kernels and inits said, of all boots; the journal is `run("journalctl -b")`. */
  async bootLog(): Promise<string> {
    return readFile(join(this.#settings.state, "boot.log"), "utf8").catch(() => "");
  }

  /** Use {@link Lab.destroy}. */
  async end(): Promise<void> {
    await this.powerCut();
  }

  async #failure(what: string): Promise<Error> {
    const log = (await this.bootLog()).split("\n").slice(-20).join("\n");
    return new Error(`guest ${this.name} ${what}; its last words are:\n${log}`);
  }
}

/** A boot takes ten on a busy machine. */
const SECONDS = 60;

/** What process 1 reads at the first boot. @returns the host key. */
async function writeSettings(settings: GuestSettings, options: GuestOptions): Promise<string> {
  const folder = join(settings.state, "settings");
  const keyFile = join(folder, "ssh_host_ed25519_key");
  await mkdir(folder);
  await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "", "-f", keyFile]);
  await writeFile(join(folder, "authorized_keys"), `${settings.authorizedKeys}\n`);
  const values = {
    NAME: settings.name,
    MACHINE_ID: randomBytes(16).toString("hex"),
    ADDRESS: `${settings.address}/24`,
    ADDRESS6: `${settings.address6}/64`,
    GATEWAY: settings.gateway,
    NETWORK: options.network ?? "unit",
    INIT: options.init === "openrc" ? "/sbin/openrc-init" : "/sbin/init",
  };
  const lines = Object.entries(values).map(([name, value]) => `${name}='${value}'\n`);
  await writeFile(join(folder, "settings"), lines.join(""));
  return (await readFile(`${keyFile}.pub`, "utf8")).trim();
}

async function within(
  seconds: number,
  promise: Promise<void>,
  failure: () => Promise<Error>,
): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<"late">((resolve) => {
    timer = setTimeout(() => resolve("late"), seconds * 1000);
  });
  const outcome = await Promise.race([promise, late]);
  clearTimeout(timer);
  if (outcome === "late") throw await failure();
}

/** After an equals sign, which keeps a word that is empty. */
function decode(word: string): string {
  return Buffer.from(word.slice(1), "base64").toString();
}
