// The same work by what else there is: no checks, no rollback, no registry, no drift.
import { writeFile } from "node:fs/promises";
import path from "node:path";

import { command } from "../lab/command";
import type { Engine } from "../lab/engine";
import type { LabHost } from "../lab/host";
import type { Lab } from "../lab/lab";
import { AT_A_TIME } from "./fleet";
import { VIPS } from "./program";

/** What the same work costs others; times in milliseconds, the best of the rounds so far. */
export interface OthersCosts {
  /** A naive script on each host, by a process of OpenSSH each. */
  openssh: number;
  /** The script that undoes it, likewise. */
  opensshUndo: number;
  /** A run of pyinfra. */
  pyinfra: number;
}

/** The costs before the first round. */
export function noOthersCosts(): OthersCosts {
  return { openssh: Infinity, opensshUndo: Infinity, pyinfra: Infinity };
}

/** Each of them in turn, into the best so far. */
export async function othersRound(
  lab: Lab,
  engine: Engine,
  hosts: readonly LabHost[],
  best: OthersCosts,
): Promise<void> {
  const keep = async (what: keyof OthersCosts, run: () => Promise<unknown>): Promise<void> => {
    const start = performance.now();
    await run();
    best[what] = Math.min(best[what], performance.now() - start);
  };
  await keep("openssh", () => byOpenSsh(lab, engine, hosts, SCRIPT));
  await expectBound("OpenSSH", hosts);
  await keep("opensshUndo", () => byOpenSsh(lab, engine, hosts, UNDO));
  const inventory = await inventoryOf(lab, engine, hosts);
  await keep("pyinfra", () => byPyinfra(engine, inventory));
  await expectBound("pyinfra", hosts);
  await Promise.all(hosts.map((host) => host.run(UNDO)));
}

const BIND = [
  `ip addr add ${VIPS[0]}/32 dev lo scope host label lo:dr`,
  `ip addr add ${VIPS[1]}/128 dev lo preferred_lft 0 nodad`,
];

/** What a shell loop does: the sysctls, the VIPs, and a look at what came of it. */
const SCRIPT = [
  "set -e",
  "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
  ...BIND,
  "sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce",
  "ip -o addr show dev lo",
].join("; ");

const UNDO = [
  `ip addr del ${VIPS[0]}/32 dev lo`,
  `ip addr del ${VIPS[1]}/128 dev lo`,
  "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0",
].join("; ");

async function byOpenSsh(
  lab: Lab,
  engine: Engine,
  hosts: readonly LabHost[],
  script: string,
): Promise<void> {
  const options = ["BatchMode=yes", `UserKnownHostsFile=${knownHosts(engine)}`];
  const ssh = ["ssh", "-F", "none", "-i", lab.keys.plain.path];
  const loop = ["-P", `${AT_A_TIME}`, "-I{}", ...ssh, ...options.flatMap((one) => ["-o", one])];
  const input = hosts.map((host) => `root@${host.address}\n`).join("");
  await command("xargs", [...loop, "{}", script], { input });
}

async function inventoryOf(lab: Lab, engine: Engine, hosts: readonly LabHost[]): Promise<string> {
  const data = {
    ssh_user: "root",
    ssh_key: lab.keys.plain.path,
    ssh_known_hosts_file: knownHosts(engine),
    bind: BIND,
  };
  const file = path.join(engine.directory, "inventory.py");
  const names = hosts.map(({ address }) => address);
  await writeFile(file, `hosts = (${JSON.stringify(names)}, ${JSON.stringify(data)})\n`);
  return file;
}

async function byPyinfra(engine: Engine, inventory: string): Promise<void> {
  const python = process.env["PYINFRA_PYTHON"];
  if (python === undefined) throw new Error("no PYINFRA_PYTHON; run it by npm run bench");
  const deploy = path.join(__dirname, "pyinfra/deploy.py");
  const run = ["-m", "pyinfra", "-y", "--parallel", `${AT_A_TIME}`, inventory, deploy];
  await command("env", [`HOME=${engine.home}`, "SSH_AUTH_SOCK=", python, ...run]);
}

function knownHosts(engine: Engine): string {
  return path.join(engine.home, ".ssh/known_hosts");
}

async function expectBound(who: string, hosts: readonly LabHost[]): Promise<void> {
  const look = hosts.map((host) => host.run("ip -o addr show dev lo"));
  const bound = (await Promise.all(look)).filter(({ stdout }) =>
    VIPS.every((vip) => stdout.includes(` ${vip}/`)),
  );
  if (bound.length !== hosts.length)
    throw new Error(`${who} bound ${bound.length} of ${hosts.length} pairs of VIPs`);
}
