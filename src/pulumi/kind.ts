import type { Checked } from "../inputs/check";
import type { Inputs, Settled } from "../inputs/field";
import type { policyInputs } from "../inputs/policy";

/** A resource's properties, as Pulumi hands them over: JSON. */
export type Properties = Record<string, unknown>;

/** What the settings of every kind of resource have. */
export type PolicySettings = Settled<typeof policyInputs>;

/**
 * A kind of resource, as far as it is known without a host: what is specific about a real server, or
 * about a virtual service. The rest of its life in Pulumi is the same for all.
 */
export interface ResourceKind<Settings extends PolicySettings = PolicySettings> {
  readonly inputs: Inputs;
  /** The input that says how its host is reached. Another `host` in it replaces the resource. */
  readonly way: "connection" | "director";
  /** Other inputs of which another value replaces it. */
  readonly replacing: readonly string[];
  /** The outputs of its own that are no inputs, each as it is while nothing is known of the host. */
  readonly unread: Properties;
  readonly check: (news: unknown) => Checked;
  /** @throws RealServerError "refused" where stored inputs cannot be read */
  readonly parse: (inputs: Properties) => Settings;
  /** What a program or a state declares: the inputs without the marks that a read left. */
  readonly unmarked: (inputs: Properties) => Properties;
  /** Canonical inputs of a program, beside those of a state that may be marked; see drift-marks.ts. */
  readonly answered: (inputs: Properties, olds: Properties) => Properties;
}
