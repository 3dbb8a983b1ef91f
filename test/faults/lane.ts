import type { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { Actor, type Properties } from "./actor";
import { Agent } from "./agent";
import { keepKits } from "./kit";
import { FINDING } from "./meddler";
import { Proxy } from "./proxy";
import type { Excuse } from "./verdict";
import type { Flavour, Scenario, Serving } from "./scenario";
import type { Secrets } from "./secrets";

/** A host with all that runs need on it; one run at a time. */
export class Lane {
  readonly macs = new Set<string>();
  readonly #runs: { number: number; from: number; excuses: Excuse[] }[] = [];

  private constructor(
    readonly host: LabHost,
    readonly flavour: Flavour,
    readonly agent: Agent,
    readonly proxy: Proxy,
    readonly actor: Actor,
    readonly machineId: string,
    private readonly lab: Lab,
    private readonly secrets: Secrets,
  ) {
    this.macs.add(host.mac);
  }

  static async start(
    lab: Lab,
    name: string,
    flavour: Flavour,
    home: string,
    secrets: Secrets,
  ): Promise<Lane> {
    const host = await lab.host(name, flavour);
    const [agent, proxy] = await Promise.all([
      Agent.start(host),
      Proxy.start({ host: host.address, port: host.port }),
    ]);
    await agent.run(FINDING);
    await agent.must(keepKits());
    const machineId = (await agent.run("cat /etc/machine-id")).trim();
    const actor = new Actor(home);
    actor.warmUp();
    return new Lane(host, flavour, agent, proxy, actor, machineId, lab, secrets);
  }

  /** What a program gives, as the engine hands it over. */
  inputs(
    owner: string,
    { vips, ignore, interfaces, persist }: Serving,
    login: Scenario["login"],
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
      timeouts: { connectSeconds: operationSeconds > 10 ? 60 : 10, operationSeconds },
      owner,
    };
  }

  secretsIn(text: string): string[] {
    return this.secrets.foundIn(text);
  }

  beginRun(number: number, from: number): void {
    this.#runs.push({ number, from, excuses: [] });
  }

  /** From now on, until the host is seen to be silent after an operation that could see it. */
  excuse(why: string): void {
    this.#runs.at(-1)?.excuses.push({ from: Date.now(), to: Infinity, why });
  }

  endExcuses(): void {
    for (const excuse of this.#runs.at(-1)?.excuses ?? []) {
      excuse.to = Math.min(excuse.to, Date.now());
    }
  }

  /** Whose frame it is: the run's number, and the excuse where there is one. */
  runAt(at: number): { number: number; excuse: Excuse | undefined } {
    const run = this.#runs.findLast(({ from }) => from <= at);
    const excuse = run?.excuses.find(({ from, to }) => from - 2 <= at && at <= to);
    return { number: run?.number ?? -1, excuse };
  }

  async end(): Promise<void> {
    this.agent.end();
    await Promise.all([this.proxy.end(), this.actor.end()]);
  }

  #access(login: Scenario["login"]): Properties {
    const { keys, passwords } = this.lab;
    switch (login) {
      case "root":
        return { user: "root", privateKey: keys.plain.content };
      case "password":
        return { user: "root", password: passwords.login };
      case "deploy":
        return {
          user: "deploy",
          privateKey: keys.encrypted.content,
          privateKeyPassword: passwords.keyPassphrase,
        };
      case "operator":
        return {
          user: "operator",
          privateKey: keys.plain.content,
          sudoPassword: passwords.login,
        };
    }
  }
}
