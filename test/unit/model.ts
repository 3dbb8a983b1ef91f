import { canonicalAddress, parseVip, type Vip } from "../../src/domain/address";
import { isExcepted, type Arp } from "../../src/domain/arp";
import type { BoundAddress } from "../../src/observed/ip-addr";
import type { Nic, Observed } from "../../src/observed/observed";
import { parseRoutes, type Route } from "../../src/observed/routes";
import { REAL_SERVER_KIT } from "../../src/host/real-server-kit";
import type { Change, FileChange } from "../../src/plan/change";
import type { Claim, StalePolicy } from "../../src/plan/claim";
import {
  idOf,
  parseRegistry,
  renderMachine,
  renderOwner,
  renderSaved,
  type Machine,
  type OwnerRecord,
} from "../../src/observed/registry";
import {
  ARP_KEYS,
  effective,
  isSilent,
  type ArpKey,
  type ArpValues,
  type SavedSysctl,
} from "../../src/domain/sysctl";

import { bootAfter, bootOf, type BootSketch } from "./boots";

/** A host in the few words that tests need; what is left out is as on a plain one. */
export interface HostSketch {
  /** `"lo 203.0.113.10/32 host lo:dr"`: interface, prefix, scope, label; or any of {@link BoundAddress}. */
  readonly addresses?: readonly (string | (Partial<BoundAddress> & { readonly at: string }))[];
  /** `[arp_ignore, arp_announce]` of `all`. */
  readonly all?: readonly [number, number];
  /** Own values of each NIC; `noarp` and `portless` after them. */
  readonly nics?: Readonly<Record<string, readonly (number | "noarp" | "portless")[]>>;
  readonly owners?: readonly Partial<OwnerRecord>[];
  /** `"all arp_ignore 0 1"`: what it was, and what was written. */
  readonly saved?: readonly string[];
  /** Lines of a later version in the file of the saved values. */
  readonly unknownSaved?: readonly string[];
  readonly boot?: BootSketch;
  /** As `ip route show table all` prints them; of IPv6 where there is a colon. */
  readonly routes?: readonly string[];
  /** The rest of what is observed, as it is. */
  readonly observed?: Partial<Observed>;
}

/** A host as the plan sees it, with its registry's files as they are on disk. */
export interface Host {
  readonly observed: Observed;
  readonly files: ReadonlyMap<string, readonly string[]>;
}

export const MACHINE: Machine = { machineId: "1111", productUuid: "-" };

/** A host with one NIC, eth0, which holds 10.0.0.11/24 and the SSH session, and nothing of ours. */
export function hostOf(sketch: HostSketch): Host {
  const { addresses = [], all = [0, 0], nics = { eth0: [0, 0] }, owners = [] } = sketch;
  const saved = (sketch.saved ?? []).map(savedOf);
  const files = new Map<string, readonly string[]>();
  for (const owner of owners.map(recordFrom))
    files.set(`owners/${idOf(owner.owner)}`, renderOwner(owner));
  const unknown = sketch.unknownSaved ?? [];
  if (saved.length + unknown.length > 0)
    files.set("saved", renderSaved({ sysctls: saved, unknown }));
  if (files.size > 0) files.set("machine", renderMachine({ ...MACHINE, unknown: [] }));
  return withFiles(
    {
      session: { client: "10.0.0.1", server: "10.0.0.11" },
      bootId: "b",
      machine: MACHINE,
      ip: "iproute2",
      addresses: [
        addressOf("lo 127.0.0.1/8 host lo"),
        addressOf("lo ::1/128 host"),
        addressOf("eth0 10.0.0.11/24 global eth0"),
        ...addresses.map(addressOf),
      ],
      all: valuesOf(all[0], all[1]),
      allRpFilter: 0,
      nics: Object.entries(nics).map(([name, words]) => nicOf(name, words)),
      sysctlWritable: true,
      ipv6OnLo: true,
      proxyNdp: [],
      proxied: [],
      gateways: ["10.0.0.254"],
      defaultNics: ["eth0"],
      sessionRoute: { nic: "eth0", via: undefined },
      local: [],
      routes: routesOf(sketch.routes ?? []),
      services: [],
      hasIpvs: false,
      hasServiceRecords: false,
      forwards: false,
      sysctlLines: [],
      networkLines: [],
      loProfiles: [],
      boot: bootOf(REAL_SERVER_KIT, sketch.boot),
      registry: undefined,
      ...sketch.observed,
    },
    files,
  );
}

/** What a program declares, in the few words that tests need. */
export interface ClaimSketch {
  readonly owner?: string;
  readonly incarnation?: string;
  readonly vips?: readonly string[];
  readonly arp?: Partial<Arp>;
  readonly saved?: readonly string[];
  readonly staleVips?: StalePolicy;
  readonly persist?: boolean;
  readonly rips?: readonly string[];
  readonly dropped?: readonly string[];
}

