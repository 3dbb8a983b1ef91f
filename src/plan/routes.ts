import type { BoundAddress } from "../observed/ip-addr";
import type { Observed } from "../observed/observed";
import { sourcelessOf, type Route } from "../observed/routes";

/** The routes that have an address as their source: with it the kernel drops them, or IPv6's source. */
export function routesFrom({ address }: BoundAddress, { routes }: Observed): Route[] {
  return routes.filter((route) => route.source === address);
}

/** Why an address must not go yet, a sentence a route that has it as its source. */
export function sourceRefusals(removed: readonly BoundAddress[], observed: Observed): string[] {
  return removed.flatMap((one) =>
    routesFrom(one, observed).map(
      (route) =>
        `${one.address} is the source of the route "${route.text}", which would not outlive it: run "${sourcelessOf(route)}" yourself`,
    ),
  );
}
