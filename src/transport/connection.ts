import type { Terms } from "./terms";

/** How to log in at one address. Parsed: every default is filled in. */
export interface Hop {
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password?: string;
  /** The key's text. */
  readonly privateKey?: string;
  /** Decrypts `privateKey` and `privateKeyFile`. */
  readonly privateKeyPassword?: string;
  /** Read when dialling; a leading `~/` is the user's home. */
  readonly privateKeyFile?: string;
  readonly agentSocketPath?: string;
  /** `ssh-ed25519 AAAA…`, with or without a comment; comes before known hosts and pin. */
  readonly hostKey?: string;
  /** A leading `~/` is the user's home. A file that is not there knows nobody. */
  readonly knownHostsFile: string;
  /** How many attempts may fail before the last one; negative: as many as time allows. */
  readonly dialErrorLimit: number;
  /** Seconds for TCP and the key exchange of one attempt; 0: no limit of its own. */
  readonly perDialTimeout: number;
}

/** How to reach a host, parsed: by ssh2, or by the user's own `ssh`. */
export type Connection = Ssh2Connection | OpensshConnection;

/** How ssh2 reaches a host, by way of a bastion where `proxy` is given. */
export interface Ssh2Connection extends Hop {
  readonly sudo: boolean;
  readonly sudoPassword?: string;
  readonly proxy?: Hop;
  readonly ssh?: undefined;
}

/** How the user's own `ssh` reaches a host. What is not given, ssh_config decides. */
export interface OpensshConnection {
  /** A name, an address, or an alias of ssh_config. */
  readonly host: string;
  readonly port?: number;
  readonly user?: string;
  /** Offered, and no key beside those of ssh_config; a leading `~/` is the user's home. */
  readonly privateKeyFile?: string;
  readonly agentSocketPath?: string;
  /** The only key that the host may have, whatever known hosts say. */
  readonly hostKey?: string;
  readonly knownHostsFile?: string;
  /** As for a {@link Hop}. */
  readonly dialErrorLimit: number;
  /** Seconds for TCP and the key exchange of one attempt; 0: no limit of its own. */
  readonly perDialTimeout?: number;
  /** Undefined: decided on the host, by who logged in. */
  readonly sudo?: boolean;
  readonly sudoPassword?: string;
  readonly ssh: OwnSsh;
}

/** Which `ssh`, and what it is told besides. */
export interface OwnSsh {
  /** Takes the place of ~/.ssh/config; a leading `~/` is the user's home. */
  readonly configFile?: string;
  /** For the host alone and before the config, `Keyword=value`. */
  readonly options?: readonly string[];
  /** Its name on PATH, or its path. */
  readonly command: string;
}

/** One hop, and how messages name it and its inputs. */
export interface Target {
  readonly hop: Hop;
  /** `10.0.0.1:22`, or `the bastion 10.0.0.1:22`. */
  readonly title: string;
  /** What messages call it and what was given for it. */
  readonly terms: Terms;
  /** It is on the way to the host that is meant. */
  readonly isBastion?: true;
}

/** The host that an error names when it begins with a target's title; a bastion is not what it is about. */
export function hostNamedBy({ hop, isBastion }: Target): string | undefined {
  return isBastion ? undefined : hop.host;
}

/** `10.0.0.1:22`, with brackets round an IPv6 address. */
export function place(hop: Hop): string {
  return hop.host.includes(":") ? `[${hop.host}]:${hop.port}` : `${hop.host}:${hop.port}`;
}
