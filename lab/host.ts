import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";

import { command, type CommandOptions, type Finished } from "./command";
import { Keeper } from "./keeper";

/** What a host of the lab is like; by default a Debian with dash and iproute2. */
export interface HostOptions {
  /** What /bin/sh and the users' login shell are. Default: dash. */
  readonly shell?: "dash" | "bash" | "busybox";
  /** Whose `ip` is on PATH. Default: iproute2. */
  readonly ip?: "iproute2" | "busybox";
  /** Names of programs that the host does not have, such as `flock`. */
  readonly withoutTools?: readonly string[];
  /** NICs besides eth0, on the same wire, up and without an address. Dots are allowed. */
  readonly nics?: readonly string[];
  /** Which init seems to have booted the host; none runs. Default: openrc, which is told by files alone. */
  readonly init?: "systemd" | "openrc" | "none";
  /** Whether the host has IPv6. Default: true. */
  readonly ipv6?: boolean;
  /** Whether a login prints nothing of its own, as few hosts do. Default: false, an escape sequence. */
  readonly quiet?: boolean;
}

/** Where a host is on the wire, and who may log in. */
export interface HostSettings {
  readonly name: string;
  readonly wire: string;
  /** The name of eth0's other end in the wire's namespace. */
  readonly port: string;
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
  /** The machine's address on the wire, `admin` because the user's program runs there. */
  readonly admin: string;
  readonly adminDevice: string;
  readonly state: string;
  readonly authorizedKeys: string;
  readonly passwordHash: string;
  readonly sshdOptions: string;
}

/** How to run a command in a host. */
export interface RunOptions extends CommandOptions {
  /** The shell that reads it. Default: /bin/sh, whatever that is in this host. */
  readonly shell?: string;
}

/**
 * A real server of the lab: its own network, mounts, processes, users and sshd on port 22. It has what
 * administrators' hosts have: PAM, logins that print, routes beside the default one, and network
 * configuration in files.
 *
 * Users, all with the lab's keys and password: `root`; `deploy` (sudo without a password);
 * `operator` (sudo with one); `nobodysudo` (no sudo). Any host can serve as a bastion.
 */
export class LabHost {
  readonly name: string;
  /** The RIP, IPv4. */
  readonly address: string;
  /** IPv6 on eth0; empty where the host has none. */
  readonly address6: string;
  readonly port = 22;
  /** The MAC of eth0, which a rebuilt host keeps. */
  readonly mac: string;
  readonly #settings: HostSettings;
  readonly #options: HostOptions;
  #machine: Machine;
  #extraNics = 0;

  private constructor(settings: HostSettings, options: HostOptions, machine: Machine) {
    this.name = settings.name;
    this.address = settings.address;
    this.address6 = options.ipv6 === false ? "" : settings.address6;
    this.mac = settings.mac;
    this.#settings = settings;
    this.#options = options;
    this.#machine = machine;
    this.#extraNics = options.nics?.length ?? 0;
  }

  /** Use {@link Lab.host}. */
  static async start(settings: HostSettings, options: HostOptions): Promise<LabHost> {
    return new LabHost(settings, options, await startMachine(settings, options));
  }

  /** The ed25519 host key, `ssh-ed25519 AAAA...`; another one after {@link rebuild}. */
  get hostKey(): string {
    return this.#machine.hostKey;
  }

  /** The process id, as the machine sees it, of the host's process 1. */
  get pid(): number {
    return this.#machine.pid;
  }

  /**
   * Runs a command line as root inside the host.
   * @throws Error on a status other than 0, unless `allowFailure`.
   */
  async run(line: string, options: RunOptions = {}): Promise<Finished> {
    const shell = (options.shell ?? "/bin/sh").split(" ");
    const enter = ["-t", String(this.pid), "-r", "-m", "-n", "-p", "-u", "--"];
    const environment = ["env", "-i", `PATH=${PATH}`, "HOME=/root", "LANG=C.UTF-8"];
    return command("nsenter", [...enter, ...environment, ...shell, "-c", line], options);
  }

  /** Stops listening: a new connection is refused, one that is there goes on. */
  async stopSsh(): Promise<void> {
    await this.run('kill "$(cat /run/sshd.pid)"; while [ -e /run/sshd.pid ]; do sleep 0.02; done');
  }

  /** Listens again. */
  async startSsh(): Promise<void> {
    const start = "[ -e /run/sshd.pid ] || /usr/sbin/sshd -f /etc/ssh/lab_sshd_config";
    await this.run(`${start}; timeout 10 sh -c 'until [ -s /run/sshd.pid ]; do sleep 0.02; done'`);
  }

  /**
   * Fills sshd's only slot for logins with a connection that says nothing: it turns others away.
   * @returns what ends that, and makes room for all again
   */
  async fillSsh(): Promise<() => Promise<void>> {
    await this.editSshd("s/^MaxStartups .*/MaxStartups 1:100:1/");
    const idle = connect(this.port, this.address);
    await once(idle, "data");
    return async () => {
      idle.destroy();
      await this.editSshd("s/^MaxStartups .*/MaxStartups 1000/");
    };
  }

