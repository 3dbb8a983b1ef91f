// Plain interfaces that an old TypeScript (3.8, which Pulumi vendors) reads; inputs/ has their table.
import type * as pulumi from "@pulumi/pulumi";
import type { ReadyArgs } from "./ready-args";

/**
 * What a program says about one real server.
 *
 * Every input is also an output of the same name and value. Bad values fail at `pulumi preview`,
 * before any connection is made, with one message each that names the input.
 */
export interface RealServerArgs {
  /** How to reach the host. A changed `host` replaces the resource; all else is an update. */
  connection: pulumi.Input<ConnectionArgs>;
  /**
   * The VIPs to bind on `lo`, at least one: IPv4 and IPv6 addresses, alone or with `/32` or `/128`.
   *
   * Spelling and order are never a diff. Refused: a wider prefix, the same address twice, and
   * loopback, multicast, broadcast, unspecified, link-local and IPv4-mapped addresses.
   */
  vips: pulumi.Input<pulumi.Input<string>[]>;
  /**
   * The RIPs that directors send to: where the host has one of them on no NIC, a warning says so, because
   * what is sent there does not come. A pool gives them to its members. Default: none, nobody looks.
   */
  rips?: pulumi.Input<pulumi.Input<string>[]>;
  /** How the host is kept quiet about its VIPs. Default: `{}`, see there. */
  arp?: pulumi.Input<ArpArgs>;
  /**
   * Whether the VIPs are bound again when the host boots, before its network is up, by a systemd unit
   * (or an OpenRC script) that this package keeps on the host for as long as an owner asks for it.
   * Refused on a host that runs neither. Default: `true`.
   */
  persist?: pulumi.Input<boolean>;
  /**
   * Wait, before a VIP is withdrawn (on destroy, when it is dropped from the list, when the host is
   * replaced), until no TCP connection to it is left. Stop the director first: set its weight for
   * this host to 0, or new connections keep coming. Default: none, no waiting.
   */
  drain?: pulumi.Input<DrainArgs>;
  /**
   * Wait, after the VIPs are bound and before the change counts, until the service answers on every VIP:
   * the host itself connects, through the SSH connection that is there. Where it does not answer in time,
   * the host is rolled back, so that one whose service does not listen on its VIPs never joins. Asked
   * whenever an operation changes the host. Default: none, nobody asks.
   */
  ready?: pulumi.Input<ReadyArgs>;
  /**
   * What becomes of addresses that are on `lo` as /32 or /128 and that no owner on the host declares:
   * `"report"` names them in `foreignVips`; `"withdraw"` shows them as drift and removes them with
   * the next update. Never loopback, never either end of the SSH session. Where another program keeps
   * addresses there, such as keepalived or a routing daemon, name them in `except`. Default: `"report"`.
   */
  staleVips?: pulumi.Input<"report" | "withdraw" | StaleVipsArgs>;
  /**
   * What becomes of the sysctls on destroy: `"restore"` the values found before the first VIP was
   * bound, as far as no other owner or address on the host needs ours, or `"leave"` them as they
   * are. Default: `"restore"`.
   */
  sysctlsOnDestroy?: pulumi.Input<"restore" | "leave">;
  /**
   * What destroy does when the host cannot be reached: `"fail"`, or `"forget"` a host that is gone
   * for good, VIPs and all. Default: `"fail"`.
   */
  unreachableOnDestroy?: pulumi.Input<"fail" | "forget">;
  /**
   * What refresh does when the host cannot be reached: `"fail"`, or `"keep"` what is known, with a
   * warning. Default: `"fail"`.
   */
  unreachableOnRefresh?: pulumi.Input<"fail" | "keep">;
  /** How long an operation may take. Default: `{}`, see there. */
  timeouts?: pulumi.Input<TimeoutsArgs>;
  /**
   * The name of this declaration in the host's registry. Default: organization and URN. Only needed
   * for two backends that have the same organization, project and stack names.
   */
  owner?: pulumi.Input<string>;
}

/**
 * How to reach a bastion host over SSH: the fields of `ProxyConnectionArgs` of `@pulumi/command`,
 * and `privateKeyFile` and `knownHostsFile`.
 *
 * Ways to authenticate are tried in this order, each that is given: `privateKey`,
 * `privateKeyFile`, `agentSocketPath`, `password`, and the agent at `$SSH_AUTH_SOCK` where no
 * `agentSocketPath` is given. At least one is needed.
 */
export interface ProxyConnectionArgs {
  /** Name or address to connect to, without user, port or brackets. */
  host: pulumi.Input<string>;
  /** TCP port, 1 to 65535. Default: `22`. */
  port?: pulumi.Input<number>;
  /** User to log in as. Default: `"root"`. */
  user?: pulumi.Input<string>;
  /** Password, also given to keyboard-interactive prompts. Kept as a secret. */
  password?: pulumi.Input<string>;
  /** The text of a private key: OpenSSH or PEM. Kept as a secret. See `privateKeyFile`. */
  privateKey?: pulumi.Input<string>;
  /** Passphrase of an encrypted `privateKey` or `privateKeyFile`. Kept as a secret. */
  privateKeyPassword?: pulumi.Input<string>;
  /**
   * File with a private key on the machine that runs Pulumi; `~/` is its user's home. It is read
   * whenever it is used, so that no key is in the state; one that cannot be read fails then.
   */
  privateKeyFile?: pulumi.Input<string>;
  /** Socket of an SSH agent. Default: `$SSH_AUTH_SOCK` where it is set. */
  agentSocketPath?: pulumi.Input<string>;
  /**
   * The host's public key as in a `.pub` file: `ssh-ed25519 AAAA...`; a comment may follow. It goes
   * before known hosts and before the key pinned on first contact.
   */
  hostKey?: pulumi.Input<string>;
  /**
   * Known hosts, in OpenSSH's format; `~/` is the home of the user who runs Pulumi; it need not
   * exist. Default: `"~/.ssh/known_hosts"`.
   */
  knownHostsFile?: pulumi.Input<string>;
  /**
   * How many failed dials are followed by another, within `timeouts.connectSeconds`: 0 dials once,
   * -1 without limit. Default: `-1`, where `remote.Command` has 10: a host that refuses at once would use
   * up ten in half a minute.
   */
  dialErrorLimit?: pulumi.Input<number>;
  /** Seconds for one dial; 0 is without limit of its own. Default: `15`. */
  perDialTimeout?: pulumi.Input<number>;
}

