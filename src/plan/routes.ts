import { isLoopback } from "../domain/address";
import type { BoundAddress } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import { isForAll, leadsTo, removalOf, sourcelessOf, type Route } from "../observed/routes";

/** The routes that have an address as their source: with it the kernel drops them, or IPv6's source. */
export function routesFrom({ address }: BoundAddress, { routes }: Observed): Route[] {
  return routes.filter((route) => route.source === address);
}

/**
 * What to do so that a route does not need its source any more; where that is a command, `after` stands
 * behind it. A route to `lo` has no use without the address, as `route add -host VIP dev lo:0` makes it,
 * and goes.
 */
export function freeing(route: Route, after: string): string {
  const command = route.toLo ? removalOf(route) : sourcelessOf(route);
  if (command !== undefined) return `run "${command}" ${after}`;
  return "take its source away where it was made (the host's ip does not show its next hops)";
}

/** Why an address must not go yet, a sentence a route that has it as its source. */
export function sourceRefusals(removed: readonly BoundAddress[], observed: Observed): string[] {
  return removed.flatMap((one) =>
    routesFrom(one, observed).map(
      (route) =>
        `${one.address} is the source of the route "${route.text}", which would not outlive it: ${freeing(route, "yourself")}`,
    ),
  );
}

/**
 * IPv4 routes of type `local` that somebody made: the host takes what they lead to for its own, and
 * answers for it as it does for an address. Those to an address that counts as a VIP are left out.
 */
export function localRoutes(
  { routes }: Pick<Observed, "routes">,
  counted: ReadonlySet<string> = new Set(),
): Route[] {
  return routes.filter(
    (route) =>
      route.family === 4 &&
      route.type === "local" &&
      isForAll(route) &&
      !route.destination.startsWith("127.") &&
      !counted.has(route.destination.replace(/\/32$/, "")),
  );
}

/** Routes by which an address may be delivered to the host itself, whether or not it is on `lo`. */
export function routesToSelf(address: string, { routes }: Observed): Route[] {
  return routes.filter(
    (route) => (route.type === "local" || route.toLo) && isForAll(route) && leadsTo(route, address),
  );
}

/** Routes to `lo` for one address alone, with that address. A wide one may be there to drop packets. */
export function singleToLo({ routes }: Observed): { address: string; route: Route }[] {
  return routes.flatMap((route) => {
    const [address = "", length] = route.destination.split("/");
    const isSingle = length === (route.family === 4 ? "32" : "128");
    return isSingle && route.toLo && isForAll(route) && !isLoopback(address)
      ? [{ address, route }]
      : [];
  });
}

/** What a route does to a host that an address has left, and what ends it. */
export function keepsFromService(address: string, route: Route): string {
  return `${address} is still delivered to the host itself, by the route "${route.text}": the host does not reach the service there; run "${removalOf(route)}"`;
}
