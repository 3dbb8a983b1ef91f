import { UnreadableAnswer } from "../protocol/answer";

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

/** What a host says of an operation's journal. */
export interface PendingAnswer {
  /** The lines of the journal; empty where there is none. */
  readonly journal: readonly string[];
  /** The journal's first line that the host's program does not know, so that no operation undoes it. */
  readonly strange: string | undefined;
  /** Somebody holds the journal's lock for writing. */
  readonly underWay: boolean;
}

/** There is no journal. */
export const NOTHING_PENDING: PendingAnswer = { journal: [], strange: undefined, underWay: false };

/** Whether a line of an answer is one that {@link parsePending} reads. */
export function isOfPending(line: string): boolean {
  return /^(under-way|journal|journal-unknown)( |$)/.test(line);
}

/** Reads what the question `pending` prints. Total: throws {@link UnreadableAnswer}. */
export function parsePending(lines: readonly string[]): PendingAnswer {
  const journal: string[] = [];
  let { strange, underWay } = NOTHING_PENDING;
  for (const line of lines) {
    const [, kind = "", rest = ""] = /^(\S+) ?(.*)$/.exec(line) ?? [];
    if (kind === "under-way") underWay = true;
    else if (kind === "journal") journal.push(rest);
    else if (kind === "journal-unknown") strange = rest;
    else throw new UnreadableAnswer(line);
  }
  return { journal, strange, underWay };
}

/**
 * What a journal says to people; undefined where there is none.
 *
 * @param bootId of the boot that the host is in
 */
export function pendingOperation(
  { journal, strange, underWay }: PendingAnswer,
  bootId: string,
): PendingOperation | undefined {
  if (journal.length === 0 && strange === undefined) return undefined;
  const said = (word: string) =>
    journal.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  return {
    by: said("by") ?? "unknown",
    underWay,
    earlierBoot: said("boot") !== bootId,
    ...(strange !== undefined && { strange: strangeness(strange) }),
  };
}

function strangeness(line: string): string {
  const format = /^lvs-dr-journal (\d+)$/.exec(line)?.[1];
  return format === undefined ? `the line "${line}"` : `format ${format}`;
}
