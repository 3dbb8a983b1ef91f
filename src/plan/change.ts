import type { Family } from "../domain/address";
import type { ArpKey } from "../domain/sysctl";

/** A file of the registry, or of the boot (`boot/...`), by name. */
export type FileChange =
  | { readonly kind: "put"; readonly file: string; readonly lines: readonly string[] }
  | { readonly kind: "drop"; readonly file: string };

/** Whether a change of a plan is of a file. */
export function isFileChange(change: { readonly kind: string }): change is FileChange {
  return change.kind === "put" || change.kind === "drop";
}

/** One delta of a real server. */
export type Change =
  | FileChange
  | {
      readonly kind: "write-sysctl";
      readonly interface: string;
      readonly key: ArpKey;
      readonly from: number;
      readonly to: number;
    }
  | { readonly kind: "check-quiet"; readonly interfaces: "all" | readonly string[] }
  | {
      readonly kind: "bind" | "unbind";
      readonly family: Family;
      readonly prefix: string;
      readonly scope: string;
      readonly validLft: string;
      readonly preferredLft: string;
      readonly label: string;
      /** What else `ip` is told of it; as of an observed address. */
      readonly extras?: string;
      /** Of a prefix that is unbound and bound again: it is never gone, nor a route from it. */
      readonly inPlace?: true;
    };

/** One write under /proc/sys/net/ipv4/conf. */
export type SysctlWrite = Extract<Change, { kind: "write-sysctl" }>;
