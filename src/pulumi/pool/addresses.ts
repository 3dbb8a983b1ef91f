import type * as pulumi from "@pulumi/pulumi";
import { canonicalAddress, parseVip, type Family, type Vip } from "../../domain/address";
import { failureOf, shown, type Failure } from "../../inputs/failure";
import type {
  PoolConnectionArgs,
  PoolDirectorArgs,
  PoolMemberArgs,
  RealServerPoolArgs,
} from "./args";
import { isLater } from "../registration";
import { isHost, memberObject, present } from "./members";
import { knownRip, ripProblem } from "./rips";

/** A VIP in one of the two lists of a pool, canonical. */
export interface PoolVip {
  readonly list: "vips" | "retiring";
  readonly vip: Vip;
}

/** The VIPs of a pool, and what is wrong with them: each once, in one of the two lists. */
export function readVips({ vips, retiring }: Pick<RealServerPoolArgs, "vips" | "retiring">): {
  readonly vips: readonly PoolVip[];
  readonly failures: readonly Failure[];
} {
  const found = new Map<string, PoolVip>();
  const failures: Failure[] = [];
  for (const [list, texts] of [
    ["vips", vips ?? []],
    ["retiring", retiring ?? []],
  ] as const) {
    for (const [at, text] of texts.entries()) {
      const parsed = parseVip(text);
      const address = "vip" in parsed ? parsed.vip.address : "";
      const earlier = found.get(address);
      if ("reason" in parsed)
        failures.push(failureOf([list, at], `${shown(text)} ${parsed.reason}`));
      else if (earlier === undefined) found.set(address, { list, vip: parsed.vip });
      else failures.push(failureOf([list, at], `${shown(text)} ${againProblem(list, earlier)}`));
    }
  }
  if (found.size === 0 && failures.length === 0)
    failures.push(failureOf(["vips"], "an empty list binds nothing; give at least one VIP"));
  return { vips: [...found.values()], failures };
}

function againProblem(list: PoolVip["list"], earlier: PoolVip): string {
  return list === earlier.list
    ? "is there twice; name each VIP once"
    : "is in vips, too; a VIP that retires is taken from there";
}

/** What is wrong with the addresses of members and directors, as far as a preview knows them. */
export function addressFailures(args: RealServerPoolArgs, vips: readonly PoolVip[]): Failure[] {
  const bound = new Set(vips.map(({ vip }) => vip.address));
  const members = Object.entries(args.realServers);
  const directors = Object.entries(args.directors ?? {});
  return [
    ...members.flatMap(([name, member]) => {
      const { host, rip, rip6 } = memberObject(member);
      return vipFailures({ host, rip, rip6 }, ["realServers", name], "a member", bound);
    }),
    ...directors.flatMap(([name, director]) => {
      const { host } = directorObject(director);
      return vipFailures({ host }, ["directors", name], "a director", bound);
    }),
    ...sameHostFailures(args),
    ...(directors.length === 0 ? [] : ripFailures(args, servedFamilies(vips))),
    ...directorRipFailures(args),
  ];
}

/** The families that directors serve: of what retires, they serve nothing. */
function servedFamilies(vips: readonly PoolVip[]): Family[] {
  const served = vips.filter(({ list }) => list === "vips").map(({ vip }) => vip.family);
  return [...new Set(served)];
}

function directorObject(director: pulumi.Input<string> | PoolDirectorArgs): PoolDirectorArgs {
  return isHost(director) ? { host: director } : director;
}

function vipFailures(
  addresses: Readonly<Record<string, unknown>>,
  path: readonly string[],
  whose: string,
  vips: ReadonlySet<string>,
): Failure[] {
  return Object.entries(addresses).flatMap(([input, value]) =>
    typeof value === "string" && vips.has(canonicalAddress(value) ?? "")
      ? [
          failureOf(
            [...path, input],
            `${shown(value)} is a VIP of the pool; ${whose} has an address of its own`,
          ),
        ]
      : [],
  );
}

