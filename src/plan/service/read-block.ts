import { canonicalAddress } from "../../domain/address";
import type { HealthCheck, KeepalivedBlock } from "../../domain/keepalived";
import type { Destination, ServiceTarget } from "../../domain/virtual-service";

/** A block of keepalived's as it stands in a file: what `blockLines` writes, read again. */
export interface ReadBlock extends Pick<KeepalivedBlock, "check" | "inhibitOnFailure"> {
  readonly target: ServiceTarget;
  readonly destinations: readonly Pick<Destination, "address" | "weight">[];
}

/**
 * Reads the first block in a file of ours, which somebody may have edited: what `blockLines` never writes is
 * passed over, and the first real server's check counts for all. Undefined where there is no block.
 */
export function readBlock(lines: readonly string[]): ReadBlock | undefined {
  const words = lines.map((line) => line.trim().split(/\s+/));
  const start = words.findIndex(([word]) => word === "virtual_server");
  const next = words.findIndex(([word], at) => at > start && word === "virtual_server");
  const block = words.slice(start, next < 0 ? undefined : next);
  const target = start < 0 ? undefined : targetIn(block);
  if (target === undefined) return undefined;
  const has = (word: string) => block.some(([first]) => first === word);
  return {
    target,
    destinations: destinationsIn(block),
    check: checkIn(block),
    inhibitOnFailure: has("inhibit_on_failure"),
  };
}

type Words = readonly (readonly string[])[];

function targetIn([head = [], ...block]: Words): ServiceTarget | undefined {
  const [, vip = "", port = ""] = head;
  if (vip === "fwmark") {
    const family = valueOf(block, "ip_family") === "inet6" ? 6 : 4;
    return { kind: "fwmark", mark: Number(port), family };
  }
  const address = canonicalAddress(vip);
  const protocol = valueOf(block, "protocol")?.toLowerCase();
  if (address === undefined || (protocol !== "tcp" && protocol !== "udp")) return undefined;
  const family = address.includes(":") ? 6 : 4;
  return { kind: protocol, vip: { family, address }, port: Number(port) };
}

function destinationsIn(block: Words): ReadBlock["destinations"] {
  const destinations: { address: string; weight: number }[] = [];
  for (const [word, value = ""] of block) {
    const address = word === "real_server" ? canonicalAddress(value) : undefined;
    if (address !== undefined) destinations.push({ address, weight: 1 });
    const last = destinations.at(-1);
    if (word === "weight" && last !== undefined) last.weight = Number(value);
  }
  return destinations;
}

function checkIn(block: Words): HealthCheck {
  const kind = block.find(([word]) => word === "TCP_CHECK" || word === "HTTP_GET")?.[0];
  if (kind === undefined) return { kind: "none" };
  const port = valueOf(block, "connect_port");
  const terms = {
    port: port === undefined ? undefined : Number(port),
    intervalSeconds: Number(valueOf(block, "delay_loop") ?? DELAY_LOOP),
    timeoutSeconds: Number(valueOf(block, "connect_timeout") ?? CONNECT_TIMEOUT),
    retries: Number(valueOf(block, "retry") ?? RETRY),
  };
  if (kind === "TCP_CHECK") return { kind: "tcp", ...terms };
  return {
    ...{ kind: "http", ...terms, path: valueOf(block, "path") ?? "/" },
    ...{
      status: Number(valueOf(block, "status_code") ?? 200),
      host: valueOf(block, "virtualhost"),
    },
  };
}

/** As keepalived has it where a file says nothing (keepalived.conf(5)): only one that was edited does not. */
const DELAY_LOOP = 60;
const CONNECT_TIMEOUT = 5;
const RETRY = 1;

function valueOf(block: Words, name: string): string | undefined {
  return block.find(([word]) => word === name)?.[1];
}
