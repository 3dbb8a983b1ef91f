// Plain interfaces that an old TypeScript reads, as in args.ts; inputs/ has their table.
import type { InspectedDirector } from "./director-types";
import type { InspectedBoot, PendingOperation } from "./common-types";

/** How to reach a bastion: the fields of `connection.proxy` of a real server, as plain values. */
export interface InspectProxy {
  /** Name or address to connect to, without user, port or brackets. */
  host: string;
  /** TCP port, 1 to 65535. Default: `22`. */
  port?: number;
  /** User to log in as. Default: `"root"`. */
  user?: string;
  /** Password, also given to keyboard-interactive prompts. */
  password?: string;
  /** The text of a private key: OpenSSH or PEM. */
  privateKey?: string;
  /** Passphrase of an encrypted `privateKey` or `privateKeyFile`. */
  privateKeyPassword?: string;
  /** File with a private key; `~/` is the user's home. */
  privateKeyFile?: string;
  /** Socket of an SSH agent. Default: `$SSH_AUTH_SOCK` where it is set. */
  agentSocketPath?: string;
  /** The host's public key, `ssh-ed25519 AAAA...`; it goes before known hosts. */
  hostKey?: string;
  /** Known hosts, in OpenSSH's format; it need not exist. Default: `"~/.ssh/known_hosts"`. */
  knownHostsFile?: string;
  /** How many failed dials are followed by another: 0 dials once, -1 without limit. Default: `-1`. */
  dialErrorLimit?: number;
  /** Seconds for one dial; 0 is without limit of its own. Default: `15`. */
  perDialTimeout?: number;
}

/** How to reach a host: the fields of `connection` of a real server, as plain values. */
export interface InspectConnection extends InspectProxy {
  /** The bastion to go through. Default: none. */
  proxy?: InspectProxy;
  /**
   * Whether to become root with `sudo`. Default: `false` for the user `root`, else `true`; with `ssh`,
   * decided by who logged in.
   */
  sudo?: boolean;
  /** What `sudo` asks for, if it asks. It implies `sudo`. */
  sudoPassword?: string;
  /** Connect with the user's own OpenSSH client. Default: none, and neither with `false`. */
  ssh?: boolean | InspectSsh;
}

/** How the user's own OpenSSH client is run: the fields of `connection.ssh` of a real server. */
export interface InspectSsh {
  /** In place of `~/.ssh/config`, likewise. Default: `~/.ssh/config`, where it is there. */
  configFile?: string;
  /** For the host itself, as after `ssh -o`: `Keyword=value`. */
  options?: string[];
  /** The OpenSSH client, 7.6 or later. Default: `"ssh"`. */
  command?: string;
}

/** What an inspection asks beside what it always asks, and how long it may take. */
export interface InspectOptions {
  /** Names to resolve on the host: letters, digits, `.`, `-` and `_`. Default: none. */
  names?: readonly string[];
  /** Seconds for all dialling. Default: 15. */
  connectSeconds?: number;
  /** Seconds for the look itself, with all names. Default: 60. */
  operationSeconds?: number;
}

/** What a host is like, real server or director, seen without a stack. Texts are the host's own, control characters included. */
export interface Inspection {
  /**
   * Nothing leaks, nothing is stale, nothing was left half done, the boot brings back what it is to, no
   * name and no route ends on the host's own `lo`.
   */
  ok: boolean;
  /** As the connection names it. */
  host: string;
  /** Of /etc/machine-id; `-` where the host has none. */
  machineId: string;
  /** The host's SSH key, `ssh-ed25519 AAAA...`, where the transport saw it. */
  hostKey?: string;
  /** The bastion's, where there is one. */
  proxyHostKey?: string;
  /** What is on `lo` besides loopback addresses. */
  vips: InspectedVip[];
  /** The VIPs that nobody claims: addresses on `lo`, canonical, without prefix. */
  staleVips: string[];
  /** Who claims what, by the host's registry. */
  owners: InspectedOwner[];
  /** Whether the host binds its VIPs again at boot. */
  boot: InspectedBoot;
  /** Every NIC that hears ARP. */
  nics: InspectedNic[];
  /** What the host answers or announces on the wire though it is a VIP. */
  leaks: InspectedLeak[];
  /** Routes to `lo` for an address that is not there: they keep the host from the service at it. */
  selfRoutes: InspectedSelfRoute[];
  /** Sysctls that this package has set and will put back. */
  savedSysctls: InspectedSysctl[];
  /** An operation that has not been committed: under way, or cut off. */
  pending?: PendingOperation;
  /** The host as a director: where its kernel has IPVS, or a director's records are on it. Else null. */
  director: InspectedDirector | null;
  /** The names that were asked for. */
  names: InspectedName[];
  /** What does no harm now and will one day, a sentence each. */
  warnings: string[];
}

