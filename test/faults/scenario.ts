import type { Cut, Moment } from "./proxy";

/** One run: what the host is like, what is asked of it, and what goes wrong meanwhile. */
export interface Scenario {
  readonly flavour: Flavour;
  readonly login: "root" | "password" | "deploy" | "operator";
  readonly host: HostState;
  /** What the host serves by us before; undefined for a create. */
  readonly served: Serving | undefined;
  /** Done by hand since then. */
  readonly drift: readonly Meddling[];
  readonly verb: "create" | "update" | "delete" | "read";
  readonly desired: Serving;
  readonly fault: Fault;
  /** How it is gone on: with the program as it is, or with the end of it all. */
  readonly finish: "up" | "destroy";
}

/** What a host's `sh` and `ip` are. */
export interface Flavour {
  readonly shell: "dash" | "bash" | "busybox";
  readonly ip: "iproute2" | "busybox";
}

/** What a program declares. */
export interface Serving {
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
  /** With a list, NICs named tap* are left out on purpose. */
  readonly interfaces: "all" | readonly ["eth0"];
  readonly persist: boolean;
}

/** What others have done on the host before. */
export interface HostState {
  readonly sysctls: readonly { readonly name: string; readonly value: number }[];
  readonly byHand: readonly HandAddress[];
  readonly owners: readonly OtherOwner[];
  /** What binds its VIPs again at boot; there where one of the owners asks for it. */
  readonly kit: KitState;
  /** A journal that an operation left which died with its watchdog. */
  readonly journal: "none" | "of this boot" | "of another boot";
  /** Files that no record speaks of, in our folder and beside it. */
  readonly litter: boolean;
}

/** An address on `lo` that somebody bound by hand. */
export interface HandAddress {
  readonly prefix: string;
  readonly words: string;
}

/** Another stack's resource on the same host. */
export interface OtherOwner {
  readonly owner: string;
  readonly vips: readonly string[];
  readonly ignore: 1 | 2;
  readonly persist: boolean;
}

/** What became of a boot kit: by somebody's hand, another version of the package, or a boot. */
export type KitState =
  | "whole"
  | "older"
  | "newer"
  | "with a changed unit"
  | "without its unit"
  | "without its link"
  | "with a changed replay"
  | "without its replay"
  | "that found something"
  | "that failed";

/** What somebody else does to a host. */
export type Meddling =
  | { readonly what: "deletes a VIP"; readonly vip: string }
  | { readonly what: "resets a sysctl"; readonly name: string; readonly value: number }
  | { readonly what: "adds an address"; readonly prefix: string }
  | { readonly what: "leaves a boot kit"; readonly kit: KitState }
  | { readonly what: "adds a NIC" };

/** What goes wrong. */
export type Fault =
  | { readonly kind: "none" }
  | {
      readonly kind: "connection";
      readonly cut: Exclude<Cut, "hold">;
      readonly moment: Moment;
      readonly thenRefuse: boolean;
    }
  | { readonly kind: "client"; readonly how: "killed" | "stopped"; readonly moment: Delayed }
  | { readonly kind: "shell"; readonly how: ShellEnd; readonly moment: Delayed }
  | { readonly kind: "ip"; readonly call: number; readonly how: IpFailure }
  | { readonly kind: "proc"; readonly key: string; readonly moment: Delayed | undefined }
  | { readonly kind: "disk"; readonly how: DiskFault; readonly room: number }
  | { readonly kind: "registry"; readonly file: number; readonly how: Damage; readonly at: number }
  | { readonly kind: "lock"; readonly seconds: number }
  | { readonly kind: "somebody"; readonly does: Meddling; readonly moment: Delayed };

/** A moment, and milliseconds after it: the host works while no byte passes. */
export interface Delayed extends Moment {
  readonly delay: number;
}

export type ShellEnd =
  | "TERM"
  | "HUP"
  | "KILL"
  | "STOP"
  | "its watchdog killed"
  | "killed with its watchdog"
  | "its sshd killed";

/** Of the disk that the registry is on, or of the folder that the boot's unit is in. */
export type DiskFault = "full" | "read-only" | "read-only for units";

/** How the `ip` of a host fails at a call: not done; done in part; done, and a failure told all the same. */
export type IpFailure = "refuses" | "stops half-way" | "fails afterwards" | "is killed";

/** What befalls a file of the registry. */
export type Damage = "cut short" | "garbled" | "emptied";

/** Each shell and each `ip`, by the number of the run. */
export const FLAVOURS: readonly Flavour[] = (["dash", "bash", "busybox"] as const).flatMap(
  (shell) => (["iproute2", "busybox"] as const).map((ip) => ({ shell, ip })),
);

/** What the table of the campaign counts a run under. */
export function nameOf(fault: Fault): string {
  switch (fault.kind) {
    case "none":
      return "none";
    case "connection": {
      const { cut, moment, thenRefuse } = fault;
      const names = { close: "cut", "half-close": "half-closed", stall: "stalled", reset: "reset" };
      const way = moment.direction === "up" ? "to the host" : "from the host";
      return `connection ${names[cut]} ${way}${thenRefuse ? ", none after it" : ""}`;
    }
    case "client":
      return fault.how === "killed" ? "client killed" : "client stopped past the deadline";
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
  }
}
