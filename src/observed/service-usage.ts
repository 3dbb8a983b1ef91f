import { portOf, selectorOf, type ServiceTarget } from "../domain/virtual-service";
import { call } from "../protocol/program";
import { broken } from "./lines";
import { inProcIpvs, nameOfProcIpvs } from "./proc-net";
import { parseServiceTable, type TableService } from "./service-table";

/** What a director says while a service is drained. */
export interface ServiceUsage {
  /** The service as it is now; undefined where it is gone. */
  readonly service: TableService | undefined;
  /** Connections in use by destination, its address canonical. Those without any are not there. */
  readonly inUse: ReadonlyMap<string, number>;
}

/**
 * What a drain asks: a service as it is, and who uses these destinations of it; {@link parseServiceUsage}
 * reads the answer. It changes nothing.
 */
export function usageRequest(target: ServiceTarget, addresses: readonly string[]): string {
  return call("more", "usage", selectorOf(target), usagePattern(target, addresses));
}

/**
 * An extended regular expression over lines of /proc/net/ip_vs_conn. Client port 0 is that of a template
 * of persistence, which is no connection. Empty where nobody is waited for, or, with a firewall mark,
 * where entries do not tell.
 */
function usagePattern(target: ServiceTarget, addresses: readonly string[]): string {
  if (target.kind !== "tcp" || addresses.length === 0) return "";
  const port = portOf(target).toString(16).toUpperCase().padStart(4, "0");
  const destinations = addresses.map(inProcIpvs).join("|");
  return `^TCP +[^ ]+ ${CLIENT_PORT} ${inProcIpvs(target.vip.address)} ${port} (${destinations}) ${port} `;
}

const CLIENT_PORT = "([1-9A-F][0-9A-F]{3}|0[1-9A-F][0-9A-F]{2}|00[1-9A-F][0-9A-F]|000[1-9A-F])";

/**
 * Reads what the question `usage` answers: lines of `table` and `limits` as in an observation, one
 * `timeouts`, and a line `conn COUNT DESTINATION STATE EXPIRES` for connections that are alike, with
 * {@link END} after the last.
 *
 * @param addresses the destinations that it was asked about
 * Total: throws `UnreadableAnswer`.
 */
export function parseServiceUsage(
  body: string,
  target: ServiceTarget,
  addresses: readonly string[],
): ServiceUsage {
  const lines = body.split("\n").filter((line) => line !== "");
  const of = (word: string) =>
    lines.flatMap((line) => (line.startsWith(`${word} `) ? [line.slice(word.length + 1)] : []));
  const known = lines.every((line) => /^(table|limits|timeouts|conn) /.test(line));
  if (!known) broken(body);
  const services = parseServiceTable(of("table"), of("limits"));
  const service = services.find((one) => one.selector === selectorOf(target));
  const closing = closingTimeout(of("timeouts"));
  const inUse = new Map<string, number>();
  for (const line of connectionLines(of("conn"), usagePattern(target, addresses) !== "")) {
    const { count, address, state, expires } = parseConnections(line);
    if (isInUse(state, expires, closing)) inUse.set(address, (inUse.get(address) ?? 0) + count);
  }
  return { service, inUse: target.kind === "fwmark" ? activeOf(service, addresses) : inUse };
}

/** A list that ends early would pass for one of fewer connections. */
function connectionLines(lines: readonly string[], asked: boolean): readonly string[] {
  if (!asked) return lines;
  if (lines.at(-1)?.trim() !== END) broken("connections that end early");
  return lines.slice(0, -1);
}

const END = "1 ~";

/** Entries of connections do not show the mark that they came by: what counts is what IPVS believes. */
function activeOf(
  service: TableService | undefined,
  addresses: readonly string[],
): Map<string, number> {
  const destinations = service?.destinations ?? [];
  const active = destinations.filter(
    ({ address, active: count }) => count > 0 && addresses.includes(address),
  );
  return new Map(active.map((one) => [one.address, one.active]));
}

function parseConnections(line: string) {
  const [, count, destination = "", state = "", expires] =
    /^ *(\d+) (\S+) ([A-Z_0-9?]+) (\d+)$/.exec(line) ?? broken(line);
  const address = nameOfProcIpvs(destination) ?? broken(line);
  return { count: Number(count), address, state, expires: Number(expires) };
}

/** `900 120 300`: of established and of closing TCP connections, and of UDP. */
function closingTimeout(lines: readonly string[]): number {
  const [, closing] = /^\d+ (\d+) \d+$/.exec(lines[0] ?? "") ?? broken("timeouts");
  return Number(closing);
}

/**
 * Established and half-open ones are, however long they are silent. One that is closing is, while
 * packets come: a half-closed transfer may flow on, and a packet starts the timeout anew, so what is
 * left of it tells when the last one came. A director that forwards directly sees one direction only.
 */
function isInUse(state: string, expires: number, closing: number): boolean {
  switch (state) {
    case "CLOSE":
    case "NONE":
      return false;
    case "FIN_WAIT":
      return closing - expires <= RECENT_SECONDS;
    case "TIME_WAIT":
    case "CLOSE_WAIT":
    case "LAST_ACK":
      return TIMEOUTS[state] - expires <= RECENT_SECONDS;
    default:
      return true;
  }
}

const RECENT_SECONDS = 10;

/** In seconds; those that no setting changes (ip_vs_proto_tcp.c, tcp_timeouts). */
const TIMEOUTS = { TIME_WAIT: 120, CLOSE_WAIT: 60, LAST_ACK: 30 };