/** An address on `lo` that is no loopback address. */
export interface InspectedVip {
  /** Canonical, without prefix. */
  address: string;
  /** 32 for IPv4 and 128 for IPv6, where it is bound as a VIP should be. */
  prefixLength: number;
  /** As `ip` names it: `host`, `global`. */
  scope: string;
  /** Empty for IPv6, which has no labels. */
  label: string;
  /** Ids of the owners that claim it. */
  owners: string[];
  /** A service in the host's own IPVS table answers to it, and no owner claims it: it is a director's. */
  directed: boolean;
  /** Bound as a VIP is (/32 or /128), claimed by no owner, and not a director's. */
  stale: boolean;
}

/** A record of the host's registry. */
export interface InspectedOwner {
  /** The record's name on the host: 32 hex digits. */
  id: string;
  /** Organization and URN of the resource, or its `owner` input. */
  owner: string;
  /** Which create of the resource made the record; a later one sorts behind an earlier one. */
  incarnation: string;
  /** When it last changed something on the host, ISO 8601 in UTC. */
  lastSeen: string;
  /** The VIPs that it claims, canonical. */
  vips: string[];
  /** Those of them that are not on `lo`. */
  missingVips: string[];
  /** The ARP keys that it claims: at least this strict. */
  sysctls: { interface: string; key: string; value: number }[];
  /** Its VIPs are to be bound again at boot. */
  persist: boolean;
}

/** One NIC's ARP values as the kernel applies them: the greater of `all` and its own. */
export interface InspectedNic {
  name: string;
  ignore: number;
  announce: number;
  /** Whether it would give away an IPv4 VIP of scope host on `lo`, had the host one. */
  leaks: boolean;
  /** Why; empty where it would not. */
  why: string;
}

/** A VIP that is not silent. */
export interface InspectedLeak {
  address: string;
  /** Where. */
  interfaces: string[];
  /** A whole sentence, for people. */
  why: string;
}

/** A route by which the host delivers to itself what is for an address that is not on its `lo`. */
export interface InspectedSelfRoute {
  /** Canonical, without prefix. */
  address: string;
  /** As the host prints it. */
  route: string;
  /** The command that removes it. */
  remove: string;
}

/** A sysctl that goes back when no owner needs it any more. */
export interface InspectedSysctl {
  /** `all` or a NIC. */
  interface: string;
  key: string;
  /** To this it goes back. */
  value: number;
  /** This was written last. */
  written: number;
}

/** A name, as the host itself resolves it. */
export interface InspectedName {
  name: string;
  /** One of its addresses is bound on the host's own `lo`: the host talks to itself. */
  endsOnLo: boolean;
  /** Empty where it does not resolve. */
  addresses: InspectedNameAddress[];
  /** Why it does not resolve. */
  problem?: string;
}

/** One address of a name. */
export interface InspectedNameAddress {
  address: string;
  /**
   * `lo`: on `lo` or led there by a route, and no loopback address; `loopback`: 127/8 or ::1; `nic`: the host's own, on
   * another interface; `elsewhere`: another machine's.
   */
  endsOn: "lo" | "loopback" | "nic" | "elsewhere";
  /** The interface, where it is the host's own. */
  interface?: string;
  /** TCP ports at which something on the host listens there; empty where it is not the host's. */
  ports: number[];
}
