import { UnreadableAnswer } from "../protocol/answer";
import type { PendingOperation } from "./common-types";

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
    const [, kind = "", rest = ""] = /^(\S+) ?(.*)$/s.exec(line) ?? [];
    if (kind === "under-way") underWay = true;
    else if (kind === "journal") journal.push(rest);
    else if (kind === "journal-unknown") strange = rest;
    else throw new UnreadableAnswer(line);
  }
  return { journal, strange, underWay };
}

/**
 * What a journal says to people; undefined where there is none, or only the first part of its head: nothing
 * changes before a journal is whole.
 *
 * @param bootId of the boot that the host is in
 */
export function pendingOperation(
  { journal, strange, underWay }: PendingAnswer,
  bootId: string,
): PendingOperation | undefined {
  const said = (word: string) =>
    journal.find((line) => line.startsWith(`${word} `))?.slice(word.length + 1);
  const by = said("by");
  if (by === undefined && strange === undefined) return undefined;
  return {
    by: by ?? "unknown",
    underWay,
    earlierBoot: said("boot") !== bootId,
    ...(strange !== undefined && { strange: strangeness(strange) }),
  };
}

function strangeness(line: string): string {
  const format = /^lvs-dr-journal (\d+)$/.exec(line)?.[1];
  return format === undefined ? `the line "${line}"` : `format ${format}`;
}
