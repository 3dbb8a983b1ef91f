import { nameOfTarget, sticksToQuiesced, type Scheduling } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import { nameOfService, type TableService } from "../../observed/service-table";
import { listed } from "../words";
import type { ServiceClaim } from "./claim";
import { keptWarnings } from "./kept-words";

/** What people should know about a director, though nothing is refused for it. Pure. */
export function serviceWarnings(claim: ServiceClaim, observed: ObservedDirector): string[] {
  const { service, drains = false } = claim;
  const name = nameOfTarget(service.target);
  const one = [{ ...service, name }];
  const { expiresWithDestination } = observed;
  const warnings = [...unreachable(one, observed), ...keptWarnings(claim, observed)];
  if (drains) warnings.push(...sticking(one), ...remembering(one, observed));
  // An entry that is closing takes a SYN from the same port as its own (ip_vs_core.c, ip_vs_in).
  if (drains && !expiresWithDestination)
    warnings.push(
      `net.ipv4.vs.expire_nodest_conn is 0: a new connection from a port that its client used within the last two minutes still gets a destination of weight 0, and with busy clients (a proxy, NAT) a drain of ${name} does not end; set it to 1`,
    );
  if (!drains && !expiresWithDestination)
    warnings.push(
      `net.ipv4.vs.expire_nodest_conn is 0, and ${name} has no drain: packets of connections to a destination that is removed are dropped without a word; set it to 1, or give it a drain`,
    );
  return warnings;
}

/**
 * Those of the whole table, whoever declared what is in it: whether it is drained is not known there. One
 * sentence for all services of which the same is true. Pure.
 */
export function directorWarnings(observed: ObservedDirector): string[] {
  const services = observed.table.map((one) => ({ ...one, name: nameOfService(one) }));
  return [
    ...unreachable(services, observed),
    ...sticking(services),
    ...remembering(services, observed),
    ...(services.length > 0 && !observed.expiresWithDestination ? [FORGETFUL] : []),
  ];
}

const FORGETFUL =
  "net.ipv4.vs.expire_nodest_conn is 0: packets of connections to a destination that is removed are " +
  "dropped without a word, and with busy clients (a proxy, NAT) a drain does not end; set it to 1";

type Named = Scheduling & Pick<TableService, "target"> & { readonly name: string };

function unreachable(services: readonly Named[], { addresses }: ObservedDirector): string[] {
  const byVip = namesBy(services, ({ target }) => {
    if (target === undefined || target.kind === "fwmark") return undefined;
    return addresses.has(target.vip.address) ? undefined : target.vip.address;
  });
  return byVip.map(
    ([vip, names]) =>
      `${vip} is on no NIC of this director: no request reaches the service${names.length === 1 ? "" : "s"} ${listed(names)} until it is (VRRP may hold it elsewhere)`,
  );
}

function sticking(services: readonly Named[]): string[] {
  const byScheduler = namesBy(services, (one) =>
    sticksToQuiesced(one) ? one.scheduler : undefined,
  );
  return byScheduler.map(
    ([scheduler, names]) =>
      `${listed(names)} ${names.length === 1 ? "has" : "have"} the scheduler ${scheduler} without ${scheduler}-fallback: clients of a destination that is drained get no answer; add ${scheduler}-fallback to schedulerFlags`,
  );
}

function remembering(services: readonly Named[], { expiresTemplates }: ObservedDirector): string[] {
  if (expiresTemplates) return [];
  const names = services.flatMap((one) => (one.persistence === undefined ? [] : [one.name]));
  if (names.length === 0) return [];
  return [
    `${listed(names)} ${names.length === 1 ? "is" : "are"} persistent, and net.ipv4.vs.expire_quiescent_template is 0: known clients still get new connections to a destination that is drained; set it to 1`,
  ];
}

/** Names of services that have this in common; those of which it is undefined are left out. */
function namesBy(
  services: readonly Named[],
  common: (service: Named) => string | undefined,
): [string, string[]][] {
  const groups = new Map<string, string[]>();
  for (const one of services) {
    const key = common(one);
    if (key !== undefined) groups.set(key, [...(groups.get(key) ?? []), one.name]);
  }
  return [...groups];
}
