import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import { command } from "../lab/command";
import type { Engine, Outcome } from "../lab/engine";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";
import { processesIn } from "../lab/processes";
import { fleetProgram, VIPS } from "./program";

/** What a fleet costs, the best of some rounds each; times in milliseconds. */
export interface FleetCosts {
  readonly hosts: number;
  /** `pulumi up` that creates them all. */
  readonly up: number;
  /** `pulumi up` again, with nothing to do. */
  readonly idle: number;
  /** The same work by OpenSSH processes. */
  readonly openssh: number;
  /** The dynamic provider's resident memory at its peak, in bytes: the most of all rounds. */
  readonly memory: number;
  /** The exported state of one resource, in bytes, and what of it are not inputs and outputs. */
  readonly state: { readonly all: number; readonly engine: number };
}

/** As many connections at a time, by the engine and by OpenSSH. */
export const AT_A_TIME = 32;

/** The best of so many rounds: whatever else the machine does only ever adds. */
const ROUNDS = 3;

/** Creates, leaves alone and destroys a real server on each host; then OpenSSH does the same. */
export async function fleetCosts(
  lab: Lab,
  engine: Engine,
  hosts: readonly LabHost[],
  signal: AbortSignal,
): Promise<FleetCosts> {
  await engine.writeKnownHosts(hosts.map((one) => `${one.address} ${one.hostKey}\n`).join(""));
  const program = fleetProgram(lab, hosts);
  const best = { up: Infinity, idle: Infinity, openssh: Infinity };
  let memory = 0;
  let state = { all: 0, engine: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const watch = watchProvider(engine);
    const count = hosts.length + 1;
    const options = { parallel: AT_A_TIME };
    best.up = Math.min(best.up, await timed({ create: count }, () => engine.up(program, options)));
    memory = Math.max(memory, await watch.stop());
    best.idle = Math.min(
      best.idle,
      await timed({ same: count }, () => engine.up(program, options)),
    );
    state = await stateOfOne(engine);
    await timed({ delete: count }, () => engine.destroy(options));
    signal.throwIfAborted();
    best.openssh = Math.min(best.openssh, await byOpenSsh(lab, engine, hosts));
  }
  return { hosts: hosts.length, ...best, memory, state };
}

async function timed(
  wanted: Readonly<Record<string, number>>,
  run: () => Promise<Outcome>,
): Promise<number> {
  const start = performance.now();
  const outcome = await run();
  const milliseconds = performance.now() - start;
  if (JSON.stringify(outcome.changes) !== JSON.stringify(wanted)) {
    throw new Error(`wanted ${JSON.stringify(wanted)}, the engine said:\n${outcome.text}`);
  }
  return milliseconds;
}

/**
 * VmHWM only grows, so the last look before the process ends is as good as its end. Only one process
 * is looked at once it is found: going through all of them costs the run that is timed.
 */
function watchProvider(engine: Engine): { stop(): Promise<number> } {
  let watching = true;
  let peak = 0;
  const looking = (async () => {
    let provider: number | undefined;
    while (watching) {
      provider ??= await providerOf(engine);
      if (provider !== undefined) peak = Math.max(peak, await peakMemory(provider));
      await sleep(100);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await looking;
      if (peak === 0) throw new Error("the dynamic provider's process was not found");
      return peak;
    },
  };
}

async function providerOf(engine: Engine): Promise<number | undefined> {
  const processes = await processesIn(engine.directory);
  return processes.find(({ commandLine }) =>
    commandLine.some((word) => word.includes("dynamic-provider")),
  )?.pid;
}

/** In bytes; 0 once the process is gone. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}

async function stateOfOne(engine: Engine): Promise<FleetCosts["state"]> {
  const { text } = await engine.run("stack", "export");
  const { deployment } = JSON.parse(text) as { deployment: { resources: object[] } };
  const bytes = (value: object): number => Buffer.byteLength(JSON.stringify(value));
  const sizes = deployment.resources
    .filter((one) => "inputs" in one && "outputs" in one && "id" in one)
    .filter((one) => JSON.stringify(one).includes("RealServer"))
    .map((one) => ({ all: bytes(one), engine: bytes({ ...one, inputs: {}, outputs: {} }) }));
  return sizes.sort((a, b) => b.all - a.all)[0] ?? { all: NaN, engine: NaN };
}

/** What a shell loop does: the sysctls, the VIPs, and a look at what came of it. */
const SCRIPT = [
  "set -e",
  "sysctl -qw net.ipv4.conf.all.arp_ignore=1 net.ipv4.conf.all.arp_announce=2",
  `ip addr add ${VIPS[0]}/32 dev lo scope host label lo:dr`,
  `ip addr add ${VIPS[1]}/128 dev lo preferred_lft 0 nodad`,
  "sysctl net.ipv4.conf.all.arp_ignore net.ipv4.conf.all.arp_announce",
  "ip -o addr show dev lo",
].join("; ");

async function byOpenSsh(lab: Lab, engine: Engine, hosts: readonly LabHost[]): Promise<number> {
  const options = ["BatchMode=yes", `UserKnownHostsFile=${engine.home}/.ssh/known_hosts`];
  const ssh = [
    "ssh",
    "-F",
    "none",
    "-i",
    lab.keys.plain.path,
    ...options.flatMap((o) => ["-o", o]),
  ];
  const input = hosts.map((host) => `root@${host.address}\n`).join("");
  const start = performance.now();
  const loop = ["-P", `${AT_A_TIME}`, "-I{}", ...ssh, "{}", SCRIPT];
  const { stdout } = await command("xargs", loop, { input });
  const milliseconds = performance.now() - start;
  const bound = stdout.split("\n").filter((line) => line.includes(`${VIPS[0]}/32`)).length;
  if (bound !== hosts.length) throw new Error(`OpenSSH bound ${bound} of ${hosts.length} VIPs`);
  await Promise.all(hosts.map((host) => host.run(UNDO)));
  return milliseconds;
}

const UNDO = [
  `ip addr del ${VIPS[0]}/32 dev lo`,
  `ip addr del ${VIPS[1]}/128 dev lo`,
  "sysctl -qw net.ipv4.conf.all.arp_ignore=0 net.ipv4.conf.all.arp_announce=0",
].join("; ");
