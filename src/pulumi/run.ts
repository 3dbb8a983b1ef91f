import type { MaySend } from "../plan/claim";
import type { Properties } from "./kind";

/** What a provider's process has learnt of the resources of its run, by their ids. */
export interface Run {
  /**
   * The creates, by owner and host. When a host's address in the program changes, the same process
   * creates at the new one and deletes at the old one. That the record there is a later create's is for
   * the host to say; only where the old address answers no more is this believed, because machines
   * cloned from one image may look alike.
   */
  readonly creates: Map<string, string>;
  /** Those created or updated in this run: none of them is another's predecessor. */
  readonly made: Set<string>;
  /** Those that another takes the place of. */
  readonly replaced: Set<string>;
  /** Their properties, by owner. */
  readonly predecessors: Map<string, Properties>;
  /** What a read found on `lo` that could be withdrawn, with prefix, by the reader's id. */
  readonly withdrawable: Map<string, readonly string[]>;
  /** VIPs that real servers dropped in this run, canonical. */
  readonly dropped: Set<string>;
  /** Where directors may still send requests, because the last operation on a service of theirs failed. */
  readonly failedServices: Map<string, readonly MaySend[]>;
}

/** A run of which nothing is known yet. */
export function newRun(): Run {
  return {
    creates: new Map(),
    made: new Set(),
    replaced: new Set(),
    predecessors: new Map(),
    withdrawable: new Map(),
    dropped: new Set(),
    failedServices: new Map(),
  };
}
