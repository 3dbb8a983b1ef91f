import { call } from "../protocol/program";
import { canonicalAddress, unmappedAddress } from "../domain/address";
import { UnreadableAnswer } from "../protocol/answer";
import { ofProcTcp } from "../observed/proc-net";
import { isOfPending, NOTHING_PENDING, parsePending, type PendingAnswer } from "./pending";

/** What an inspection asked besides the observation, as the host answered. */
export interface LookAnswer extends PendingAnswer {
  readonly names: readonly Resolution[];
  readonly listeners: readonly Listener[];
}

/** A name and where it leads. */
export interface Resolution {
  readonly name: string;
  /** Canonical, in the host's own order. */
  readonly addresses: readonly string[];
  /** Why there is none. */
  readonly problem: string | undefined;
}

/** A TCP port on which something listens. */
export interface Listener {
  /** Canonical; `0.0.0.0` is all of IPv4, `::` all of IPv6, `*` both. */
  readonly address: string;
  readonly port: number;
}

/** The answer of a host that was not asked. */
export const NOTHING_ASKED: LookAnswer = {
  ...NOTHING_PENDING,
  names: [],
  listeners: [],
};

/** What an inspection asks besides the observation; `parseLookAnswer` reads the answer. */
export function lookRequest(names: readonly string[]): string {
  const questions = [
    call("more", "pending"),
    ...(names.length === 0 ? [] : [call("more", "resolve", ...names), call("more", "listening")]),
  ];
  return questions.join(" && ");
}

/** Reads the body that `lookRequest` asks for. Total: throws {@link UnreadableAnswer}. */
export function parseLookAnswer(body: string): LookAnswer {
  const names: Draft[] = [];
  const listeners: Listener[] = [];
  const pending: string[] = [];
  for (const line of body.split("\n").filter((text) => text !== "")) {
    const [, kind = "", rest = ""] = /^(\S+) ?(.*)$/s.exec(line) ?? [];
    const last = names.at(-1);
    if (isOfPending(line)) pending.push(line);
    else if (kind === "ss") listeners.push(...listenerOfSs(rest));
    else if (kind === "tcp" || kind === "tcp6") listeners.push(...listenerOfProc(rest));
    else if (kind === "name") names.push({ name: rest, getent: [], hosts: [], nslookup: [] });
    else if (kind === "no-resolver" && last) last.none = true;
    else if (isSource(kind) && last) last[kind].push(rest);
    else throw new UnreadableAnswer(line);
  }
  return { ...parsePending(pending), names: names.map(resolution), listeners };
}

/** Whether whoever connects to the address from the host itself reaches the listener. */
export function listensAt(listener: Listener, address: string): boolean {
  const family = address.includes(":") ? "::" : "0.0.0.0";
  return ["*", family, address].includes(listener.address);
}

type Source = "getent" | "hosts" | "nslookup";
type Draft = { name: string; none?: boolean } & Record<Source, string[]>;

function isSource(kind: string): kind is Source {
  return kind === "getent" || kind === "hosts" || kind === "nslookup";
}

/** getent speaks for the host's own order of sources; without it, files come before DNS. */
function resolution({ name, none, getent, hosts, nslookup }: Draft): Resolution {
  const found = [getent.flatMap(firstAddress), inHosts(name, hosts), inNslookup(nslookup)];
  const addresses = [...new Set(found.find((some) => some.length > 0))];
  const problem = none
    ? "it is not in /etc/hosts, and the host has neither getent nor nslookup"
    : "the host cannot resolve it";
  return { name, addresses, problem: addresses.length === 0 ? problem : undefined };
}

// "203.0.113.10   STREAM web.example.org", one line for each kind of socket.
function firstAddress(line: string): string[] {
  const address = unmappedAddress(line.split(/\s+/)[0] ?? "");
  return address === undefined ? [] : [address];
}

function inHosts(name: string, lines: readonly string[]): string[] {
  const wanted = name.toLowerCase().replace(/\.$/, "");
  return lines.flatMap((line) => {
    const [address, ...names] = line.replace(/#.*/, "").trim().toLowerCase().split(/\s+/);
    return names.includes(wanted) ? (canonicalAddress(address ?? "") ?? []) : [];
  });
}

// Bind: "Address: 192.0.2.1", busybox: "Address 1: 192.0.2.1 web", both below "Name:". The server's own
// address stands above it, and alone where there is no answer.
function inNslookup(lines: readonly string[]): string[] {
  const first = lines.findIndex((line) => line.startsWith("Name:"));
  const answer = first === -1 ? [] : lines.slice(first);
  return answer.flatMap((line) => {
    const address = /^Address(?: \d+)?:\s+(\S+)/.exec(line)?.[1];
    return canonicalAddress(address ?? "") ?? [];
  });
}

// "LISTEN 0 128 127.0.0.53%lo:53 0.0.0.0:*". Bound to a NIC, it is not reached from the host itself.
function listenerOfSs(line: string): Listener[] {
  const local = /^LISTEN +\d+ +\d+ +(\S+)/.exec(line)?.[1] ?? "";
  const match = /^\[?([0-9a-fA-F:.]+|\*)\]?(?:%(\S+?))?:(\d+)$/.exec(local);
  const [, text = "", device = "lo", port] = match ?? [];
  const address = text === "*" ? text : unmappedAddress(text);
  if (address === undefined || device !== "lo") return [];
  return [{ address, port: Number(port) }];
}

// "0100007F:0016", of /proc/net/tcp and tcp6. Whether `::` is for IPv6 alone is not shown; it rarely is.
function listenerOfProc(local: string): Listener[] {
  const [, hex, port = ""] = /^([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4})$/.exec(local) ?? [];
  if (hex === undefined) return [];
  const address = ofProcTcp(hex);
  return [{ address: address === "::" ? "*" : address, port: Number.parseInt(port, 16) }];
}
