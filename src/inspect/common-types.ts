// What the types of an inspection have in common: plain interfaces that an old TypeScript (3.8) reads.

/** What a host does at boot about what is declared for it. */
export interface InspectedBoot {
  /** What starts the host's services. */
  init: "systemd" | "openrc" | "none";
  /** The program that makes it so again is there, and its unit is enabled. */
  enabled: boolean;
  /** What is wrong with it, a sentence each: an owner wants it and it is not there, or it failed. */
  problems: string[];
}

/** An operation on a host that has not been committed. */
export interface PendingOperation {
  /** Whose operation it is. */
  by: string;
  /** Somebody works at this moment; else it was cut off, and the next operation undoes it. */
  underWay: boolean;
  /** The host has rebooted since. */
  earlierBoot: boolean;
  /**
   * What its journal has that the installed version does not know: `format 2`, or `the line "..."`. No
   * operation of this version undoes such a journal or skips it: each stops there, and so does the boot.
   * Absent where all of it is known.
   */
  strange?: string;
  /** What it drains, on a director: it goes on without the lock. Absent while it has the lock. */
  drains?: DrainedService;
}

/** A service of a director of which destinations leave. */
export interface DrainedService {
  /** As in the director's `services`. */
  service: string;
  /** Destinations that the operation has set to weight 0, as in the service. */
  held: string[];
}
