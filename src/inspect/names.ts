import { isLoopback, isWithin } from "../domain/address";
import { listensAt, type Listener, type Resolution } from "./answer";
import type { InspectedName, InspectedNameAddress } from "./types";
import type { BoundAddress } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import { singleToLo } from "../plan/routes";

/** Where a name ends, seen from the host. */
export function nameReport(
  { name, addresses, problem }: Resolution,
  listeners: readonly Listener[],
  observed: Observed,
): InspectedName {
  const ends = addresses.map((address) => endOf(address, listeners, observed));
  return {
    name,
    endsOnLo: ends.some((end) => end.endsOn === "lo"),
    addresses: ends,
    ...(problem !== undefined && { problem }),
  };
}

function endOf(
  address: string,
  listeners: readonly Listener[],
  observed: Observed,
): InspectedNameAddress {
  const here = observed.addresses.filter((one) => holds(one, address));
  // On lo and on a NIC: what the host sends there never leaves it either way.
  const holder = here.find((one) => one.interface === "lo") ?? here[0];
  const led = singleToLo(observed).some((one) => one.address === address);
  if (holder === undefined && !led) return { address, endsOn: "elsewhere", ports: [] };
  const ports = listeners.filter((one) => listensAt(one, address)).map((one) => one.port);
  const name = holder?.interface ?? "lo";
  return {
    address,
    endsOn: isLoopback(address) ? "loopback" : name === "lo" ? "lo" : "nic",
    interface: name,
    ports: [...new Set(ports)].sort((a, b) => a - b),
  };
}

/** On `lo` the kernel takes all of an IPv4 prefix for its own (fib_add_ifaddr in fib_frontend.c). */
function holds(one: BoundAddress, address: string): boolean {
  if (one.address === address) return true;
  return one.interface === "lo" && one.family === 4 && isWithin(address, one);
}
