export { RealServerError } from "./domain/errors";
export type { Aftermath, ErrorKind } from "./domain/errors";
export { inspect } from "./inspect/inspect";
export { RealServer } from "./pulumi/real-server";
export { RealServerPool } from "./pulumi/pool/real-server-pool";
export { VirtualService } from "./pulumi/virtual-service";
export type {
  PoolBatch,
  PoolConnectionArgs,
  PoolDirectorArgs,
  PoolMemberArgs,
  PoolRolloutArgs,
  PoolServiceArgs,
  RealServerPoolArgs,
} from "./pulumi/pool/args";
export type {
  DestinationArgs,
  PersistenceArgs,
  ServiceDrainArgs,
  ServiceTable,
  ServiceTableDestination,
  VirtualServiceArgs,
} from "./pulumi/service-args";
export type {
  ArpArgs,
  Binding,
  ConnectionArgs,
  DrainArgs,
  EffectiveArp,
  ProxyConnectionArgs,
  RealServerArgs,
  SshArgs,
  StaleVipsArgs,
  TimeoutsArgs,
} from "./pulumi/args";
export type { ReadyArgs, ReadyHttpArgs } from "./pulumi/ready-args";
export type {
  InspectConnection,
  InspectedLeak,
  InspectedName,
  InspectedNameAddress,
  InspectedNic,
  InspectedOwner,
  InspectedSelfRoute,
  InspectedSysctl,
  InspectedVip,
  Inspection,
  InspectOptions,
  InspectProxy,
  InspectSsh,
} from "./inspect/types";
export type {
  InspectedDestination,
  InspectedDirector,
  InspectedCheck,
  InspectedCheckTerms,
  InspectedHttpCheckTerms,
  InspectedKeepalivedFile,
  InspectedService,
  InspectedServiceOwner,
} from "./inspect/director-types";
export type { DrainedService, InspectedBoot, PendingOperation } from "./inspect/common-types";
