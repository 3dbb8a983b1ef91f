import { createHash } from "node:crypto";
import { parseVip } from "../domain/address";
import { globProblem } from "../domain/arp";
import { ARP_KEYS, type ArpKey, type SavedSysctl, type SysctlClaim } from "../domain/sysctl";

/** One declared resource, as the host's registry knows it: a file `owners/<id>`. */
export interface OwnerRecord {
  /** The name that the program gives it: organization and URN, or the `owner` input. */
  readonly owner: string;
  /** Drawn anew by every create; later ones sort behind earlier ones. */
  readonly incarnation: string;
  /** When a writing operation last touched it, ISO 8601 in UTC. */
  readonly seen: string;
  /** Canonical addresses, without prefix. */
  readonly vips: readonly string[];
  readonly claims: readonly SysctlClaim[];
  /** Globs of NICs that a list of interfaces leaves out on purpose. */
  readonly except: readonly string[];
  /** Its VIPs are bound again at boot. */
  readonly persist: boolean;
}

/** What /var/lib/lvs-dr holds. */
export interface Registry {
  /** By file name: `id` of `idOf(owner)`. */
  readonly owners: ReadonlyMap<string, OwnerRecord>;
  readonly saved: readonly SavedSysctl[];
  /** The machine that it was made on, or undefined where that is not written yet. */
  readonly machine: Machine | undefined;
}

/** `-` stands for what cannot be read. */
export interface Machine {
  readonly machineId: string;
  readonly productUuid: string;
}

/** A file of the registry that is not as this version writes it. */
export class UnreadableRecord extends Error {
  override readonly name = "UnreadableRecord";
}

/** A file name for an owner's record: owners are free text, file names are not. */
export function idOf(owner: string): string {
  return createHash("sha256").update(owner).digest("hex").slice(0, 32);
}

/** The lines of `owners/<id>`. The owner's name is escaped as a JSON string: one line, no control characters. */
export function renderOwner(record: OwnerRecord): string[] {
  return [
    "lvs-dr-owner 1",
    `owner ${asciiJson(record.owner)}`,
    `incarnation ${record.incarnation}`,
    `seen ${record.seen}`,
    ...record.vips.map((vip) => `vip ${vip}`),
    ...record.claims.map((claim) => `claim ${claim.key} ${claim.value} ${claim.interface}`),
    ...record.except.map((glob) => `except ${glob}`),
    ...(record.persist ? ["persist"] : []),
    END,
  ];
}

/** The lines of `saved`. */
export function renderSaved(saved: readonly SavedSysctl[]): string[] {
  return [
    "lvs-dr-saved 1",
    ...saved.map((one) => `sysctl ${one.key} ${one.value} ${one.written} ${one.interface}`),
    END,
  ];
}

// Without it a file that was cut at the end of a line would pass for a shorter one.
const END = "end";

/** The lines of `machine`. */
export function renderMachine(machine: Machine): string[] {
  return [
    "lvs-dr-machine 1",
    `machine-id ${machine.machineId}`,
    `product-uuid ${machine.productUuid}`,
  ];
}

/**
 * Reads the registry's files, by their names relative to it. Total: anything unexpected throws
 * {@link UnreadableRecord}, since a record that cannot be read must never pass for none.
 */
export function parseRegistry(files: ReadonlyMap<string, readonly string[]>): Registry {
  const owners = new Map<string, OwnerRecord>();
  let saved: SavedSysctl[] = [];
  let machine: Machine | undefined;
  for (const [name, lines] of files) {
    if (name === "saved") saved = parseSaved(lines);
    else if (name === "machine") machine = parseMachine(lines);
    else if (name.startsWith("owners/")) owners.set(name.slice(7), parseOwner(name, lines));
    // The boot's program is known by its checksum, and a journal under way is for the host's own eyes.
    else if (name !== "journal" && name !== "replay")
      throw new UnreadableRecord(`unknown file ${name}`);
  }
  return { owners, saved, machine };
}

/** The lines before the last, which says that none is missing. */
function beforeEnd(name: string, lines: readonly string[]): readonly string[] {
  if (lines.at(-1) !== END) throw unreadable(name, lines.at(-1));
  return lines.slice(0, -1);
}