export function claimOf(sketch: ClaimSketch): Claim {
  const { owner = "web-1", incarnation = "0001", vips = ["203.0.113.10"], saved = [] } = sketch;
  const { staleVips, persist, rips, dropped } = sketch;
  return {
    owner,
    incarnation,
    vips: vips.map(vipOf),
    arp: { ignore: 1, announce: 2, interfaces: "all", except: [], ...sketch.arp },
    saved: saved.map(savedOf),
    ...(staleVips && { staleVips }),
    ...(rips && { rips }),
    ...(dropped && { dropped }),
    ...(persist !== undefined && { persist }),
  };
}

/** A change in one line, as fixtures have it. Files of owners go by their owner's name. */
export function lineOf(change: Change, owners: readonly string[]): string {
  switch (change.kind) {
    case "put":
    case "drop": {
      if (isOfBoot(change.file)) return `${change.kind} ${change.file}`;
      const owner = owners.find((one) => change.file === `owners/${idOf(one)}`);
      const file = owner === undefined ? change.file : `record of ${owner}`;
      return `${change.kind} ${file}${change.kind === "put" ? bodyOf(change) : ""}`;
    }
    case "write-sysctl":
      return `sysctl ${change.interface} ${change.key} ${change.from} -> ${change.to}`;
    case "check-quiet":
      return `check quiet ${change.interfaces === "all" ? "all" : change.interfaces.join(" ")}`;
    case "bind":
    case "unbind": {
      const { kind, prefix, scope, validLft, preferredLft, label } = change;
      const words = [kind, prefix, scope, validLft, preferredLft, label];
      return words.join(" ").replace(" forever forever", "").trimEnd();
    }
  }
}

function bodyOf({ file, lines }: Extract<Change, { kind: "put" }>): string {
  const told = lines
    .slice(1)
    .filter((line) => !/^(owner |seen |machine-id |product-uuid |end$)/.test(line));
  return file === "machine" ? "" : `: ${told.join(", ")}`;
}

/** One change, done as the host's program does it. What it refuses to do throws. */
export function apply(change: Change, host: Host): Host {
  const { observed, files } = host;
  switch (change.kind) {
    case "put":
    case "drop":
      if (isOfBoot(change.file)) return withBoot(change, host);
      if (change.kind === "put")
        return withFiles(observed, new Map(files).set(change.file, change.lines));
      return withFiles(observed, new Map([...files].filter(([name]) => name !== change.file)));
    case "write-sysctl":
      return { observed: withSysctl(change, observed), files };
    case "check-quiet": {
      const loud = observed.nics.filter(
        (nic) =>
          (change.interfaces === "all" || change.interfaces.includes(nic.name)) &&
          isLoud(nic, observed),
      );
      if (loud.length > 0) throw new Error(`${loud.map((nic) => nic.name).join()} would leak`);
      return host;
    }
    case "bind": {
      const lying = boundAs(change.prefix, observed);
      if (change.inPlace && lying !== undefined) {
        const others = observed.addresses.filter((one) => one !== lying);
        return withAddresses([...others, addressFrom(change)], host);
      }
      if (boundAs(change.prefix, observed)) throw new Error(`${change.prefix} is there`);
      return withAddresses([...observed.addresses, addressFrom(change)], host);
    }
    case "unbind": {
      const there = boundAs(change.prefix, observed);
      if (there === undefined) throw new Error(`${change.prefix} is not there`);
      if (change.inPlace) return host;
      const lost = observed.routes.filter((route) => route.source === there.address);
      if (lost.length > 0) throw new Error(`${lost.map((route) => route.text).join()} would go`);
      return withAddresses(
        observed.addresses.filter((one) => one !== there),
        host,
      );
    }
  }
}

/** What undoes a change on the host that it is about to be done on. */
export function inverse(change: Change, host: Host): Change | undefined {
  switch (change.kind) {
    case "put":
    case "drop": {
      if (isOfBoot(change.file)) return undefined;
      const lines = host.files.get(change.file);
      if (lines !== undefined) return { kind: "put", file: change.file, lines };
      return { kind: "drop", file: change.file };
    }
    case "write-sysctl":
      return { ...change, from: change.to, to: change.from };
    case "check-quiet":
      return undefined;
    case "bind":
      return { ...change, kind: "unbind" };
    case "unbind":
      return { ...change, kind: "bind" };
  }
}

/** All changes in order; every host on the way, the first one included. */
export function applyAll(changes: readonly Change[], host: Host): Host[] {
  return changes.reduce((hosts, change) => [...hosts, apply(change, hosts.at(-1) ?? host)], [host]);
}

/** What the host's program does after a commit: with no owner and nothing saved the folder goes. */
export function tidy(host: Host): Host {
  const kept = [...host.files.keys()].some(
    (name) => name === "saved" || name.startsWith("owners/"),
  );
  return kept ? host : withFiles(host.observed, new Map());
}

/** Where a host answers or announces for a VIP that an owner claims: `203.0.113.10 on eth0`. */
export function leaks(owners: readonly OwnerRecord[], { observed }: Host): string[] {
  return owners.flatMap((owner) =>
    owner.vips
      .filter((vip) => !vip.includes(":"))
      .filter((vip) =>
        observed.addresses.some((one) => one.interface === "lo" && one.address === vip),
      )
      .flatMap((vip) => loudFor(owner, observed).map((nic) => `${vip} on ${nic.name}`)),
  );
}

