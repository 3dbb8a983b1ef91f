import { canonicalAddress } from "../domain/address";
import { selectorOf, type ServiceTarget } from "../domain/virtual-service";

/** What keepalived knows of the real servers of one service. */
export interface CheckedService {
  /** The service, as `selectorOf` has it. */
  readonly selector: string;
  /** By the real servers' addresses, canonical: its check has not failed. */
  readonly alive: Readonly<Record<string, boolean>>;
}

/**
 * Reads lines of the data that keepalived writes on SIGUSR1 (check_data.c, dump_vs and dump_rs; the same
 * from 2.2.0 to 2.4.3). What is of no service that can be declared is left out.
 */
export function parseChecks(lines: readonly string[]): CheckedService[] {
  const services: string[][] = [];
  for (const line of lines) {
    if (line.startsWith("VS ")) services.push([line]);
    else services.at(-1)?.push(line);
  }
  return services.flatMap((service) => {
    const target = targetIn(service);
    return target === undefined
      ? []
      : [{ selector: selectorOf(target), alive: Object.fromEntries(aliveIn(service)) }];
  });
}

function targetIn([head = "", ...lines]: readonly string[]): ServiceTarget | undefined {
  const [, mark] = /^VS FWMARK = (\d+)$/.exec(head) ?? [];
  if (mark !== undefined) {
    const family = lines.includes("Address family = inet6") ? 6 : 4;
    return { kind: "fwmark", mark: Number(mark), family };
  }
  const [, vip = "", port] = /^VS VIP = (\S+), VPORT = (\d+)$/.exec(head) ?? [];
  const kind = (["tcp", "udp"] as const).find((one) =>
    lines.includes(`protocol = ${one.toUpperCase()}`),
  );
  const address = canonicalAddress(vip);
  if (kind === undefined || address === undefined) return undefined;
  const family = address.includes(":") ? 6 : 4;
  return { kind, vip: { family, address }, port: Number(port) };
}

/** The service itself has such a line, too, before its real servers. */
function aliveIn(lines: readonly string[]): [string, boolean][] {
  let address: string | undefined;
  return lines.flatMap((line): [string, boolean][] => {
    const [, rip] = /^RIP = ([^ ,]+), /.exec(line) ?? [];
    if (rip !== undefined) address = canonicalAddress(rip);
    const [, alive] = /^alive = (\d)$/.exec(line) ?? [];
    return alive === undefined || address === undefined ? [] : [[address, alive !== "0"]];
  });
}