/**
 * How to reach a real server over SSH: the fields of `ConnectionArgs` of `@pulumi/command`, so that
 * one value serves both, and `privateKeyFile`, `knownHostsFile`, `sudo`, `sudoPassword` and `ssh`.
 */
export interface ConnectionArgs extends ProxyConnectionArgs {
  /** The bastion to go through. Default: none, a connection straight to the host. */
  proxy?: pulumi.Input<ProxyConnectionArgs>;
  /**
   * Whether to become root with `sudo` after login. Default: `false` for the user `root`, else
   * `true`; with `ssh`, decided by who logged in.
   */
  sudo?: pulumi.Input<boolean>;
  /** What `sudo` asks for, if it asks. It implies `sudo`. Kept as a secret. */
  sudoPassword?: pulumi.Input<string>;
  /**
   * Connect with the user's own OpenSSH client, as on the command line: `~/.ssh/config` with its aliases
   * and jumps, certificates, hardware keys. What the program leaves out, `user` and `port` too, ssh_config
   * decides. Refused together with `password`, `privateKey`, `privateKeyPassword` and `proxy`.
   * Default: none, and neither with `false`.
   */
  ssh?: pulumi.Input<boolean | SshArgs>;
}

/** How the user's own OpenSSH client is run. */
export interface SshArgs {
  /**
   * A file as ssh_config(5) has it, in place of `~/.ssh/config`; `~/` is the home of the user who runs
   * Pulumi. The machine's own is read besides. Default: `~/.ssh/config`, where it is there.
   */
  configFile?: pulumi.Input<string>;
  /** Options for the host itself, as after `ssh -o`, before the config file: `Keyword=value`. */
  options?: pulumi.Input<pulumi.Input<string>[]>;
  /** The OpenSSH client, 7.6 or later: its path, or its name on `PATH`. Default: `"ssh"`. */
  command?: pulumi.Input<string>;
}

/** How a real server is kept quiet about its VIPs on the wire. */
export interface ArpArgs {
  /**
   * `arp_ignore`: 1 answers ARP for addresses of the NIC asked; 2 in addition only askers in the
   * same subnet. 0, 3 and 8 are refused: they leak the VIPs or silence the host altogether.
   * Default: `1`.
   */
  ignore?: pulumi.Input<1 | 2>;
  /** `arp_announce`: only 2 never names a VIP in the host's own ARP requests. Default: `2`. */
  announce?: pulumi.Input<2>;
  /**
   * `"all"` writes the kernel's `conf.all`, which also covers NICs that come later; a list of
   * names writes only these, for hosts whose container networks break under `all`. Default:
   * `"all"`.
   */
  interfaces?: pulumi.Input<"all" | pulumi.Input<string>[]>;
  /**
   * With a list of `interfaces`: globs (`*`, `?`) of other ARP-capable NICs that are left out on
   * purpose. A NIC neither listed nor named here that would answer for a VIP is refused.
   * Default: none.
   */
  except?: pulumi.Input<pulumi.Input<string>[]>;
}

/** What becomes of addresses on `lo` that no owner declares. */
export interface StaleVipsArgs {
  /** Whether they are withdrawn: `true` is as `"withdraw"`, `false` as `"report"`. */
  withdraw: pulumi.Input<boolean>;
  /** Addresses that stay, because another program keeps them there. Default: none. */
  except?: pulumi.Input<pulumi.Input<string>[]>;
}

/** How the connections to a VIP are waited for before it is withdrawn. TCP only. */
export interface DrainArgs {
  /** How long to wait at most, in seconds: 1 to 86400. `timeouts` does not count it. */
  timeoutSeconds: pulumi.Input<number>;
  /**
   * What happens when there are connections left then: `"withdraw"` cuts them, with a warning;
   * `"fail"` ends the operation with the host untouched. Default: `"withdraw"`.
   */
  onTimeout?: pulumi.Input<"withdraw" | "fail">;
}

/** How long an operation on a host may take. */
export interface TimeoutsArgs {
  /** Seconds for all dialling, a host that still boots included: 1 to 86400. Default: `60`. */
  connectSeconds?: pulumi.Input<number>;
  /** Seconds for the work on the host: 1 to 86400. Default: `120`. */
  operationSeconds?: pulumi.Input<number>;
}

/** A VIP as read back from `lo`. */
export interface Binding {
  /** The address, canonical and without a prefix. */
  address: string;
  /** Its scope as `ip` names it: `host` for IPv4, `global` for IPv6. */
  scope: string;
  /** Its label, `lo:dr`; empty for IPv6, which has none. */
  label: string;
}

/** The ARP sysctls of one NIC as the kernel applies them: the greater of `all` and its own. */
export interface EffectiveArp {
  /** The effective `arp_ignore`. */
  ignore: number;
  /** The effective `arp_announce`. */
  announce: number;
}
