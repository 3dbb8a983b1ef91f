export { RealServerError } from "./errors";
export type { Aftermath, ErrorKind } from "./errors";
export { inspect } from "./inspect";
export { RealServer } from "./real-server";
export type {
  ArpArgs,
  Binding,
  ConnectionArgs,
  DrainArgs,
  EffectiveArp,
  ProxyConnectionArgs,
  RealServerArgs,
  TimeoutsArgs,
} from "./args";
export type {
  InspectConnection,
  InspectedBoot,
  InspectedLeak,
  InspectedName,
  InspectedNameAddress,
  InspectedNic,
  InspectedOwner,
  InspectedSysctl,
  InspectedVip,
  Inspection,
  InspectOptions,
  InspectProxy,
  PendingOperation,
} from "./inspect-types";
