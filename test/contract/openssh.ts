// The user's own ssh against hosts of the lab: what their tests share.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "vitest";

import { RealServerError } from "../../src/domain/errors";
import { parseConnection } from "../../src/inputs/connection";
import type { InspectConnection } from "../../src/inspect/types";
import { look, type Look } from "../../src/operation/converge";
import type { Operation } from "../../src/operation/session";
import { accessBy } from "../../src/transport/access";
import { command } from "../../lab/command";
import { processesWith } from "../../lab/processes";
import type { LabHost } from "../../lab/host";
import type { Lab } from "../../lab/lab";

/** A user's `.ssh` folder: known hosts with every host of a lab, and whatever files a test adds. */
export class SshHome {
  private constructor(
    readonly folder: string,
    readonly lab: Lab,
  ) {}

  static async make(lab: Lab): Promise<SshHome> {
    const home = new SshHome(await mkdtemp(join(tmpdir(), "openssh-test-")), lab);
    await home.know(...lab.hosts);
    return home;
  }

  path(name: string): string {
    return join(this.folder, name);
  }

  async file(name: string, text: string): Promise<string> {
    await writeFile(this.path(name), text, { mode: 0o600 });
    return this.path(name);
  }

  /** Known hosts are these, by name and address. */
  async know(...hosts: readonly LabHost[]): Promise<void> {
    const lines = hosts.map((host) => `${host.name},${host.address} ${host.hostKey}\n`);
    await this.file("known_hosts", lines.join(""));
  }

  /** The lines of a config that gets into each host by its name, and then some of a test's own. */
  async config(more = "", name = "config"): Promise<string> {
    const hosts = this.lab.hosts.map((host) => `Host ${host.name}\n  HostName ${host.address}\n`);
    const common = [
      `Host *\n  User root\n  IdentityFile ${this.lab.keys.plain.path}\n`,
      `  UserKnownHostsFile ${this.path("known_hosts")}\n  GlobalKnownHostsFile /dev/null\n`,
    ];
    return this.file(name, `${more}\n${hosts.join("")}${common.join("")}`);
  }

  /** A key that a CA has signed. @returns the key's path; `-cert.pub` is beside it */
  async signed(ca: string, name: string, ...options: readonly string[]): Promise<string> {
    const path = this.path(name);
    await command("ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", name, "-f", path]);
    await command("ssh-keygen", ["-q", "-s", ca, "-I", name, ...options, `${path}.pub`]);
    return path;
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true });
  }
}

/** An operation over a connection as a program gives it. */
export function operationBy(
  connection: InspectConnection,
  changes: Partial<Operation> = {},
): Operation {
  return {
    ...accessBy(parseConnection(connection)),
    pins: {},
    timeouts: { connectSeconds: 10, operationSeconds: 40 },
    signal: new AbortController().signal,
    progress: () => undefined,
    warn: () => undefined,
    ...changes,
  };
}

/** Looks at a host, which proves that our program ran there as root. @returns its machine-id */
export async function seenBy(
  connection: InspectConnection,
  changes: Partial<Operation> = {},
): Promise<string> {
  const machineId = ({ observed }: Look) => Promise.resolve(observed.machine.machineId);
  return look(operationBy(connection, changes), machineId);
}

/** The error of a look that must fail. */
export async function failureBy(
  connection: InspectConnection,
  changes: Partial<Operation> = {},
): Promise<RealServerError> {
  const error: unknown = await seenBy(connection, changes).catch((reason: unknown) => reason);
  if (error instanceof RealServerError) return error;
  throw new Error(`no error of ours: ${String(error)}`);
}

/** The machine-id of a lab host. */
export async function machineIdOf(host: LabHost): Promise<string> {
  return (await host.run("cat /etc/machine-id")).stdout.trim();
}

/** Waits until no `ssh` of this process is left, and no master of a config in this home. */
export async function noSshIsLeft({ folder }: SshHome): Promise<void> {
  const left = async (): Promise<string[]> => {
    const all = await processesWith(
      (words) =>
        (words[0] === "ssh" && words.some((word) => word.startsWith(`/proc/${process.pid}/fd/`))) ||
        (words[0]?.startsWith("ssh: ") === true && words[0].includes(folder)),
    );
    return all.map(({ commandLine }) => commandLine.join(" "));
  };
  await expect.poll(left, { timeout: 10_000 }).toEqual([]);
}

/** Adds lines to a host's sshd_config, before its own, and restarts it. */
export async function configureSshd(host: LabHost, ...lines: readonly string[]): Promise<void> {
  const text = lines.map((line) => `${line}\\n`).join("");
  await host.run(`f=/etc/ssh/lab_sshd_config; { printf '${text}'; cat $f; } >$f.new; mv $f.new $f`);
  await host.stopSsh();
  await host.startSsh();
}