/** By another port or another bastion, the same address may be another machine. */
function sameHostFailures({ realServers, directors, connection }: RealServerPoolArgs): Failure[] {
  const first = new Map<string, string>();
  const hosts = [
    ...Object.entries(realServers).map(([name, given]) => {
      const { host, connection: own } = memberObject(given);
      return { path: ["realServers", name], name, host, own, whose: "each member" };
    }),
    ...Object.entries(directors ?? {}).map(([name, given]) => {
      const { host, ...own } = directorObject(given);
      return {
        path: ["directors", name],
        name: `director ${name}`,
        host,
        own,
        whose: "a director",
      };
    }),
  ];
  return hosts.flatMap(({ path, name, host, own, whose }) => {
    const place = placeOf(host, own, connection);
    const earlier = place === undefined ? undefined : first.get(place);
    if (place !== undefined && earlier === undefined) first.set(place, name);
    if (earlier === undefined) return [];
    const text = `${shown(host)} is the host of ${earlier}, too; ${whose} is a host of its own`;
    return [failureOf([...path, "host"], text)];
  });
}

/** Undefined while a part of it is not known. What the user's own ssh is given may lead elsewhere, too. */
function placeOf(
  host: unknown,
  own: PoolMemberArgs["connection"],
  shared: RealServerPoolArgs["connection"],
): string | undefined {
  if (isLater(own) || isLater(shared)) return undefined;
  const { port, proxy, ssh } = {
    ...present(shared ?? {}),
    ...present(own ?? {}),
  } as PoolConnectionArgs;
  const bastion = proxy && !isLater(proxy) ? [proxy.host, proxy.port ?? 22] : proxy;
  const way = [port ?? 22, bastion, ssh === true ? {} : ssh || undefined];
  if (typeof host !== "string" || hasLater(way)) return undefined;
  return JSON.stringify([canonicalAddress(host) ?? host.toLowerCase(), ...way]);
}

function hasLater(value: unknown): boolean {
  if (isLater(value)) return true;
  return typeof value === "object" && value !== null && Object.values(value).some(hasLater);
}

/** What a director sends to itself, it sends nowhere. */
function directorRipFailures({ realServers, directors }: RealServerPoolArgs): Failure[] {
  const members = new Map(
    Object.entries(realServers).flatMap(([name, given]) => {
      const { rip, rip6 } = memberObject(given);
      const known = [rip, rip6].filter((one) => typeof one === "string");
      return known.map((one) => [canonicalAddress(one), name] as const);
    }),
  );
  return Object.entries(directors ?? {}).flatMap(([name, given]) => {
    const { host } = directorObject(given);
    const address = typeof host === "string" ? canonicalAddress(host) : undefined;
    const member = address === undefined ? undefined : members.get(address);
    if (member === undefined) return [];
    const text = `${shown(host)} is the RIP of ${member}; a director is a host of its own`;
    return [failureOf(["directors", name, "host"], text)];
  });
}

/** No address is missing, and none is there twice. */
function ripFailures(args: RealServerPoolArgs, families: readonly Family[]): Failure[] {
  const first = new Map<string, string>();
  return Object.entries(args.realServers).flatMap(([name, given]) =>
    families.flatMap((family) => {
      const member = memberObject(given);
      const path = ["realServers", name];
      const problem = ripProblem(member, family);
      if (problem !== undefined) return [failureOf([...path, ...problem.path], problem.message)];
      const rip = knownRip(member, family);
      const earlier = rip && first.get(rip.address);
      if (rip === undefined || earlier === undefined) {
        if (rip !== undefined) first.set(rip.address, name);
        return [];
      }
      const text = `${rip.address} is the RIP of ${earlier}, too; each member has one of its own`;
      return [failureOf([...path, rip.input], text)];
    }),
  );
}
