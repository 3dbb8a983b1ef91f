import * as pulumi from "@pulumi/pulumi";
import { realServerInputs } from "../inputs/real-server";
import type { ArpArgs, Binding, ConnectionArgs, EffectiveArp } from "./args";
import type { DrainArgs, RealServerArgs, StaleVipsArgs, TimeoutsArgs } from "./args";
import { PROVIDER_SOURCE } from "./provider-source";
import type { ReadyArgs } from "./ready-args";
import { omitPromiseTraces } from "./promise-traces";
import { completeRegistration, registration } from "./registration";

/**
 * An LVS-DR real server: VIPs bound to `lo`, and ARP sysctls that keep the host quiet about them.
 *
 * `pulumi up` converges the host over SSH, a refresh shows its drift, `pulumi destroy` withdraws the
 * VIPs and puts the sysctls back. Inputs are checked at preview; nothing connects in a preview
 * unless it refreshes.
 *
 * @example
 * const web = new RealServer("web-1", {
 *   connection: { host: "10.0.0.11", privateKeyFile: "~/.ssh/id_ed25519" },
 *   vips: ["203.0.113.10", "2001:db8::10"],
 * });
 */
export class RealServer extends pulumi.CustomResource {
  /** How the host is reached. Its secrets are secret in the state, each by itself. */
  declare readonly connection: pulumi.Output<pulumi.Unwrap<ConnectionArgs>>;
  /** The declared VIPs, canonical, sorted, without prefix. */
  declare readonly vips: pulumi.Output<string[]>;
  /** The declared RIPs, canonical, sorted; undefined where none was given. */
  declare readonly rips: pulumi.Output<string[] | undefined>;
  /** The declared ARP values, defaults included. */
  declare readonly arp: pulumi.Output<pulumi.Unwrap<ArpArgs>>;
  /** Whether the VIPs are bound again at boot. */
  declare readonly persist: pulumi.Output<boolean>;
  /** How connections are waited for before a VIP is withdrawn; undefined where they are not. */
  declare readonly drain: pulumi.Output<pulumi.Unwrap<DrainArgs> | undefined>;
  /** What must answer on each VIP before a change of the host counts; undefined where nobody asks. */
  declare readonly ready: pulumi.Output<pulumi.Unwrap<ReadyArgs> | undefined>;
  /** What becomes of addresses on `lo` that nobody declares; undefined, where not given, is "report". */
  declare readonly staleVips: pulumi.Output<
    "report" | "withdraw" | pulumi.Unwrap<StaleVipsArgs> | undefined
  >;
  /** What destroy does with the sysctls: "restore" or "leave". */
  declare readonly sysctlsOnDestroy: pulumi.Output<"restore" | "leave">;
  /** What destroy does when the host cannot be reached: "fail" or "forget". */
  declare readonly unreachableOnDestroy: pulumi.Output<"fail" | "forget">;
  /** What a refresh does when the host cannot be reached: "fail" or "keep". */
  declare readonly unreachableOnRefresh: pulumi.Output<"fail" | "keep">;
  /** Time limits in seconds. */
  declare readonly timeouts: pulumi.Output<pulumi.Unwrap<TimeoutsArgs>>;
  /** The name of this declaration in the host's registry. */
  declare readonly owner: pulumi.Output<string>;
  /** The declared VIPs as last read back from `lo`. */
  declare readonly bindings: pulumi.Output<Binding[]>;
  /** ARP values as the kernel applies them, by interface, as last read. */
  declare readonly effectiveArp: pulumi.Output<Record<string, EffectiveArp>>;
  /** Addresses on `lo` that nobody declares, as last read. */
  declare readonly foreignVips: pulumi.Output<string[]>;
  /** One line for each difference that the last read found; empty when there is none. */
  declare readonly drift: pulumi.Output<string[]>;
  /** False while an operation's outcome is unknown, or when a read found drift. */
  declare readonly converged: pulumi.Output<boolean>;
  /** The host's machine-id; `-` where it has none. */
  declare readonly machineId: pulumi.Output<string>;
  /** The SSH host key that the host showed, "ssh-ed25519 AAAA…"; pinned on first contact. */
  declare readonly hostKey: pulumi.Output<string>;
  /** The bastion's SSH host key; undefined without a bastion. */
  declare readonly proxyHostKey: pulumi.Output<string | undefined>;

  /**
   * Declares a real server.
   *
   * @param name unique in the program
   * @param args what to bind and how to reach the host
   * @param opts Pulumi's resource options. `import` is refused, because creating adopts what is
   *   bound already; `customTimeouts` has no effect and is warned about, use `timeouts`
   */
  constructor(name: string, args: RealServerArgs, opts?: pulumi.CustomResourceOptions) {
    const restore = omitPromiseTraces();
    try {
      super(...registration(REAL_SERVER, name, args, opts));
    } finally {
      restore();
    }
    completeRegistration(this, REAL_SERVER, name, args, opts);
  }
}

const UNSET_OUTPUTS: Record<
  Exclude<keyof RealServer, keyof pulumi.CustomResource | keyof RealServerArgs>,
  undefined
> = {
  bindings: undefined,
  effectiveArp: undefined,
  foreignVips: undefined,
  drift: undefined,
  converged: undefined,
  machineId: undefined,
  hostKey: undefined,
  proxyHostKey: undefined,
};

const REAL_SERVER = {
  title: "RealServer",
  source: PROVIDER_SOURCE,
  inputs: realServerInputs,
  outputs: UNSET_OUTPUTS,
  deletedFirst:
    "deleteBeforeReplace withdraws the VIPs of the old host before its director is told: what it still " +
    "sends there is lost; leave it out",
};
