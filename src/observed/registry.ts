import { createHash } from "node:crypto";
import { parseVip } from "../domain/address";
import { globProblem } from "../domain/arp";
import {
  isArpKey,
  isInterface,
  savedFrom,
  savedWords,
  type SavedSysctl,
  type SysctlClaim,
} from "../domain/sysctl";
import {
  aboveEnd,
  belowHead,
  byFirstWord,
  END,
  headOf,
  unreadable,
  UnreadableRecord,
} from "./record-lines";
import { asciiJson } from "../domain/terminal";

/** Whose a record is: a file `owners/<id>` of a host's registry. */
export interface OwnerHead {
  /** The name that the program gives it: organization and URN, or the `owner` input. */
  readonly owner: string;
  /** Drawn anew by every create; later ones sort behind earlier ones. */
  readonly incarnation: string;
  /** When a writing operation last touched it, ISO 8601 in UTC. */
  readonly seen: string;
}

/** One declared resource, as the registry of a real server knows it. */
export interface OwnerRecord extends OwnerHead {
  /** Canonical addresses, without prefix. */
  readonly vips: readonly string[];
  readonly claims: readonly SysctlClaim[];
  /** Globs of NICs that a list of interfaces leaves out on purpose. */
  readonly except: readonly string[];
  /** Its VIPs are bound again at boot. */
  readonly persist: boolean;
  /** Lines of a later version, in their order. */
  readonly unknown: readonly string[];
}

/** What the host's ARP keys were before this package first wrote them: the file `saved`. */
export interface SavedRecord {
  readonly sysctls: readonly SavedSysctl[];
  /** Lines of a later version, in their order. */
  readonly unknown: readonly string[];
}

/** What /var/lib/lvs-dr holds. */
export interface Registry {
  /** By file name: `id` of `idOf(owner)`. */
  readonly owners: ReadonlyMap<string, OwnerRecord>;
  readonly saved: SavedRecord;
  /** The machine that it was made on, or undefined where that is not written yet. */
  readonly machine: MachineRecord | undefined;
}

/** `-` stands for what cannot be read. */
export interface Machine {
  readonly machineId: string;
  readonly productUuid: string;
}

/** The file `machine`. */
export interface MachineRecord extends Machine {
  /** Lines of a later version, in their order. */
  readonly unknown: readonly string[];
}

/** What `saved` says where it is not there. */
export const NOTHING_SAVED: SavedRecord = { sysctls: [], unknown: [] };

/** A file name for an owner's record: owners are free text, file names are not. */
export function idOf(owner: string): string {
  return createHash("sha256").update(owner).digest("hex").slice(0, 32);
}

/** The lines of `owners/<id>`. The owner's name is escaped as a JSON string. */
export function renderOwner(record: OwnerRecord): string[] {
  return [
    headOf("owner"),
    ...renderOwnerHead(record),
    ...record.vips.map((vip) => `vip ${vip}`),
    ...record.claims.map((claim) => `claim ${claim.key} ${claim.value} ${claim.interface}`),
    ...record.except.map((glob) => `except ${glob}`),
    ...(record.persist ? ["persist"] : []),
    ...record.unknown,
    END,
  ];
}

/** An owner's records: under its name, or under a former name with its incarnation. */
export function recordsOf<Record extends OwnerHead>(
  { owner, incarnation }: Pick<OwnerHead, "owner" | "incarnation">,
  registry: { readonly owners: ReadonlyMap<string, Record> } | undefined,
): Map<string, Record> {
  return new Map(
    [...(registry?.owners ?? [])].filter(
      ([id, record]) => id === idOf(owner) || record.incarnation === incarnation,
    ),
  );
}

/** The lines that say whose a record is. */
export function renderOwnerHead({ owner, incarnation, seen }: OwnerHead): string[] {
  return [`owner ${asciiJson(owner)}`, `incarnation ${incarnation}`, `seen ${seen}`];
}

/** The lines of `saved`. A NIC's name goes last, as in a claim. */
export function renderSaved({ sysctls, unknown }: SavedRecord): string[] {
  const lines = sysctls.map((one) => {
    const [nic, ...rest] = savedWords(one);
    return ["sysctl", ...rest, nic].join(" ");
  });
  return [headOf("saved"), ...lines, ...unknown, END];
}

/** The lines of `machine`. */
export function renderMachine({ machineId, productUuid, unknown }: MachineRecord): string[] {
  return [headOf("machine"), `machine-id ${machineId}`, `product-uuid ${productUuid}`, ...unknown];
}

