import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import type { CommandOptions } from "./command";
import type { LabHost } from "./host";
import { Keeper } from "./keeper";

/** What a director is for. */
export interface DirectorOptions {
  /** The addresses it serves, IPv4 and IPv6. */
  readonly vips?: readonly string[];
  /** The TCP port of every service. Default: 80. */
  readonly port?: number;
  /** How it shares connections out; `rr`, in turn, or `wrr`, by weight. Default: `rr`. */
  readonly scheduler?: "rr" | "wrr";
}

/** Where a director is on the wire. */
export interface DirectorSettings {
  readonly wire: string;
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
  /** A folder that does not exist yet. */
  readonly state: string;
}

/** A service in the director's IPVS table. */
export interface Service {
  readonly vip: string;
  /** Connections scheduled since the service was made, also to real servers that have left. */
  readonly connections: number;
  readonly destinations: readonly Destination[];
}

/** A real server of a service. */
export interface Destination {
  /** Its RIP. */
  readonly address: string;
  readonly weight: number;
  /** Established connections. */
  readonly active: number;
  /** Connections that the director remembers, but that are closed or closing. */
  readonly inactive: number;
  /** Connections scheduled since it was added. */
  readonly connections: number;
}

/**
 * The lab's director: a real IPVS with direct routing (`ipvsadm -g`), with the VIPs on its NIC. IPVS
 * belongs to a kernel: this machine's where it has it, else that of Debian's user-mode-linux.
 */
export class Director {
  /** Of its NIC: what an ARP request for a VIP must be answered with. */
  readonly mac: string;
  readonly address: string;
  readonly address6: string;
  readonly vips: readonly string[];
  readonly port: number;
  readonly #keeper: Keeper;

  private constructor(settings: DirectorSettings, keeper: Keeper, vips: string[], port: number) {
    this.mac = settings.mac;
    this.address = settings.address;
    this.address6 = settings.address6;
    this.vips = vips;
    this.port = port;
    this.#keeper = keeper;
  }

  /** Use {@link Lab.director}. */
  static async start(settings: DirectorSettings, options: DirectorOptions): Promise<Director> {
    const vips = [...(options.vips ?? [])];
    await mkdir(settings.state);
    const script = join(__dirname, "director/keep.sh");
    const keeper = await Keeper.start("the director", "/bin/bash", [script], {
      WIRE: settings.wire,
      PORT: "director",
      MAC: settings.mac,
      ADDRESS: `${settings.address}/24`,
      ADDRESS6: `${settings.address6}/64`,
      VIPS: vips.map((vip) => `${vip}/${isIpv6(vip) ? 128 : 32}`).join(","),
      STATE: settings.state,
    });
    const director = new Director(settings, keeper, vips, options.port ?? 80);
    const add = (vip: string) => `${director.#table("-A", vip)} -s ${options.scheduler ?? "rr"}`;
    await director.run(vips.map(add).join(" && "));
    return director;
  }

  /** Sends new connections for every VIP to this real server, too. */
  async add(host: LabHost, weight = 1): Promise<void> {
    await this.#each("-a", host, `-g -w ${weight}`);
  }

  /** Sends this real server no new connection; those that it has go on. */
  async drain(host: LabHost): Promise<void> {
    await this.#each("-e", host, "-g -w 0");
  }

  /** Forgets this real server. */
  async remove(host: LabHost): Promise<void> {
    await this.#each("-d", host, "");
  }

  /** How many established connections this real server has, as far as the director sees. */
  async activeConnections(host: LabHost): Promise<number> {
    return (await this.stats())
      .flatMap((service) => service.destinations)
      .filter(({ address }) => address === host.address || address === host.address6)
      .reduce((sum, { active }) => sum + active, 0);
  }

  /** The IPVS table, in the order of the VIPs. IPVS adds up its counters every 2 s. */
  async stats(): Promise<Service[]> {
    const separator = "====";
    const [table = "", counters = ""] = (
      await this.run(`ipvsadm -L -n && echo ${separator} && ipvsadm -L -n --stats --exact`)
    ).split(separator);
    const found = parseServices(table, counters);
    return this.vips.flatMap((vip) => found.filter((service) => service.vip === vip));
  }