function parseOwner(name: string, lines: readonly string[]): OwnerRecord {
  const [head, ownerLine, incarnationLine, seenLine, ...rest] = beforeEnd(name, lines);
  const owner = parseJsonString(/^owner (".*")$/.exec(ownerLine ?? "")?.[1]);
  const incarnation = /^incarnation ([0-9a-z-]+)$/.exec(incarnationLine ?? "")?.[1];
  const seen = /^seen ([0-9TZ:.-]+)$/.exec(seenLine ?? "")?.[1];
  if (head !== "lvs-dr-owner 1") throw unreadable(name, head);
  if (owner === undefined) throw unreadable(name, ownerLine);
  if (incarnation === undefined) throw unreadable(name, incarnationLine);
  if (seen === undefined) throw unreadable(name, seenLine);
  if (name !== `owners/${idOf(owner)}`) throw unreadable(name, ownerLine);
  const vips: string[] = [];
  const claims: SysctlClaim[] = [];
  const except: string[] = [];
  let persist = false;
  for (const line of rest) {
    const vip = /^vip (\S+)$/.exec(line)?.[1];
    const claim = /^claim ([a-z_]+) (\d) ([^ ]+)$/.exec(line);
    const glob = /^except (.+)$/.exec(line)?.[1];
    if (vip !== undefined && isVip(vip)) vips.push(vip);
    else if (claim) claims.push(parseClaim(name, line, claim));
    else if (glob !== undefined && globProblem(glob) === undefined) except.push(glob);
    else if (line === "persist") persist = true;
    else throw unreadable(name, line);
  }
  return { owner, incarnation, seen, vips, claims, except, persist };
}

/** Something else than a VIP in its canonical spelling must never be taken off a host. */
function isVip(text: string): boolean {
  const parsed = parseVip(text);
  return "vip" in parsed && parsed.vip.address === text;
}

function parseClaim(name: string, line: string, match: RegExpExecArray): SysctlClaim {
  const [, key, value, nic] = match;
  if (!isArpKey(key) || !isNic(nic)) throw unreadable(name, line);
  return { interface: nic, key, value: Number(value) };
}

function parseSaved(lines: readonly string[]): SavedSysctl[] {
  const [head, ...rest] = beforeEnd("saved", lines);
  if (head !== "lvs-dr-saved 1") throw unreadable("saved", head);
  return rest.map((line) => {
    const match = /^sysctl ([a-z_]+) (-?\d+) (-?\d+) ([^ ]+)$/.exec(line);
    const [, key, value, written, nic] = match ?? [];
    if (!isArpKey(key) || !isNic(nic)) throw unreadable("saved", line);
    return { interface: nic, key, value: Number(value), written: Number(written) };
  });
}

function parseMachine(lines: readonly string[]): Machine {
  const [head, idLine, productLine, ...rest] = lines;
  const machineId = /^machine-id ([0-9a-zA-Z-]+)$/.exec(idLine ?? "")?.[1];
  const productUuid = /^product-uuid ([0-9a-zA-Z-]+)$/.exec(productLine ?? "")?.[1];
  if (head !== "lvs-dr-machine 1" || rest.length > 0) throw unreadable("machine", head);
  if (machineId === undefined) throw unreadable("machine", idLine);
  if (productUuid === undefined) throw unreadable("machine", productLine);
  return { machineId, productUuid };
}

/** It becomes part of a path on the host, and must not lead out of its folder. */
function isNic(text: string | undefined): text is string {
  return text !== undefined && !text.includes("/") && text !== "." && text !== "..";
}

function isArpKey(text: string | undefined): text is ArpKey {
  return ARP_KEYS.some((key) => key === text);
}

function asciiJson(text: string): string {
  return JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function parseJsonString(text: string | undefined): string | undefined {
  if (text === undefined) return undefined;
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

function unreadable(name: string, line: string | undefined): UnreadableRecord {
  return new UnreadableRecord(`${name}: ${JSON.stringify(line ?? "(end of file)")}`);
}
