import { readFile } from "node:fs/promises";
import { addAbortSignal } from "node:stream";
import { text as textOf } from "node:stream/consumers";
import { wayTo, type InspectCommand, type Login, type Way } from "./arguments";
import { UsageError } from "./usage";
import { canonicalAddress } from "../domain/address";

/** One of several hosts that a command is about. */
export interface NamedHost {
  /** Its name in reports, each host another one: `10.0.0.11`, or `10.0.0.11:2222` where it has a port of its own. */
  readonly name: string;
  /** Where it was named: `hosts.txt line 3`. */
  readonly from: string;
  readonly way: Way;
}

/** The hosts of a command, each once, in the order in which they were named. */
export interface HostList {
  readonly hosts: readonly NamedHost[];
  /** The names of those that were named more than once. The first time counts, also for the user. */
  readonly repeated: readonly string[];
}

/**
 * The hosts of `inspect`: those that were typed, and then those of its list.
 *
 * @throws UsageError where the list cannot be read or names no host, and for a line that is none
 */
export async function hostsOf(
  { hosts, hostsFile, login }: InspectCommand,
  signal: AbortSignal,
): Promise<HostList> {
  const typed = hosts.map((way, index) => ({ way, from: `host ${index + 1} on the command line` }));
  if (hostsFile === undefined) return once(typed, login);
  const title = hostsFile === "-" ? "the standard input" : hostsFile;
  const listed = listedIn(await read(hostsFile, title, signal), title, login);
  if (typed.length + listed.length === 0) throw new UsageError(`${title} names no host`);
  return once([...typed, ...listed], login);
}

type Found = Omit<NamedHost, "name">;

async function read(file: string, title: string, signal: AbortSignal): Promise<string> {
  try {
    if (file !== "-") return await readFile(file, { encoding: "utf8", signal });
    return await textOf(addAbortSignal(signal, process.stdin));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new UsageError(`${title} cannot be read: ${reason}`);
  }
}

function listedIn(text: string, title: string, login: Login): Found[] {
  const lines = text.replace(/^\uFEFF/, "").split("\n");
  return lines.flatMap((line, index) => {
    const destination = line.replace(/(^|\s)#.*/, "").trim();
    if (destination === "") return [];
    const from = `${title} line ${index + 1}`;
    if (/\s/.test(destination)) throw new UsageError(`${from}: one host a line, and no options`);
    return [{ from, way: at(from, () => wayTo(destination, login)) }];
  });
}

/** What is wrong with a line is said with where it is. */
function at<T>(from: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UsageError ? error.at(from) : error;
  }
}

function once(found: readonly Found[], login: Login): HostList {
  const hosts = new Map<string, NamedHost>();
  const repeated = new Set<string>();
  for (const one of found) {
    const host = canonicalAddress(one.way.host) ?? one.way.host.toLowerCase();
    // By ssh, only ssh_config knows what a host without a port means.
    const key = JSON.stringify([host, one.way.port ?? (login.ssh ? null : 22)]);
    const first = hosts.get(key);
    if (first === undefined) hosts.set(key, { ...one, name: nameOf(one.way, login) });
    else repeated.add(first.name);
  }
  return { hosts: [...hosts.values()], repeated: [...repeated] };
}

function nameOf({ host, port }: Way, login: Login): string {
  if (port === login.port) return host;
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
