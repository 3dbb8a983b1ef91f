export { RealServer } from "./real-server";
export type {
  ArpArgs,
  Binding,
  ConnectionArgs,
  EffectiveArp,
  ProxyConnectionArgs,
  RealServerArgs,
  TimeoutsArgs,
} from "./args";
