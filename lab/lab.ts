import { mkdir } from "node:fs/promises";
import { join } from "node:path";

import { type Access, makeAccess } from "./access";
import { askByArp, askByNdp } from "./ask";
import { type Capture, startCapture } from "./capture";
import { Client } from "./client";
import { Director, type DirectorOptions } from "./director";
import { Guest, type GuestOptions } from "./guest";
import { type HostOptions, type HostSettings, LabHost } from "./host";
import { Keeper } from "./keeper";
import type { LabKeys, LabPasswords } from "./keys";
import { claimSite, type Site, removeStaleSites } from "./site";

/**
 * Hosts for tests, demo and benchmark: network namespaces with a disk, processes, users and an
 * OpenSSH server of their own, joined by a bridge. The machine has a leg in it, so that a program
 * outside reaches the hosts over real SSH.
 *
 * Everything ends with the process that made it, even by kill -9.
 */
export class Lab {
  readonly keys: LabKeys;
  readonly passwords: LabPasswords;
  /** The machine's side of the wire, where the Pulumi program runs. */
  readonly root: { readonly address: string; readonly address6: string; readonly device: string };
  /** The namespace of the bridge `br0`, for `ip netns exec`. */
  readonly wire: string;
  /** An IPv4 and an IPv6 address of the lab's own subnets that no host has, for a service. */
  readonly vips: readonly [string, string];
  readonly #site: Site;
  readonly #keeper: Keeper;
  readonly #access: Access;
  readonly #hosts = new Map<string, Promise<LabHost | Guest>>();
  readonly #ready: LabHost[] = [];
  #director: Promise<Director> | undefined;
  #destroyed: Promise<void> | undefined;

  private constructor(site: Site, keeper: Keeper, access: Access) {
    this.#site = site;
    this.#keeper = keeper;
    this.#access = access;
    this.keys = access.keys;
    this.passwords = access.passwords;
    this.wire = site.namespace;
    this.vips = [`${site.subnet}.${VIP}`, `${site.subnet6}::${VIP.toString(16)}`];
    this.root = {
      address: `${site.subnet}.1`,
      address6: `${site.subnet6}::1`,
      device: site.device,
    };
  }

