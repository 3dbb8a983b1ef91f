import type { InspectedBoot, PendingOperation } from "./common-types";

// Plain interfaces, as in types.ts.

/** A host as a director. */
export interface InspectedDirector {
  /** All that is in its IPVS table, in the order of ipvsadm. */
  services: InspectedService[];
  /** Who declares what, by the registry in /var/lib/lvs-dr-director. */
  owners: InspectedServiceOwner[];
  /** Files of this package by which keepalived has services. Absent where there are none. */
  keepalivedFiles?: InspectedKeepalivedFile[];
  /** Whether it puts services back at boot. */
  boot: InspectedBoot;
  /** Other programs that run there and keep the table: `keepalived`, `ldirectord`, `kube-proxy`. */
  keepers: string[];
  /** Operations that have not been committed: under way, draining, or cut off. */
  pending: PendingOperation[];
  /** Connections to a destination that is removed are reset: net.ipv4.vs.expire_nodest_conn is 1. */
  expiresWithDestination: boolean;
  /** Known clients leave a destination of weight 0: net.ipv4.vs.expire_quiescent_template is 1. */
  expiresTemplates: boolean;
}

/** A service in a director's table. */
export interface InspectedService {
  /**
   * `203.0.113.10:80`, `203.0.113.10:53/udp`, `fwmark 7`, `fwmark 7 (IPv6)`; of another kind, as ipvsadm
   * names it: `--sctp-service 203.0.113.10:90`.
   */
  service: string;
  /** As ipvsadm names it: `wlc`. */
  scheduler: string;
  /** Of the scheduler: `sh-fallback`. */
  flags: string[];
  /** A client, or all in a network of this size, stay with a destination. Absent where they do not. */
  persistence?: { timeoutSeconds: number; prefixLength: number };
  /** Options that no input says, as ipvsadm prints them: `-o`, `--pe sip`. */
  otherOptions: string[];
  /** Ids of the owners that declare it. */
  owners: string[];
  /** No owner declares it. */
  foreign: boolean;
  destinations: InspectedDestination[];
}

/** A destination of a service in a director's table. */
export interface InspectedDestination {
  /** With its port: `10.0.0.11:80`. */
  destination: string;
  /** 0: no new connections. */
  weight: number;
  /** From so many connections on it gets no new ones, until there are fewer than `lowerThreshold`. 0: no limit. */
  upperThreshold: number;
  lowerThreshold: number;
  forwarding: "direct routing" | "masquerading" | "tunnelling";
  /** Connections that the director believes to be established. */
  activeConnections: number;
  /** Those that it still keeps an entry of. */
  inactiveConnections: number;
  /** Ids of the owners that declare it. */
  owners: string[];
  /** No owner declares it. */
  foreign: boolean;
  /** An operation that has not been committed has set it to weight 0. */
  held: boolean;
}

/** A record of a director's registry. */
export interface InspectedServiceOwner {
  /** The record's name on the director: 32 hex digits. */
  id: string;
  /** Organization and URN of the resource, or its `owner` input. */
  owner: string;
  /** Which create of the resource made the record; a later one sorts behind an earlier one. */
  incarnation: string;
  /** When it last changed something on the director, ISO 8601 in UTC. */
  lastSeen: string;
  /** The service that it declares, as in `services`. */
  service: string;
  /** The destinations that it declares, with their ports. */
  destinations: string[];
  /** The service is to be put back at boot. */
  persist: boolean;
  /** How the table differs from what it declares, a line each: `203.0.113.10:80: not in the table`. */
  drift: string[];
  /** The file by which keepalived has the service. Absent where the table is written by this package. */
  keepalivedFile?: string;
  /**
   * With it: destinations that are absent, or at weight 0, with their ports. keepalived's checks have taken
   * them out, or somebody has.
   */
  failing?: string[];
}

/** A file of keepalived's configuration by which it has a service. */
export interface InspectedKeepalivedFile {
  file: string;
  /**
   * `as declared`: as the record's owner has written it; `edited`: it differs from that; `missing`: a record
   * names it, and it is not there; `undeclared`: no record names it.
   */
  state: "as declared" | "edited" | "missing" | "undeclared";
  /** Ids of the owners whose records name it. */
  owners: string[];
  /** Who wrote it, by its first line. Absent where that line is gone. */
  writtenBy?: string;
  /** The service of its block, as in `services`. Absent, as what follows, where no block can be read. */
  service?: string;
  /** What keepalived asks each real server, as the input `manager.keepalived.check` says it. */
  check?: InspectedCheck;
  /** One that fails its check gets weight 0, instead of being taken out. */
  inhibitOnFailure?: boolean;
  /**
   * Real servers of the block that the table does not have, or has at weight 0 for their check, with their
   * ports. Their check has failed, or somebody has removed them. Empty where nothing is checked.
   */
  failing: string[];
}

/** A health check of keepalived's. */
export type InspectedCheck =
  "none" | { tcp: InspectedCheckTerms } | { http: InspectedHttpCheckTerms };

/** When a check is made, and when it has failed. */
export interface InspectedCheckTerms {
  /** Absent: the service's. */
  port?: number;
  intervalSeconds: number;
  timeoutSeconds: number;
  /** Tried so often more before it counts. */
  retries: number;
}

/** What is asked for over HTTP besides. */
export interface InspectedHttpCheckTerms extends InspectedCheckTerms {
  path: string;
  /** What it has to answer with. */
  status: number;
  /** The header Host. Absent: as keepalived has it. */
  host?: string;
}
