import type { Flavour } from "../host/box";
import type { Cut, Direction } from "./proxy";

/** One run: what the host is like, what is asked of it, and what goes wrong meanwhile. */
export interface Scenario {
  /** Who runs the operations: the provider by itself, or Pulumi, which takes seconds. */
  readonly through: "provider" | "engine";
  readonly flavour: Flavour;
  readonly login: keyof typeof LOGINS;
  /** Whether the policies are to forget a host that is gone, and to keep what is known of it. */
  readonly forgets: boolean;
  readonly host: HostState;
  /** What the host serves by us before; undefined for a create. */
  readonly served: Serving | undefined;
  /** Done by hand since then. */
  readonly drift: readonly Meddling[];
  readonly verb: "create" | "update" | "delete" | "read";
  readonly desired: Serving;
  /** Whether the boot kit's files are sent. */
  readonly carriesKit: boolean;
  readonly fault: Fault;
  /** How it is gone on: with the program as it is, or with the end of it all. */
  readonly finish: "up" | "destroy";
}

/** Who logs in, and whether this package connects or the user's own ssh, by how often: half and half. */
export const LOGINS = {
  ...{ root: 8, password: 1, deploy: 1, operator: 2 },
  ...{ "root by ssh": 8, "deploy by ssh": 2, "operator by ssh": 2 },
};

/** Whether the user's own ssh connects. */
export function isBySsh({ login }: Pick<Scenario, "login">): boolean {
  return login.endsWith(" by ssh");
}

/** What a program declares. */
export interface Serving {
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
  /** With a list, NICs named tap* are left out on purpose. */
  readonly interfaces: "all" | readonly ["eth0"];
  readonly persist: boolean;
}

/** The NIC that the operation claimed which left a journal. */
export const LEFT_BEHIND_ON = "eth0";

/** What others have done on the host before. */
export interface HostState {
  readonly sysctls: readonly { readonly name: string; readonly value: number }[];
  readonly byHand: readonly HandAddress[];
  readonly owners: readonly OtherOwner[];
  /** What binds its VIPs again at boot; there where one of the owners asks for it. */
  readonly kit: KitState;
  /** A journal that an operation left which died with its watchdog. */
  readonly journal: "none" | "of this boot" | "of another boot";
  readonly routes: readonly HandRoute[];
  /** Files by which a boot would bind a VIP, whatever this package does. */
  readonly files: readonly { readonly path: string; readonly vip: string }[];
  /** Files that no record speaks of, in our folder and beside it. */
  readonly litter: boolean;
  /** Whether `ip` dawdles when its work is done: what is between two steps can be seen on the wire. */
  readonly slow: boolean;
}

/** An address on `lo` that somebody bound by hand. */
export interface HandAddress {
  readonly prefix: string;
  readonly words: string;
}

/** A route that somebody made, because of a VIP. */
export interface HandRoute {
  readonly kind:
    | "to a VIP"
    | "that is local"
    | "to a local network"
    | "for marked packets"
    | "from a VIP"
    | "by default from a VIP"
    | "of ifconfig";
  readonly vip: string;
}

/** Another stack's resource on the same host. */
export interface OtherOwner {
  readonly owner: string;
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
  readonly persist: boolean;
}

/** What became of a boot kit, by somebody's hand, another version of the package, or a boot; by how often. */
export const KIT_STATES = {
  older: 2,
  newer: 1,
  "with a changed unit": 2,
  "without its unit": 2,
  "without its link": 2,
  "with a changed replay": 1,
  "without its replay": 1,
  "that found something": 1,
  "that failed": 1,
};

/** What a kit is like. */
export type KitState = "whole" | keyof typeof KIT_STATES;

/** What somebody else does to a host; others.ts makes them. */
export interface Meddling {
  readonly what: string;
  /** Of shell, for the agent. */
  readonly lines: string;
  /** What is theirs then, as a snapshot names it. */
  readonly changes: readonly string[];
  /** Whether the host may leak by it, until an operation that can see it is over. */
  readonly mayLeak: boolean;
}