  /**
   * Makes an empty lab; several, also in one process, do not disturb each other.
   * @param like A lab whose keys and passwords its hosts take, too. Default: it draws its own.
   * @throws Error with the reason where this machine cannot.
   */
  static async create(like?: Lab): Promise<Lab> {
    if (process.getuid?.() !== 0) {
      throw new Error("the lab makes network namespaces and mounts: run it as root");
    }
    await Lab.cleanUpStale();
    const site = await claimSite();
    const keeper = await Keeper.start("the wire", "/bin/bash", [
      join(__dirname, "wire.sh"),
      site.state,
      site.namespace,
      site.device,
      `${site.subnet}.1/24`,
      `${site.subnet6}::1/64`,
      `${site.subnet}.2/24`,
      `${site.subnet6}::2/64`,
    ]);
    try {
      return new Lab(site, keeper, like ? like.#access : await makeAccess(site.state));
    } catch (cause) {
      await keeper.end();
      throw cause;
    }
  }

  /** Removes what labs left whose process, and whose keeper, was killed. */
  static async cleanUpStale(): Promise<void> {
    await removeStaleSites();
  }

  /** The hosts that are up, in the order of their making. */
  get hosts(): readonly LabHost[] {
    return this.#ready;
  }

  /**
   * Makes a host and waits until its sshd listens.
   * @param name its hostname, unique in the lab
   * @throws Error with the reason where this machine cannot.
   */
  async host(name: string, options: HostOptions = {}): Promise<LabHost> {
    const host = await this.#claim(name, async (place) => {
      const settings: HostSettings = {
        ...place,
        admin: this.root.address,
        adminDevice: this.root.device,
        authorizedKeys: this.#authorizedKeys,
        passwordHash: this.#access.passwordHash,
        sshdOptions: this.#access.sshdOptions,
      };
      return LabHost.start(settings, options);
    });
    this.#ready.push(host);
    return host;
  }

  /**
   * Makes a host with a kernel of its own, which can boot, and waits until its sshd answers.
   * @param name its hostname, unique in the lab
   * @throws Error with the reason where this machine cannot.
   */
  async guest(name: string, options: GuestOptions = {}): Promise<Guest> {
    const settings = { gateway: this.root.address, authorizedKeys: this.#authorizedKeys };
    return this.#claim(name, async (place) => Guest.start({ ...place, ...settings }, options));
  }

  /**
   * Makes the director: it takes the VIPs on its NIC, and forwards to the real servers that are
   * added to it. By default the VIPs are {@link vips}.
   * @throws Error with the reason where this machine cannot.
   */
  async director(options: DirectorOptions = {}): Promise<Director> {
    if (this.#director !== undefined) throw new Error("the lab has a director already");
    const { subnet, subnet6, number, state } = this.#site;
    this.#director = Director.start(
      {
        wire: this.wire,
        mac: mac(number, DIRECTOR),
        address: `${subnet}.${DIRECTOR}`,
        address6: `${subnet6}::${DIRECTOR}`,
        state: join(state, "director"),
      },
      { ...options, vips: options.vips ?? this.vips },
    );
    return this.#director;
  }

  /** Makes a host that requests pages of the others. */
  async client(name = "client"): Promise<Client> {
    return Client.on(await this.host(name));
  }

  /**
   * Records frames on the wire until it is stopped.
   * @param filter a tcpdump expression, such as `arp`
   */
  async capture(filter: string): Promise<Capture> {
    return startCapture(this.wire, filter);
  }

  /**
   * Asks everybody on the wire, for a second, who has an IPv4 address.
   * @returns the MACs that answered, sorted; empty when the wire is silent.
   */
  async arping(address: string): Promise<string[]> {
    return askByArp(this.wire, address);
  }

  /**
   * Asks everybody on the wire who has an IPv6 address, given in its canonical spelling.
   * @returns the MACs that answered, sorted; empty when the wire is silent.
   */
  async solicit(address: string): Promise<string[]> {
    return askByNdp(this.wire, address);
  }

  /** Ends every process of the lab and removes all it made. */
  async destroy(): Promise<void> {
    this.#destroyed ??= this.#end();
    await this.#destroyed;
  }

  get #authorizedKeys(): string {
    const { plain, encrypted, rsa } = this.keys;
    return [plain, encrypted, rsa].map((key) => key.publicKey).join("\n");
  }

  async #end(): Promise<void> {
    const parts = await Promise.allSettled([...this.#hosts.values(), this.#director]);
    await Promise.all(
      parts.map(async (made) => {
        if (made.status === "fulfilled") await made.value?.end();
      }),
    );
    this.#ready.length = 0;
    await this.#keeper.end();
  }

  async #claim<T extends LabHost | Guest>(
    name: string,
    make: (place: Place) => Promise<T>,
  ): Promise<T> {
    if (this.#hosts.has(name)) throw new Error(`the lab has a host ${name} already`);
    const made = this.#place(name, this.#hosts.size).then(make);
    this.#hosts.set(name, made);
    return made;
  }

  async #place(name: string, index: number): Promise<Place> {
    const number = FIRST_HOST + index;
    if (number > LAST_HOST) throw new Error("the lab's subnet has no room for another host");
    const state = join(this.#site.state, `host-${index}`);
    await mkdir(state);
    return {
      name,
      wire: this.wire,
      port: `h${index}`,
      mac: mac(this.#site.number, number),
      address: `${this.#site.subnet}.${number}`,
      address6: `${this.#site.subnet6}::${number.toString(16)}`,
      state,
    };
  }
}

/** What a host and a guest have in common. */
type Place = Pick<
  HostSettings,
  "name" | "wire" | "port" | "mac" | "address" | "address6" | "state"
>;

const DIRECTOR = 3;
const FIRST_HOST = 11;
const LAST_HOST = 249;
const VIP = 250;

/** Locally administered, the lab's number and the host's in it. */
function mac(lab: number, host: number): string {
  const bytes = [0x02, 0x5c, 0x00, lab >> 8, lab & 0xff, host];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
