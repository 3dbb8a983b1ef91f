import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";

import type { Flavour } from "../host/box";
import type { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { Agent } from "./agent";
import type { Driver, Properties } from "./driver";
import type { Violation } from "./judge";
import { PRODUCT_UUID } from "./others";
import { FINDING } from "./processes";
import { Proxy } from "./proxy";
import type { Scenario, Serving } from "./scenario";
import { proveThatShellsAreFound } from "./stage-host";
import type { Leak } from "./wire";

/** When frames of a host are not held against the package, and why. */
interface Excuse {
  readonly from: number;
  /** Infinity while it lasts. */
  to: number;
  readonly why: string;
}

/** A host with all that runs need on it; one run at a time. */
export class Lane {
  readonly macs = new Set<string>();
  readonly #runs: { readonly number: number; readonly from: number; readonly excuses: Excuse[] }[] =
    [];

  private constructor(
    readonly host: LabHost,
    readonly agent: Agent,
    readonly proxy: Proxy,
    readonly driver: Driver,
    private readonly lab: Lab,
    /** Has the user's ssh keep a master, which would live on and carry what follows. */
    private readonly sshConfig: string,
  ) {
    this.macs.add(host.mac);
  }

  /** Makes the host. The driver is the lane's from now on. */
  static async start(lab: Lab, name: string, flavour: Flavour, driver: Driver): Promise<Lane> {
    const host = await lab.host(name, flavour);
    const [agent, proxy] = await Promise.all([
      Agent.start(host),
      Proxy.start({ host: host.address, port: host.port }),
    ]);
    const knowledge = `gateway=${lab.root.address}; product=$(cat ${PRODUCT_UUID})`;
    await agent.run(`${FINDING}\n${knowledge}`);
    await proveThatShellsAreFound(host, agent);
    const folder = await mkdtemp(join(tmpdir(), "lvs-dr-lane-"));
    const sshConfig = join(folder, "ssh_config");
    const master = ["ControlMaster auto", `ControlPath ${folder}/master-%C`, "ControlPersist 60"];
    await writeFile(sshConfig, `Host *\n${master.join("\n")}\n`);
    return new Lane(host, agent, proxy, driver, lab, sshConfig);
  }

  /** What a program gives, as the engine hands it over. */
  inputs(
    owner: string,
    { vips, ignore, interfaces, persist }: Serving,
    { login, forgets }: Pick<Scenario, "login" | "forgets">,
    operationSeconds: number,
  ): Properties {
    const except = interfaces === "all" ? {} : { except: ["tap*"] };
    return {
      connection: {
        host: "127.0.0.1",
        port: this.proxy.port,
        hostKey: this.host.hostKey,
        ...this.#access(login),
      },
      vips,
      arp: { ignore, interfaces, ...except },
      persist,
      unreachableOnDestroy: forgets ? "forget" : "fail",
      unreachableOnRefresh: forgets ? "keep" : "fail",
      timeouts: { connectSeconds: operationSeconds > 10 ? 60 : 10, operationSeconds },
      owner,
    };
  }

  /** From now on frames are of this run. */
  beginRun(number: number): void {
    this.#runs.push({ number, from: Date.now(), excuses: [] });
  }

  /** From now on, until the host is seen to be silent, frames are somebody else's; if there is a reason. */
  excuse(why: string | undefined): void {
    if (why !== undefined) this.#runs.at(-1)?.excuses.push({ from: Date.now(), to: Infinity, why });
  }

  /** The host was seen to be silent. */
  endExcuses(): void {
    for (const excuse of this.#runs.at(-1)?.excuses ?? [])
      excuse.to = Math.min(excuse.to, Date.now());
  }

  /** What frames of this host break, by the run that they are of, or why they break nothing. */
  judge(leak: Leak): (Violation & { readonly number: number }) | { readonly why: string } {
    const [first, ...rest] = [leak.from, leak.to].map((at) => this.#runAt(at));
    const bad = [first, ...rest].find((end) => end?.excuse === undefined);
    if (bad === undefined) return { why: first?.excuse?.why ?? "" };
    const what = `${leak.frame} (${leak.frames} frames until ${leak.to})`;
    return { promise: "I1", what, number: bad.number };
  }

  async end(): Promise<void> {
    this.agent.end();
    await rm(dirname(this.sshConfig), { recursive: true });
    await Promise.all([this.proxy.end(), this.driver.end()]);
  }

  #runAt(at: number): { number: number; excuse: Excuse | undefined } {
    const run = this.#runs.findLast(({ from }) => from <= at);
    const excuse = run?.excuses.find(({ from, to }) => from - 2 <= at && at <= to);
    return { number: run?.number ?? -1, excuse };
  }

  #access(login: Scenario["login"]): Properties {
    const { keys, passwords } = this.lab;
    const plain = { privateKey: keys.plain.content };
    const ssh = { configFile: this.sshConfig };
    const bySsh = { privateKeyFile: keys.plain.path, ssh };
    const encrypted = {
      ...{ privateKey: keys.encrypted.content, privateKeyPassword: passwords.keyPassphrase },
    };
    return {
      root: { user: "root", ...plain },
      password: { user: "root", password: passwords.login },
      deploy: { user: "deploy", ...encrypted },
      operator: { user: "operator", ...plain, sudoPassword: passwords.login },
      "root by ssh": { user: "root", ...bySsh },
      "deploy by ssh": { user: "deploy", ...bySsh },
      "operator by ssh": { user: "operator", ...bySsh, sudoPassword: passwords.login },
    }[login];
  }
}