/** The NICs that an owner wants quiet: all but those it leaves out on purpose. */
function loudFor(owner: OwnerRecord, observed: Observed): Nic[] {
  const named = new Set(owner.claims.map((claim) => claim.interface));
  return observed.nics
    .filter((nic) => named.has("all") || named.has(nic.name) || !isExcepted(nic.name, owner.except))
    .filter((nic) => isLoud(nic, observed));
}

function isLoud(nic: Nic, observed: Observed): boolean {
  const values = effective(observed.all, nic.own);
  return nic.hearsArp && ARP_KEYS.some((key) => !isSilent(key, values[key]));
}

function isOfBoot(file: string): boolean {
  return file === "replay" || file.startsWith("boot/");
}

function withBoot(change: FileChange, host: Host): Host {
  const boot = bootAfter(REAL_SERVER_KIT, change, host.observed.boot);
  return { ...host, observed: { ...host.observed, boot } };
}

function withFiles(observed: Observed, files: Host["files"]): Host {
  return {
    observed: { ...observed, registry: files.size === 0 ? undefined : parseRegistry(files) },
    files,
  };
}

function withAddresses(addresses: readonly BoundAddress[], { observed, files }: Host): Host {
  return { observed: { ...observed, addresses }, files };
}

function withSysctl(
  change: Extract<Change, { kind: "write-sysctl" }>,
  observed: Observed,
): Observed {
  const { interface: name, key, from, to } = change;
  const nic = observed.nics.find((one) => one.name === name);
  const found = name === "all" ? observed.all[key] : nic?.own[key];
  if (found !== from) throw new Error(`${key} of ${name} is ${String(found)} and was ${from}`);
  if (name === "all") return { ...observed, all: { ...observed.all, [key]: to } };
  return {
    ...observed,
    nics: observed.nics.map((one) =>
      one === nic ? { ...one, own: { ...one.own, [key]: to } } : one,
    ),
  };
}

function boundAs(prefix: string, observed: Observed): BoundAddress | undefined {
  return observed.addresses.find(
    (one) => one.interface === "lo" && one.prefix === prefix && one.peer === "",
  );
}

function addressFrom(step: Extract<Change, { kind: "bind" | "unbind" }>): BoundAddress {
  const { family, prefix, scope, label, validLft, preferredLft, extras } = step;
  const [text = "", length] = prefix.split("/");
  const address = canonicalAddress(text) ?? text;
  const rest = { scope, label, validLft, preferredLft, ...(extras !== undefined && { extras }) };
  return {
    interface: "lo",
    family,
    address,
    prefixLength: Number(length),
    prefix,
    peer: "",
    ...rest,
  };
}

function addressOf(sketch: NonNullable<HostSketch["addresses"]>[number]): BoundAddress {
  const { at, ...rest } = typeof sketch === "string" ? { at: sketch } : sketch;
  const [nic = "", prefix = "", scope = "", ...label] = at.split(" ");
  const [text = "", length] = prefix.split("/");
  return {
    interface: nic,
    family: text.includes(":") ? 6 : 4,
    address: canonicalAddress(text) ?? text,
    prefixLength: Number(length),
    prefix,
    peer: "",
    scope,
    label: label.join(" "),
    validLft: "forever",
    preferredLft: "forever",
    ...rest,
  };
}

function routesOf(lines: readonly string[]): Route[] {
  return ([4, 6] as const).flatMap((family) => {
    const own = lines.filter((line) => line.includes(":") === (family === 6));
    return parseRoutes(family, own, []);
  });
}

function nicOf(name: string, words: readonly (number | string)[]): Nic {
  const [ignore = 0, announce = 0] = words.filter((word) => typeof word === "number");
  const noArp = words.includes("noarp");
  return {
    name,
    own: valuesOf(ignore, announce),
    rpFilter: 0,
    hearsArp: !noArp,
    offWire: noArp || words.includes("portless"),
  };
}

function valuesOf(ignore: number, announce: number): ArpValues {
  return { arp_ignore: ignore, arp_announce: announce };
}

function recordFrom(sketch: Partial<OwnerRecord>): OwnerRecord {
  const vips = sketch.vips ?? ["203.0.113.10"];
  const claims = ARP_KEYS.map((key) => ({
    interface: "all",
    key,
    value: key === "arp_ignore" ? 1 : 2,
  }));
  return {
    owner: "web-1",
    incarnation: "0001",
    seen: "2026-07-01T10:00:00.000Z",
    claims: vips.some((vip) => !vip.includes(":")) ? claims : [],
    except: [],
    persist: false,
    unknown: [],
    ...sketch,
    vips,
  };
}

function savedOf(text: string): SavedSysctl {
  const [nic = "", key = "", value, written] = text.split(" ");
  return { interface: nic, key: key as ArpKey, value: Number(value), written: Number(written) };
}

function vipOf(text: string): Vip {
  const parsed = parseVip(text);
  if ("reason" in parsed) throw new RangeError(`${text} ${parsed.reason}`);
  return parsed.vip;
}
