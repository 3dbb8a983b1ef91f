import { copyFile, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import type * as pulumi from "@pulumi/pulumi";
import type { PulumiFn } from "@pulumi/pulumi/automation";
import { RealServer, type ConnectionArgs, type RealServerArgs } from "../../src/index";
import { Engine, type EngineOptions, type Exported, type Outcome } from "../../lab/engine";
import { Lab } from "../../lab/lab";
import { Guest, type GuestOptions } from "../../lab/guest";
import type { HostOptions, LabHost } from "../../lab/host";

/** A lab, and engines that know how to reach its hosts. */
export class Stage {
  readonly #engines: Engine[] = [];

  private constructor(readonly lab: Lab) {}

  /** Makes an empty lab. */
  static async create(): Promise<Stage> {
    return new Stage(await Lab.create());
  }

  /** A host of the lab. */
  host(name: string, options?: HostOptions): Promise<LabHost> {
    return this.lab.host(name, options);
  }

  /** A host with a kernel of its own, which really boots. */
  guest(name: string, options?: GuestOptions): Promise<Guest> {
    return this.lab.guest(name, options);
  }

  /** An engine with an empty stack; removed with the stage. */
  async engine(options?: EngineOptions): Promise<Engine> {
    const engine = await Engine.create(options);
    this.#engines.push(engine);
    return engine;
  }

  /** Root by the lab's key in a file, with limits that suit a test. */
  connection(host: Host, changes: Partial<ConnectionArgs> = {}): ConnectionArgs {
    return { host: host.address, privateKeyFile: this.lab.keys.plain.path, ...changes };
  }

  /** The lab's key where a program of that engine reads `~`: a state with it is as long on every machine. */
  async keyAtHome(engine: Engine): Promise<string> {
    const key = "~/.ssh/id_ed25519";
    await copyFile(this.lab.keys.plain.path, key.replace("~", engine.home));
    return key;
  }

  /** What a test declares: one VIP of each family unless it says otherwise. A guest may take its time. */
  args(host: Host, changes: Partial<RealServerArgs> = {}): RealServerArgs {
    const operationSeconds = host instanceof Guest ? 60 : 20;
    return {
      connection: this.connection(host),
      vips: [VIP, VIP6],
      timeouts: { connectSeconds: 2, operationSeconds },
      ...changes,
    };
  }

  /** A program that declares one real server, `web-1`. */
  program(args: RealServerArgs, options?: pulumi.CustomResourceOptions): PulumiFn {
    return () => Promise.resolve(void new RealServer("web-1", args, options));
  }

  /** Ends everything. */
  async destroy(): Promise<void> {
    await Promise.all(this.#engines.map((engine) => engine.remove()));
    await this.lab.destroy();
  }
}

/** A host of a lab, of either kind. */
export type Host = LabHost | Guest;

/** The IPv4 VIP that tests use first. */
export const VIP = "203.0.113.10";
/** The IPv6 VIP that tests use first. */
export const VIP6 = "2001:db8::10";

/** The one real server in the state. */
export async function stored(engine: Engine): Promise<Exported & { outputs: State }> {
  const found = (await realServers(engine))[0];
  if (found === undefined) throw new Error("there is no real server in the state");
  return { ...found, outputs: found.outputs as unknown as State };
}

/** All real servers in the state. */
export async function realServers(engine: Engine): Promise<Exported[]> {
  return (await engine.resources()).filter(({ type }) => type.endsWith(":RealServer"));
}

/** Changes the one real server in the state, as no operation would. */
export async function editState(engine: Engine, edit: (stored: Exported) => Exported) {
  const file = path.join(engine.directory, "exported.json");
  const run = async (verb: string): Promise<void> => {
    const done = await engine.run("stack", verb, "--stack", "test", "--file", file);
    if (!done.succeeded) throw new Error(done.text);
  };
  await run("export");
  const exported = JSON.parse(await readFile(file, "utf8")) as {
    deployment: { resources: Exported[] };
  };
  const { deployment } = exported;
  deployment.resources = deployment.resources.map((one) =>
    one.type.endsWith(":RealServer") ? edit(one) : one,
  );
  await writeFile(file, JSON.stringify(exported));
  await run("import");
}

/** The bytes that the one real server takes in the state. */
export async function stateBytes(engine: Engine): Promise<number> {
  const { text } = await engine.run("stack", "export", "--stack", "test");
  const { deployment } = JSON.parse(text) as { deployment: { resources: Exported[] } };
  const found = deployment.resources.find(({ type }) => type.endsWith(":RealServer"));
  return Buffer.byteLength(JSON.stringify(found));
}

/** Makes each login take so long that there are words on the row before the work begins. */
export async function slowLogin(host: Host): Promise<void> {
  await host.run("echo 'sleep 1.2' >/etc/ssh/sshrc; sync");
}

/** What tests look at in a real server's outputs. */
export interface State extends Record<string, unknown> {
  readonly vips: string[];
  readonly bindings: { address: string; scope: string; label: string }[];
  readonly effectiveArp: Record<string, { ignore: number; announce: number }>;
  readonly drift: string[];
  readonly converged: boolean;
  readonly owner: string;
  readonly hostKey: string;
}

/** What a host has on `lo` beside its own loopback addresses, sorted, as `ip` prints it. */
export async function onLo(host: Host): Promise<string[]> {
  const { stdout } = await host.run("ip -o addr show dev lo");
  return [...stdout.matchAll(/inet6? (\S+)/g)]
    .map(([, address]) => address ?? "")
    .filter((address) => !/^(127\.|::1\/)/.test(address))
    .sort();
}

/** `arp_ignore` and `arp_announce` of `conf.all`, or of one NIC. */
export async function arpOf(host: Host, name = "all"): Promise<string> {
  const folder = `/proc/sys/net/ipv4/conf/${name}`;
  const { stdout } = await host.run(`cat ${folder}/arp_ignore ${folder}/arp_announce`);
  return stdout.trim().replace("\n", " ");
}

/** The names of the records in a host's registry; undefined where there is no registry. */
export async function owners(host: Host): Promise<string[] | undefined> {
  const { stdout, status } = await host.run("ls /var/lib/lvs-dr/owners", { allowFailure: true });
  return status === 0 ? stdout.split("\n").filter((name) => name !== "") : undefined;
}

/** Nothing of ours is left on a host. */
export const NOTHING: Traces = { lo: [], arp: "0 0", files: [] };

/** What of ours is on a host. */
export interface Traces {
  readonly lo: readonly string[];
  /** `arp_ignore` and `arp_announce` of `conf.all`. */
  readonly arp: string;
  /** The registry, the unit for the boot, its link, and what an operation left beside them. */
  readonly files: readonly string[];
}

/** Looks for what of ours is on a host. */
export async function traces(host: Host): Promise<Traces> {
  const { stdout } = await host.run("find /etc /run /var/lib -name '*lvs-dr*'");
  const files = stdout.split("\n").filter((file) => file !== "");
  return { lo: await onLo(host), arp: await arpOf(host), files: files.sort() };
}

/** The step that a run took for the real server named `name`. */
export function stepOf(outcome: Outcome, name = "web-1"): string | undefined {
  return outcome.steps.find(({ urn }) => urn.endsWith(`:RealServer::${name}`))?.op;
}

/** The messages of one severity, in their order. */
export function said(outcome: Outcome, severity: "info" | "warning" | "error"): string[] {
  return outcome.said
    .filter((one) => one.severity === severity)
    .map(({ message }) => message.trim());
}
