import { FLAVOURS, type Flavour } from "../host/box";
import { drawEngineFault, drawFault } from "./draw-fault";
import {
  BINDING_FILES,
  drawMeddling,
  drawRoute,
  FOREIGN,
  KEYS,
  MEDDLING,
  prefixOf,
  VIPS4,
} from "./others";
import { Random } from "./random";
import {
  isBySsh,
  KIT_STATES,
  LOGINS,
  type HandAddress,
  type HostState,
  type OtherOwner,
  type Scenario,
  type Serving,
} from "./scenario";

/** The run of a number: the same for the same seed. One in fifty is through the engine. */
export function scenario(seed: number, number: number): Scenario {
  const random = new Random(seed, number);
  const through = number % 50 === 7 ? "engine" : "provider";
  const flavour = FLAVOURS[through === "engine" ? 0 : number % FLAVOURS.length]!;
  const verb = random.weighted({ create: 4, update: 4, delete: 4, read: 1 });
  const served = verb === "create" ? undefined : drawServing(random);
  const desired = verb === "update" ? drawUpdate(random, served!) : (served ?? drawServing(random));
  const login = random.weighted(LOGINS);
  const drift =
    served === undefined || random.chance(0.6) ? [] : [drawMeddling(random, served, "before")];
  const drawn = drawHost(random, desired, flavour);
  const writes = verb === "create" || verb === "update";
  const carriesKit = writes && desired.persist && !isKitThere(drawn, served, drift);
  const fault =
    through === "engine"
      ? drawEngineFault(random, carriesKit)
      : drawFault(random, carriesKit, desired, isBySsh({ login }));
  // What a damaged registry was like before it was settled, nobody could tell.
  const journal = fault.kind === "registry" ? "none" : drawn.journal;
  const finish = random.chance(0.6) ? "up" : "destroy";
  const host = { ...drawn, journal, slow: random.chance(0.3) };
  const forgets = random.chance(0.3);
  return {
    ...{ through, flavour, login, forgets, host, served, drift },
    ...{ verb, desired, carriesKit, fault, finish },
  };
}

/** IPv6 VIPs that runs draw from. */
const VIPS6 = Array.from({ length: 4 }, (_, number) => `2001:db8::${number + 1}`);

/** What a program declares. */
function drawServing(random: Random): Serving {
  const vips = [...random.some(VIPS4, 0, 3), ...random.some(VIPS6, 0, 2)];
  return {
    vips: vips.length > 0 ? vips : [random.pick(VIPS4)],
    ignore: random.chance(0.8) ? 1 : 2,
    interfaces: random.chance(0.8) ? "all" : ["eth0"],
    persist: random.chance(0.75),
  };
}

/** Other VIPs, and now and then another `arp.ignore` or `persist`. */
function drawUpdate(random: Random, { vips, ...rest }: Serving): Serving {
  const kept = random.some(vips, 0, vips.length);
  const fresh = [...VIPS4, ...VIPS6].filter((vip) => !vips.includes(vip));
  const added = random.some(fresh, kept.length % vips.length === 0 ? 1 : 0, 2);
  const ignore = random.chance(0.8) ? rest.ignore : rest.ignore === 1 ? 2 : 1;
  const persist = random.chance(0.75) ? rest.persist : !rest.persist;
  return { ...rest, ignore, persist, vips: [...kept, ...added] };
}

function drawHost(random: Random, desired: Serving, { ip }: Flavour): Omit<HostState, "slow"> {
  const owners = random.chance(0.35) ? [drawOwner(random, "other")] : [];
  if (owners.length > 0 && random.chance(0.3)) owners.push(drawOwner(random, "third"));
  const sysctls = KEYS.filter(() => random.chance(0.15)).map((name) => ({
    name,
    value: random.between(0, 2),
  }));
  const adopted = desired.vips.filter((vip) => random.chance(0.08) && !isTaken(vip, owners));
  const byHand = [
    ...adopted.map((vip) => drawHandAddress(random, vip, ip)),
    ...FOREIGN.filter(() => random.chance(0.06)).map((prefix) => ({ prefix, words: "" })),
  ];
  const journal = random.weighted({ none: 12, "of this boot": 1, "of another boot": 1 });
  const kit = random.chance(0.7) ? "whole" : random.weighted(KIT_STATES);
  // A route may come from an address that is bound.
  const sources = byHand.flatMap(({ prefix }) => /^(.*)\/(?:32|128)$/.exec(prefix)?.[1] ?? []);
  const routes = [
    ...sources.filter(() => random.chance(0.4)).map((vip) => drawRoute(random, vip, true)),
    ...[random.pick(desired.vips), random.pick(VIPS4)]
      .filter(() => random.chance(0.06))
      .map((vip) => drawRoute(random, vip, false)),
  ];
  const files = Object.keys(BINDING_FILES)
    .filter(() => random.chance(0.04))
    .map((path) => ({ path, vip: random.pick([...desired.vips, "203.0.113.40"]) }));
  const litter = random.chance(0.1);
  return { sysctls, byHand, owners, kit, journal, routes, files, litter };
}

/** Whether the operation finds a kit that it need not write. */
function isKitThere(
  { owners, kit }: Pick<HostState, "owners" | "kit">,
  served: Serving | undefined,
  drift: Scenario["drift"],
): boolean {
  if (drift.some((one) => one.what === MEDDLING.leavesKit("whole").what)) return false;
  return served?.persist === true || (owners.some((one) => one.persist) && kit === "whole");
}

function isTaken(vip: string, owners: readonly OtherOwner[]): boolean {
  return owners.some(({ vips }) => vips.includes(vip));
}

function drawOwner(random: Random, owner: string): OtherOwner {
  const vips = [...random.some(VIPS4, 1, 2), ...random.some(VIPS6, 0, 1)];
  return { owner, vips, ignore: random.chance(0.8) ? 1 : 2, persist: random.chance(0.5) };
}

function drawHandAddress(random: Random, vip: string, ip: Flavour["ip"]): HandAddress {
  const prefix = prefixOf(vip);
  if (vip.includes(":"))
    return { prefix, words: random.pick(["", "preferred_lft 0 valid_lft 7200"]) };
  const label = ip === "iproute2" ? ["label 'lo:b y'"] : [];
  const plain = ["", "scope link", "label lo:1", "valid_lft 7200 preferred_lft 3600"];
  const words = [...plain, `brd ${vip} label lo:0`, ...label];
  return { prefix, words: random.pick(words) };
}
