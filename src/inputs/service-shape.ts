import { canonicalFlags, prefixLengthOfMask, type ServiceTarget } from "../domain/virtual-service";
import type { VirtualServiceShape } from "../observed/service-records";
import type { ServiceSettings } from "./virtual-service";

/** The service that checked settings ask for, as a director's table and registry have it. */
export function shapeOf(settings: ServiceSettings): VirtualServiceShape {
  const { scheduler, schedulerFlags, destinations } = settings;
  return {
    target: targetOf(settings),
    scheduler,
    flags: canonicalFlags(scheduler, schedulerFlags),
    persistence: persistenceOf(settings),
    destinations: destinations.map(({ address, ...rest }) => ({
      address: address.address,
      ...rest,
    })),
  };
}

function targetOf({ fwmark, family, vip, port, protocol }: ServiceSettings): ServiceTarget {
  if (fwmark !== undefined && family !== undefined) return { kind: "fwmark", mark: fwmark, family };
  if (vip !== undefined && port !== undefined) return { kind: protocol, vip, port };
  throw new Error("the settings of a virtual service were not checked");
}

function persistenceOf(settings: ServiceSettings): VirtualServiceShape["persistence"] {
  const { persistence } = settings;
  if (persistence === undefined) return undefined;
  const { timeoutSeconds, netmask } = persistence;
  const family = settings.vip?.family ?? settings.family ?? 4;
  const whole = family === 4 ? 32 : 128;
  const prefixLength = netmask === undefined ? whole : prefixLengthOfMask(netmask, family);
  return { timeoutSeconds, prefixLength: prefixLength ?? whole };
}