/**
 * Reads the registry's files, by their names relative to it. Total: anything unexpected throws
 * {@link UnreadableRecord}, since a record that cannot be read must never pass for none.
 */
export function parseRegistry(files: ReadonlyMap<string, readonly string[]>): Registry {
  const owners = new Map<string, OwnerRecord>();
  let saved = NOTHING_SAVED;
  let machine: MachineRecord | undefined;
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

/** Words that stand once, at the head of any owner's record. */
export const HEAD_WORDS: readonly string[] = ["owner", "incarnation", "seen", END];

const OWNER_WORDS = [...HEAD_WORDS, "vip", "claim", "except", "persist"];

function parseOwner(name: string, lines: readonly string[]): OwnerRecord {
  const { rest, ...head } = parseOwnerHead(name, aboveEnd(name, belowHead(name, "owner", lines)));
  const { known, unknown } = byFirstWord(name, rest, OWNER_WORDS);
  const vips: string[] = [];
  const claims: SysctlClaim[] = [];
  const except: string[] = [];
  let persist = false;
  for (const line of known) {
    const vip = /^vip (\S+)$/.exec(line)?.[1];
    const claim = /^claim ([a-z_]+) (\d) ([^ ]+)$/.exec(line);
    const glob = /^except (.+)$/.exec(line)?.[1];
    if (vip !== undefined && isVip(vip)) vips.push(vip);
    else if (claim) claims.push(parseClaim(name, line, claim));
    else if (glob !== undefined && globProblem(glob) === undefined) except.push(glob);
    else if (line === "persist") persist = true;
    else throw unreadable(name, line);
  }
  return { ...head, vips, claims, except, persist, unknown };
}

/** Whose a record is, from its first lines, and the lines below. Throws {@link UnreadableRecord}. */
export function parseOwnerHead(
  name: string,
  [ownerLine, incarnationLine, seenLine, ...rest]: readonly string[],
): OwnerHead & { readonly rest: readonly string[] } {
  const owner = parseJsonString(/^owner (".*")$/.exec(ownerLine ?? "")?.[1]);
  const incarnation = /^incarnation ([0-9a-z-]+)$/.exec(incarnationLine ?? "")?.[1];
  const seen = /^seen ([0-9TZ:.-]+)$/.exec(seenLine ?? "")?.[1];
  if (owner === undefined) throw unreadable(name, ownerLine);
  if (incarnation === undefined) throw unreadable(name, incarnationLine);
  if (seen === undefined) throw unreadable(name, seenLine);
  if (name !== `owners/${idOf(owner)}`) throw unreadable(name, ownerLine);
  return { owner, incarnation, seen, rest };
}

/** Something else than a VIP in its canonical spelling must never be taken off a host. */
function isVip(text: string): boolean {
  const parsed = parseVip(text);
  return "vip" in parsed && parsed.vip.address === text;
}

function parseClaim(name: string, line: string, match: RegExpExecArray): SysctlClaim {
  const [, key, value, nic = ""] = match;
  if (!isArpKey(key) || !isInterface(nic)) throw unreadable(name, line);
  return { interface: nic, key, value: Number(value) };
}

function parseSaved(lines: readonly string[]): SavedRecord {
  const body = aboveEnd("saved", belowHead("saved", "saved", lines));
  const { known, unknown } = byFirstWord("saved", body, ["sysctl", END]);
  return { sysctls: known.map(parseSavedLine), unknown };
}

// sysctl KEY VALUE WRITTEN INTERFACE
function parseSavedLine(line: string): SavedSysctl {
  const [word, ...rest] = line.split(" ");
  const saved = savedFrom([...rest.slice(-1), ...rest.slice(0, -1)]);
  if (word !== "sysctl" || saved === undefined) throw unreadable("saved", line);
  return saved;
}

/** Reads the file `machine`. Throws {@link UnreadableRecord}. */
export function parseMachine(lines: readonly string[]): MachineRecord {
  const [idLine, productLine, ...rest] = belowHead("machine", "machine", lines);
  const machineId = /^machine-id ([0-9a-zA-Z-]+)$/.exec(idLine ?? "")?.[1];
  const productUuid = /^product-uuid ([0-9a-zA-Z-]+)$/.exec(productLine ?? "")?.[1];
  if (machineId === undefined) throw unreadable("machine", idLine);
  if (productUuid === undefined) throw unreadable("machine", productLine);
  const { known, unknown } = byFirstWord("machine", rest, ["machine-id", "product-uuid", END]);
  if (known.length > 0) throw unreadable("machine", known[0]);
  return { machineId, productUuid, unknown };
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
