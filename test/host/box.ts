import { readdirSync, readlinkSync } from "node:fs";
import { join } from "node:path";

import { command, type Finished } from "../../lab/command";
import { Keeper } from "../../lab/keeper";
import { Session, type SessionOptions } from "./session";

/** Each shell and each `ip` that host.sh is for. */
export const FLAVOURS = (["dash", "bash", "busybox"] as const).flatMap((shell) =>
  (["iproute2", "busybox"] as const).map((ip): Flavour => ({ shell, ip })),
);

/** What a box's `sh` and `ip` are. */
export interface Flavour {
  readonly shell: "dash" | "bash" | "busybox";
  readonly ip: "iproute2" | "busybox";
}

/** How a box differs from the usual. */
export interface BoxOptions extends Partial<Flavour> {
  /** Mount options of /var/lib. */
  readonly disk?: string;
  /** Which init seems to have booted it. Default: none. */
  readonly init?: "systemd" | "openrc" | "none";
}

/** The two ends of the SSH connection that a box is told of: RIP 10.9.0.2 on eth0. */
export const SSH_CONNECTION = "10.9.0.1 50000 10.9.0.2 22";

/**
 * What host.sh sees of a real server: a network with eth0, /var/lib, /proc, /sys and a machine-id of
 * its own. No sshd: {@link Box.open} starts the very command line that sshd would, with pipes.
 */
export class Box {
  private constructor(
    readonly flavour: Flavour,
    private readonly keeper: Keeper,
    private readonly pid: number,
  ) {}

  static async create(options: BoxOptions = {}): Promise<Box> {
    const flavour = { shell: options.shell ?? "dash", ip: options.ip ?? "iproute2" } as const;
    const namespaces = ["--net", "--mount", "--pid", "--fork", "--kill-child"];
    const script = join(__dirname, "box.sh");
    const keeper = await Keeper.start(
      "a box",
      "unshare",
      [...namespaces, "--", "/bin/bash", script],
      {
        SH: flavour.shell,
        IP: flavour.ip,
        DISK: options.disk ?? "mode=755",
        INIT: options.init ?? "none",
      },
    );
    return new Box(flavour, keeper, Number(keeper.greeting));
  }

  /** Runs a command line as root in the box; a status other than 0 is an error. */
  async run(line: string, options: { allowFailure?: boolean } = {}): Promise<Finished> {
    const [program = "", ...args] = this.entering(["/bin/sh", "-c", line]);
    return command(program, args, options);
  }

  /** Puts an `ip` before the real one, which does something first while there is a file /mnt/on. */
  async wrapIp(first: string): Promise<void> {
    const real = this.flavour.ip === "busybox" ? "/mnt/bin/ip" : "/usr/sbin/ip";
    // Shells remember where they found ip, so it is there from the start and switched on later.
    const lines = ["#!/bin/sh", `ip=${real}`, `[ ! -e /mnt/on ] || ${first}`, '"$ip" "$@"'];
    await this.run(`cat >/mnt/first/ip <<'END'\n${lines.join("\n")}\nEND\nchmod +x /mnt/first/ip`);
  }

  /** Starts host.sh as the login shell of an SSH session would. */
  open(options: Partial<SessionOptions> = {}): Session {
    return new Session((line) => this.login(line), options);
  }

  /** What sshd would start for a command line. */
  login(line: string): string[] {
    return this.entering(["sh", "-c", line]);
  }

  /** A command line that runs a program in the box, with the box's `sh` and `ip` first on PATH. */
  private entering(words: readonly string[]): string[] {
    return [
      ...["nsenter", "-t", String(this.pid), "-m", "-n", "-p", "--"],
      ...["env", "-i", `PATH=${PATH}`, "HOME=/root", `SSH_CONNECTION=${SSH_CONNECTION}`],
      ...words,
    ];
  }

  /** The processes of the box besides its first, by what they were started as. */
  processes(): string[] {
    const own = readlinkSync(`/proc/${this.pid}/ns/pid`);
    return readdirSync("/proc").filter((pid) => {
      if (!/^\d+$/.test(pid) || Number(pid) === this.pid) return false;
      try {
        return readlinkSync(`/proc/${pid}/ns/pid`) === own;
      } catch {
        return false; // gone meanwhile
      }
    });
  }

  /**
   * All of the host that host.sh may change. Lifetimes run down, so they count by the quarter of an
   * hour; what is said of DAD means nothing on lo.
   */
  async snapshot(): Promise<string> {
    const { stdout } = await this.run(SNAPSHOT);
    return stdout
      .replace(/_lft (\d+)sec/g, (_, seconds) => `_lft ${Math.ceil(Number(seconds) / 900)}`)
      .replace(/ (nodad|tentative)(?= )/g, "");
  }

  /** Ends the box with all that is in it: `await using box = ...`. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.keeper.end();
  }
}

// First the wrappers of single tests, then what the flavour says, then the machine's.
const PATH = "/mnt/first:/mnt/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

// /usr/sbin/ip: a wrapper on PATH is not to see this.
const SNAPSHOT = `
  /usr/sbin/ip -o addr show dev lo | sort
  cd /proc/sys/net/ipv4/conf && grep . */arp_ignore */arp_announce
  cd /var/lib && find . -name dbus -prune -o -printf '%p %y %m\\n' | sort
  find . -name dbus -prune -o -type f -size +0 -exec sha256sum {} + | sort
  find /etc/init.d /etc/runlevels /etc/systemd/system /run -name '*pulumi-lvs-dr*' -printf '%p %y %m %l\n' \
    -type f -exec sha256sum {} + 2>/dev/null | sort
`;

/** Looks every `pause` milliseconds until something holds. @throws Error with what was seen last when it never does. */
export async function eventually<Seen>(
  look: () => Seen | Promise<Seen>,
  holds: (seen: Seen) => boolean,
  seconds = 10,
  pause = 20,
): Promise<Seen> {
  const end = Date.now() + seconds * 1000;
  for (;;) {
    const seen = await look();
    if (holds(seen)) return seen;
    if (Date.now() > end) throw new Error(`still not so: ${JSON.stringify(seen)}`);
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