  /** Connections to a VIP in the last two minutes. Counted at once, where {@link stats} is late. */
  async recentConnections(vip: string): Promise<number> {
    const target = ` ${endpoint(vip, this.port)} `;
    const lines = (await this.run("ipvsadm -L -n -c")).split("\n");
    return lines.filter((line) => line.includes(target)).length;
  }

  /**
   * Tells everybody on the wire, by gratuitous ARP, whose the IPv4 VIPs are: caches that hold a
   * real server's MAC since it leaked are put right.
   */
  async announce(): Promise<void> {
    const ipv4 = this.vips.filter((vip) => !isIpv6(vip));
    await this.run(ipv4.map((vip) => `arping -U -c 1 -I eth0 ${vip}`).join(" && ") || ":");
  }

  /**
   * Runs a line of shell in the director, one after another.
   * @returns what it wrote, stdout and stderr in one.
   * @throws Error on a status other than 0, unless `allowFailure`.
   */
  async run(line: string, options: Pick<CommandOptions, "allowFailure"> = {}): Promise<string> {
    const [status = "", encoded = ""] = (await this.#keeper.ask(line)).split(" ");
    const output = Buffer.from(encoded, "base64").toString();
    if (status !== "0" && options.allowFailure !== true) {
      throw new Error(`director: ${line}: status ${status}: ${output.trim()}`);
    }
    return output;
  }

  /** Use {@link Lab.destroy}. */
  async end(): Promise<void> {
    await this.#keeper.end();
  }

  async #each(verb: "-a" | "-e" | "-d", host: LabHost, rest: string): Promise<void> {
    const lines = this.vips.flatMap((vip) => {
      const address = isIpv6(vip) ? host.address6 : host.address;
      if (address === "") return [];
      return [`${this.#table(verb, vip)} -r ${endpoint(address, this.port)} ${rest}`];
    });
    await this.run(lines.join(" && "));
  }

  #table(verb: string, vip: string): string {
    return `ipvsadm ${verb} -t ${endpoint(vip, this.port)}`;
  }
}

function isIpv6(address: string): boolean {
  return address.includes(":");
}

function endpoint(address: string, port: number): string {
  return isIpv6(address) ? `[${address}]:${port}` : `${address}:${port}`;
}

/** Joins two listings of `ipvsadm -L -n`: plain (weights, connections now) and with `--stats`. */
function parseServices(table: string, counters: string): Service[] {
  const totals = rows(counters);
  const services: (Service & { destinations: Destination[] })[] = [];
  for (const [index, { kind, address, numbers }] of rows(table).entries()) {
    const connections = totals[index]?.numbers[0] ?? NaN;
    if (kind === "service") services.push({ vip: address, connections, destinations: [] });
    const [weight = NaN, active = NaN, inactive = NaN] = numbers;
    if (kind === "destination") {
      services.at(-1)?.destinations.push({ address, weight, active, inactive, connections });
    }
  }
  return services;
}

interface Row {
  readonly kind: "service" | "destination";
  readonly address: string;
  readonly numbers: readonly number[];
}

/** `TCP  [fd5c::fa]:80 rr`, or `  -> 198.18.0.11:80  Route  1  0  0`; headings have no port. */
function rows(listing: string): Row[] {
  return listing.split("\n").flatMap((line) => {
    const match = /^(TCP|\s+->)\s+(?:\[(.+)\]|([0-9.]+)):\d+\s(.*)$/.exec(line);
    if (match === null) return [];
    const [, start, ipv6, ipv4, rest = ""] = match;
    const address = ipv6 ?? ipv4 ?? "";
    const numbers = rest.split(/\s+/).filter((word) => /^\d+$/.test(word));
    return [
      { kind: start === "TCP" ? "service" : "destination", address, numbers: numbers.map(Number) },
    ];
  });
}
