import type { Target } from "../connection";
import type { HostKeyPolicy } from "../host-key";
import type { Identity } from "./identities";

/** A hop with all that was read from files, ready to be dialled any number of times. */
export interface PreparedHop extends Target {
  readonly identities: readonly Identity[];
  readonly hostKey: HostKeyPolicy;
}