  /** Edits sshd's configuration by an expression for sed, and has it listen anew. */
  async editSshd(expression: string): Promise<void> {
    await this.run(`sed -i '${expression}' /etc/ssh/lab_sshd_config`);
    await this.stopSsh();
    await this.startSsh();
  }

  /** Ends the SSH connections that are there, as a crash of their sshd processes would. */
  async dropSsh(): Promise<void> {
    const line =
      'for p in $(pgrep sshd); do [ "$p" = "$(cat /run/sshd.pid)" ] || kill -9 "$p"; done';
    await this.run(line, { allowFailure: true });
  }

  /** Cuts the host off without a trace: its frames are dropped, and nobody is told. */
  async cut(): Promise<void> {
    const { address, mac, adminDevice } = this.#settings;
    // Without this entry the machine finds out by ARP and says "no route to host".
    await command("ip", [
      ...["neigh", "replace", address, "lladdr", mac],
      ...["dev", adminDevice, "nud", "permanent"],
    ]);
    await this.#setPorts("disabled");
  }

  /** Ends {@link cut}. */
  async mend(): Promise<void> {
    const { address, adminDevice } = this.#settings;
    await this.#setPorts("forwarding");
    await command("ip", ["neigh", "delete", address, "dev", adminDevice], { allowFailure: true });
  }

  /** A new machine at the same address: new host key and machine-id, a clean disk, lo and sysctls. */
  async rebuild(): Promise<void> {
    await this.#machine.keeper.end();
    await this.#removePorts();
    this.#machine = await startMachine(this.#settings, this.#options);
    this.#extraNics = this.#options.nics?.length ?? 0;
  }

  /** Adds a NIC on the same wire, up and without an address. */
  async addNic(name: string): Promise<void> {
    this.#extraNics += 1;
    const { wire, port } = this.#settings;
    const other = `${port}.${this.#extraNics}`;
    const net = `--net=/proc/${this.pid}/ns/net`;
    // Only the network is the host's: the wire's name is known in the machine's mounts alone.
    const veth = ["type", "veth", "peer", "name", other, "netns", wire];
    await command("nsenter", [net, "ip", "link", "add", name, ...veth]);
    await command("nsenter", [net, "ip", "link", "set", name, "up"]);
    await command("ip", ["-netns", wire, "link", "set", other, "master", "br0", "up"]);
  }

  /** Use {@link Lab.destroy}. */
  async end(): Promise<void> {
    await this.#machine.keeper.end();
  }

  get #ports(): string[] {
    const { port } = this.#settings;
    return [port, ...Array.from({ length: this.#extraNics }, (_, i) => `${port}.${i + 1}`)];
  }

  async #setPorts(state: "disabled" | "forwarding"): Promise<void> {
    for (const port of this.#ports) {
      const args = ["-netns", this.#settings.wire, "link", "set", "dev", port, "state", state];
      await command("bridge", args);
    }
  }

  // The kernel removes a dead namespace's interfaces some time later; the names are needed now.
  async #removePorts(): Promise<void> {
    for (const port of this.#ports) {
      const args = ["-netns", this.#settings.wire, "link", "delete", port];
      await command("ip", args, { allowFailure: true });
    }
  }
}

interface Machine {
  readonly keeper: Keeper;
  readonly pid: number;
  readonly hostKey: string;
}

const PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

const SHELLS = {
  dash: { SH: "dash", LOGIN: "/bin/sh" },
  bash: { SH: "bash", LOGIN: "/bin/bash" },
  busybox: { SH: "busybox", LOGIN: "/bin/sh" },
};

async function startMachine(settings: HostSettings, options: HostOptions): Promise<Machine> {
  const script = join(__dirname, "machine.sh");
  const keeper = await Keeper.start(
    `host ${settings.name}`,
    "unshare",
    ["--net", "--mount", "--uts", "/bin/bash", script],
    {
      NAME: settings.name,
      WIRE: settings.wire,
      PORT: settings.port,
      MAC: settings.mac,
      ADDRESS: `${settings.address}/24`,
      ADDRESS6: options.ipv6 === false ? "" : `${settings.address6}/64`,
      GATEWAY: settings.admin,
      DISK: settings.state,
      AUTHORIZED_KEYS: settings.authorizedKeys,
      PASSWORD_HASH: settings.passwordHash,
      SSHD_OPTIONS: settings.sshdOptions,
      ...SHELLS[options.shell ?? "dash"],
      INIT: options.init ?? "openrc",
      IP: options.ip ?? "iproute2",
      QUIET: options.quiet === true ? "yes" : "",
      NICS: options.nics?.join(" ") ?? "",
      WITHOUT_TOOLS: options.withoutTools?.join(" ") ?? "",
    },
  );
  const [pid = "", type = "", key = ""] = keeper.greeting.split(" ");
  return { keeper, pid: Number(pid), hostKey: `${type} ${key}` };
}
