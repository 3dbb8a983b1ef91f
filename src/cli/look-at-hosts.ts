import type { InspectCommand } from "./arguments";
import { commandAdvice } from "./advice";
import { connectionOf, keyFileOf, requireKnownHosts, type Environment } from "./connection";
import type { HostList, NamedHost } from "./hosts";
import { COMMAND_TERMS } from "./terms";
import { UsageError } from "./usage";
import { RealServerError } from "../domain/errors";
import { lookAt, refuseName } from "../inspect/look";
import type { LookedAt, LookError } from "../inspect/summary";
import type { InspectConnection } from "../inspect/types";

/** What looking at several hosts needs beside the command line. */
export interface HostsOnlooker {
  readonly environment: Environment;
  readonly signal: AbortSignal;
  /** Where warnings go. */
  say(text: string): void;
  /** Where it goes how far the command is, at most once a second, and only after the first one. */
  progress(text: string): void;
}

/**
 * Looks at hosts, so many at a time. A host that cannot be looked at is in the answer with why.
 *
 * @throws UsageError for a connection that cannot be, before any host is dialled; the signal's reason
 *   once it is aborted
 */
export async function lookAtHosts(
  { hosts }: HostList,
  command: InspectCommand,
  onlooker: HostsOnlooker,
): Promise<LookedAt[]> {
  for (const name of command.names) refuseName(name);
  const { environment } = onlooker;
  const keyFile = await keyFileOf(command.login, environment);
  const reachable: Reachable[] = [];
  for (const host of hosts)
    reachable.push(await reached({ ...host, way: { ...host.way, keyFile } }, environment));
  const waiting = new Set(hosts.map(({ name }) => name));
  const progress = unlessRepeated((text) => onlooker.progress(text));
  const timer = setInterval(() => progress(progressOf(hosts.length, [...waiting])), 1000);
  const warn = eachOnce((text) => onlooker.say(text));
  try {
    return await atMost(command.atOnce, reachable, async (host) => {
      const look = await lookedAt(host, command, onlooker.signal, warn);
      waiting.delete(host.name);
      return look;
    });
  } finally {
    clearInterval(timer);
  }
}

type Reachable = NamedHost & { readonly connection: InspectConnection };

async function reached(host: NamedHost, environment: Environment): Promise<Reachable> {
  try {
    return { ...host, connection: await connectionOf(host.way, environment) };
  } catch (error) {
    throw error instanceof UsageError ? error.at(host.from) : error;
  }
}

async function lookedAt(
  { name: host, connection }: Reachable,
  { names, login }: InspectCommand,
  signal: AbortSignal,
  warn: (text: string) => void,
): Promise<LookedAt> {
  try {
    await requireKnownHosts(connection, warn);
    const options = { names, connectSeconds: login.connectSeconds };
    const onlooker = { signal, terms: COMMAND_TERMS, progress: () => undefined };
    const { inspection } = await lookAt(connection, options, onlooker);
    return { host, inspection };
  } catch (error) {
    if (signal.aborted) throw error;
    return { host, error: lookErrorOf(error) };
  }
}

/** @throws what is no failure of the host's */
function lookErrorOf(error: unknown): LookError {
  if (error instanceof UsageError) return { kind: "refused", message: error.lines.join("\n") };
  if (!(error instanceof RealServerError)) throw error;
  return { kind: error.kind, message: error.withAdvice(commandAdvice) };
}

/** Does the work on each item, on so many at a time, and has the results in the items' order. */
async function atMost<T, R>(
  count: number,
  items: readonly T[],
  work: (item: T) => Promise<R>,
): Promise<R[]> {
  const results: R[] = [];
  const left = items.entries();
  const worker = async () => {
    for (const [index, item] of left) results[index] = await work(item);
  };
  await Promise.all(Array.from({ length: count }, worker));
  return results;
}

function progressOf(all: number, waiting: readonly string[]): string {
  const first = waiting.slice(0, MOST_NAMED).join(", ");
  const more = waiting.length > MOST_NAMED ? ` and ${waiting.length - MOST_NAMED} more` : "";
  return `${all - waiting.length} of ${all} hosts done; waiting for ${first}${more}`;
}

const MOST_NAMED = 3;

function unlessRepeated(say: (text: string) => void): (text: string) => void {
  let last = "";
  return (text) => {
    if (text !== last) say(text);
    last = text;
  };
}

/** A bastion that nobody knows is the same for all hosts. */
function eachOnce(say: (text: string) => void): (text: string) => void {
  const said = new Set<string>();
  return (text) => {
    if (!said.has(text)) say(text);
    said.add(text);
  };
}
