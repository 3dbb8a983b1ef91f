import { randomBytes, randomInt } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { networkInterfaces } from "node:os";
import { join } from "node:path";

import { command } from "./command";

/** A lab's place on this machine: a number that no other lab has, and what follows from it. */
export interface Site {
  readonly number: number;
  /** A folder of its own for keys and mount points. */
  readonly state: string;
  readonly namespace: string;
  /** The machine's own interface into the lab. */
  readonly device: string;
  /** The first three bytes of an IPv4 /24, `198.18.7`. */
  readonly subnet: string;
  /** An IPv6 /64 without the closing `::`. */
  readonly subnet6: string;
}

/**
 * Claims a free place.
 *
 * The claim is the rename of a folder to the place's number: it fails where that is there and not
 * empty, so of two processes only one gets it, and nobody ever sees a claim without its owner.
 */
export async function claimSite(): Promise<Site> {
  await mkdir(BASE, { recursive: true, mode: 0o711 });
  const draft = await mkdtemp(join(BASE, "draft-"));
  const tag = randomBytes(4).toString("hex");
  await writeFile(join(draft, "owner"), `${await identity(process.pid)}\n`);
  await writeFile(join(draft, "tag"), `${tag}\n`);
  for (let attempt = 0; attempt < SITES; attempt += 1) {
    const site = siteOf(randomInt(SITES), tag);
    if (!isFree(site)) continue;
    try {
      await rename(draft, site.state);
      return site;
    } catch (cause) {
      if (!["ENOTEMPTY", "EEXIST"].includes((cause as NodeJS.ErrnoException).code ?? ""))
        throw cause;
    }
  }
  await rm(draft, { recursive: true });
  throw new Error(`the lab finds no free subnet in 198.18.0.0/15: remove what is in ${BASE}`);
}

/** Removes every place whose owner and keeper are both gone. */
export async function removeStaleSites(): Promise<void> {
  for (const entry of await readdir(BASE).catch(() => [])) {
    const state = join(BASE, entry);
    const owner = await readFile(join(state, "owner"), "utf8").catch(() => "");
    // A draft in the making has no owner yet; it is as harmless as it is small.
    if (owner === "" || (await isAlive(owner))) continue;
    // A keeper that lives removes its place itself.
    const keeper = await readFile(join(state, "keeper"), "utf8").catch(() => "");
    if (keeper !== "" && (await isAlive(keeper))) continue;
    const tag = (await readFile(join(state, "tag"), "utf8").catch(() => "")).trim();
    const { device, namespace } = siteOf(0, tag);
    await command("ip", ["link", "delete", device], { allowFailure: true });
    // A capture keeps the wire, whoever deletes its name.
    const end = `ip netns pids ${namespace} | xargs -r kill`;
    await command("sh", ["-c", end], { allowFailure: true });
    await command("ip", ["netns", "delete", namespace], { allowFailure: true });
    await rm(state, { recursive: true, force: true });
  }
}

const BASE = "/run/pulumi-lvs-dr-lab";
/** 198.18.0.0/15 is for benchmarks of networks (RFC 2544), so no real network uses it. */
const SITES = 510;

function siteOf(number: number, tag: string): Site {
  return {
    number,
    state: join(BASE, String(number)),
    namespace: `lvs-dr-lab-${tag}`,
    device: `lvsdr${tag}`,
    subnet: `198.${18 + (number >> 8)}.${number & 0xff}`,
    // Never zero, which would be spelled in another way as soon as "::" follows.
    subnet6: `fd5c:198:18:${(number + 1).toString(16)}`,
  };
}

function isFree(site: Site): boolean {
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return !addresses.some(({ address }) => address.startsWith(`${site.subnet}.`));
}

/** A process id and its start time, because ids are used again. */
async function identity(pid: number): Promise<string> {
  const stat = await readFile(`/proc/${pid}/stat`, "utf8");
  // The name in parentheses may hold blanks; the start time is field 22, the 20th after it.
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  if (fields[0] === "Z")
    throw new Error(`process ${pid} is dead, and nobody has asked how it ended`);
  const start = fields[19];
  return `${pid} ${start}`;
}

async function isAlive(recorded: string): Promise<boolean> {
  const pid = Number(recorded.split(" ")[0]);
  const now = await identity(pid).catch(() => "");
  return now === recorded.trim();
}