/** What goes wrong. */
export type Fault =
  | { readonly kind: "none" }
  | {
      readonly kind: "connection";
      readonly cut: Exclude<Cut, "hold">;
      readonly place: Place;
      readonly thenRefuse: boolean;
    }
  | { readonly kind: "client"; readonly how: ClientEnd; readonly place: Delayed }
  | { readonly kind: "shell"; readonly how: keyof typeof SHELL_ENDS; readonly place: Delayed }
  | { readonly kind: "ip"; readonly call: number; readonly how: keyof typeof IP_FAILURES }
  | { readonly kind: "proc"; readonly key: string; readonly place: Delayed | undefined }
  | { readonly kind: "disk"; readonly how: keyof typeof DISK_FAULTS; readonly room: number }
  | {
      readonly kind: "registry";
      readonly file: number;
      readonly how: "cut short" | "garbled" | "emptied";
      readonly at: number;
    }
  | { readonly kind: "lock"; readonly seconds: number }
  | { readonly kind: "somebody"; readonly does: Meddling; readonly place: Delayed }
  /** For so many seconds, or until the operation is over. */
  | {
      readonly kind: "sshd";
      readonly how: "is full" | "turns away";
      readonly seconds: number | undefined;
    }
  | { readonly kind: "second factor" }
  | { readonly kind: "NICs come and go" };

/** A place in what an operation sends one way, drawn before it is known how many bytes that is. */
export interface Place {
  readonly direction: Direction;
  /**
   * While it connects, up to the script's last byte; or after that, where each turn is as likely as any
   * other, or each byte.
   */
  readonly part: "connecting" | "turns" | "bytes";
  /** How far into that part, from 0 to less than 1. */
  readonly at: number;
}

/** Milliseconds after it: the host works while no byte passes. */
export interface Delayed extends Place {
  readonly delay: number;
}

/** What befalls who runs the operation: the provider, or the engine above it. */
export type ClientEnd =
  | "killed"
  | "stopped past the deadline"
  | "engine killed"
  | "engine interrupted twice"
  | "ssh killed"
  | "ssh stopped";

/** What befalls the shell on the host, by how often. */
export const SHELL_ENDS = {
  TERM: 2,
  HUP: 2,
  KILL: 3,
  STOP: 1,
  "its watchdog killed": 1,
  "killed with its watchdog": 3,
  "its sshd killed": 1,
};

/** How the `ip` of a host fails at a call: not done; done in part; done, and a failure told all the same. */
export const IP_FAILURES = {
  ...{ refuses: 3, "stops half-way": 3, "fails afterwards": 2, "is killed": 2 },
};

/** What befalls the disk that the registry is on, or the folder that the boot's unit is in. */
export const DISK_FAULTS = { full: 5, "read-only": 1, "read-only for units": 2 };

/** Where the deadline is part of the fault, it comes soon. */
export function isSlow({ fault }: Scenario): boolean {
  switch (fault.kind) {
    case "connection":
      return fault.cut === "stall" || fault.cut === "half-close";
    case "client":
      return fault.how !== "killed" && fault.how !== "ssh killed";
    case "shell":
      return fault.how === "STOP";
    default:
      return false;
  }
}

/** What the table of the campaign counts a run under. */
export function nameOf(scenario: Scenario): string {
  const { fault, through } = scenario;
  if (through === "engine") return `${nameOfFault(fault)}, with the engine`;
  const name = nameOfFault(fault);
  const onTheWay = fault.kind === "connection" || fault.kind === "client";
  return onTheWay && isBySsh(scenario) && !name.startsWith("ssh ") ? `${name}, by ssh` : name;
}

function nameOfFault(fault: Fault): string {
  switch (fault.kind) {
    case "connection": {
      const { cut, place, thenRefuse } = fault;
      const names = { close: "cut", "half-close": "half-closed", stall: "stalled", reset: "reset" };
      const way = place.direction === "up" ? "to the host" : "from the host";
      return `connection ${names[cut]} ${way}${thenRefuse ? ", none after it" : ""}`;
    }
    case "client":
      return /^(engine|ssh) /.test(fault.how) ? fault.how : `client ${fault.how}`;
    case "shell":
      return fault.how.length <= 4 ? `shell gets ${fault.how}` : `shell: ${fault.how}`;
    case "ip":
      return `ip ${fault.how}`;
    case "proc":
      return fault.key === "all of it" ? "/proc/sys read-only" : "a /proc write fails";
    case "disk":
      return fault.how === "read-only for units"
        ? "/etc/init.d read-only"
        : `/var/lib ${fault.how}`;
    case "registry":
      return `registry ${fault.how}`;
    case "lock":
      return "lock held by one who dies";
    case "somebody":
      return `somebody ${fault.does.what}`;
    case "sshd":
      return `sshd ${fault.how}${fault.seconds === undefined ? "" : " for a while"}`;
    default:
      return fault.kind;
  }
}
