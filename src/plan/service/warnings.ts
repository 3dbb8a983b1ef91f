import { nameOfTarget, sticksToQuiesced } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import type { ServiceClaim } from "./claim";

/** What people should know about a director, though nothing is refused for it. Pure. */
export function serviceWarnings(
  { service, drains = false }: ServiceClaim,
  { addresses, expiresTemplates, expiresWithDestination }: ObservedDirector,
): string[] {
  const { target, scheduler, persistence } = service;
  const name = nameOfTarget(target);
  const warnings: string[] = [];
  if (target.kind !== "fwmark" && !addresses.has(target.vip.address))
    warnings.push(
      `${target.vip.address} is on no NIC of this director: no request reaches the service ${name} until it is (VRRP may hold it elsewhere)`,
    );
  if (drains && sticksToQuiesced(service))
    warnings.push(
      `${name} has the scheduler ${scheduler} without ${scheduler}-fallback: clients of a destination that is drained get no answer; add ${scheduler}-fallback to schedulerFlags`,
    );
  if (drains && persistence !== undefined && !expiresTemplates)
    warnings.push(
      `${name} is persistent, and net.ipv4.vs.expire_quiescent_template is 0: known clients still get new connections to a destination that is drained; set it to 1`,
    );
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
