import type { EngineEvent } from "@pulumi/pulumi/automation";
import { RealServerPool, type RealServerPoolArgs } from "../../src/index";
import type { Client } from "../../lab/client";
import { makeDirector } from "../../lab/director-guest";
import type { Engine, Outcome, RunOptions } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import { webHost } from "../../lab/web-host";
import { onLo, Stage } from "../provider/stage";

/** Members by their names in the pool, in the order of the program: a host, and its weight where it is not 1. */
export type Members = Readonly<Record<string, LabHost | readonly [LabHost, number]>>;

/** One pool with two directors, each of which has one of the lab's VIPs on its NIC, and web servers. */
export class PoolStage {
  private constructor(
    readonly stage: Stage,
    readonly engine: Engine,
    readonly client: Client,
    /** `lb-1` has the IPv4 VIP, `lb-2` the IPv6 VIP; both serve both. */
    readonly directors: Readonly<Record<"lb-1" | "lb-2", Guest>>,
    readonly hosts: readonly LabHost[],
  ) {}

  /** Makes it, with so many web servers, `w1` and so on. */
  static async create(
    count: number,
    moreVips: (lab: Stage["lab"]) => string[],
  ): Promise<PoolStage> {
    const stage = await Stage.create();
    const { lab } = stage;
    const names = Array.from({ length: count }, (_, index) => `w${index + 1}`);
    const [one, two, client, engine, ...hosts] = await Promise.all([
      ...[lab.guest("lb-1"), lab.guest("lb-2")],
      ...[lab.client(), stage.engine()],
      ...names.map((name) => webHost(lab, name)),
    ] as [Promise<Guest>, Promise<Guest>, Promise<Client>, Promise<Engine>, ...Promise<LabHost>[]]);
    await makeDirector(one, [lab.vips[0], ...moreVips(lab)]);
    await makeDirector(two, [lab.vips[1]]);
    return new PoolStage(stage, engine, client, { "lb-1": one, "lb-2": two }, hosts);
  }

  destroy(): Promise<void> {
    return this.stage.destroy();
  }

  /** `w1` is 1. */
  host(number: number): LabHost {
    const host = this.hosts[number - 1];
    if (host === undefined) throw new Error(`there is no host w${number}`);
    return host;
  }

  /** `pulumi up` of the pool with these members. */
  up(
    members: Members,
    changes: Partial<RealServerPoolArgs> = {},
    options?: RunOptions,
  ): Promise<Outcome> {
    const realServers = Object.entries(members).map(([name, member]) => {
      const [host, weight] = "address" in member ? [member, 1] : member;
      return [name, { host: host.address, rip6: host.address6, weight }] as const;
    });
    const args: RealServerPoolArgs = {
      vips: [...this.stage.lab.vips],
      connection: { privateKeyFile: this.stage.lab.keys.plain.path },
      realServers: Object.fromEntries(realServers),
      directors: { "lb-1": this.directors["lb-1"].address, "lb-2": this.directors["lb-2"].address },
      services: [{ port: 80, scheduler: "wrr" }],
      drain: { timeoutSeconds: 90, onTimeout: "fail" },
      persist: false,
      timeouts: { connectSeconds: 3, operationSeconds: 60 },
      ...changes,
    };
    return this.engine.up(() => Promise.resolve(void new RealServerPool("shop", args)), options);
  }

  /** RIPs in a director's table, of whichever service. */
  async destinations(director: "lb-1" | "lb-2"): Promise<string[]> {
    const { stdout } = await this.directors[director].run("ipvsadm -Sn");
    return [...stdout.matchAll(/ -r \[?([^\]\s]+?)\]?:\d+ /g)].map(([, rip]) => rip ?? "");
  }

  /** Hosts that a director may send to for a VIP that they do not have: a line each. */
  async lost(): Promise<string[]> {
    const lines: string[] = [];
    for (const [name, guest] of Object.entries(this.directors)) {
      const { stdout } = await guest.run("ipvsadm -Sn");
      for (const [, vip = "", rip = ""] of stdout.matchAll(
        /^-a -t \[?([^\]\s]+?)\]?:\d+ -r \[?([^\]\s]+?)\]?:\d+ /gm,
      )) {
        const host = this.hosts.find((one) => [one.address, one.address6].includes(rip));
        const bound = host === undefined ? [] : await onLo(host);
        if (!bound.some((one) => one.startsWith(`${vip}/`)))
          lines.push(`${name} sends ${vip} to ${rip}`);
      }
    }
    return lines;
  }
}

/** Steps of the engine in its own order: `create a starts`, `update lb-1-203.0.113.10-80 ends`. */
export class Steps {
  readonly lines: string[] = [];

  readonly note = ({ resourcePreEvent, resOutputsEvent }: EngineEvent): void => {
    const { op, urn } = resourcePreEvent?.metadata ?? resOutputsEvent?.metadata ?? {};
    const [, name] = /::shop-([^:]*)$/.exec(urn ?? "") ?? [];
    if (op === undefined || name === undefined || op === "same") return;
    this.lines.push(`${op} ${name} ${resourcePreEvent ? "starts" : "ends"}`);
  };

  /** The names of what had this step, as they began. */
  of(op: string): string[] {
    return this.lines.flatMap((line) => {
      const [what, name = "", when] = line.split(" ");
      return what === op && when === "starts" ? [name] : [];
    });
  }

  /** Whether all of the one had ended before any of the other began, and each was there. */
  inOrder(op: string, before: readonly string[], after: string, later: readonly string[]): boolean {
    const ends = before.map((name) => this.lines.lastIndexOf(`${op} ${name} ends`));
    const starts = later.map((name) => this.lines.indexOf(`${after} ${name} starts`));
    return [...ends, ...starts].every((at) => at >= 0) && Math.max(...ends) < Math.min(...starts);
  }
}

/** All of it succeeded. @throws Error with what was printed */
export async function succeeded(run: Promise<Outcome>): Promise<Outcome> {
  const outcome = await run;
  if (!outcome.succeeded) throw new Error(outcome.text);
  return outcome;
}
