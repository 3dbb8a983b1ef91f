import { createInterface } from "node:readline/promises";
import { UsageError } from "./usage";
import { withdrawalsOf, type Withdrawal } from "./withdrawals";
import type { SeenHost } from "../inspect/look";

/** How an owner is released. */
export interface ReleaseOptions {
  /** Its id, or its whole name. */
  readonly owner: string;
  /** Do not ask. */
  readonly yes: boolean;
  readonly sysctls: "restore" | "leave";
  /** Where words for people go, a line each. */
  say(text: string): void;
}

/**
 * Withdraws an owner by its records on the host, as its resource's destroy would: of a director's table,
 * what nobody else has put into its service; its VIPs that nobody else claims; its record, and the sysctls
 * that nobody needs any more.
 *
 * @returns whether it was done; false when somebody at the terminal said no
 * @throws UsageError for an unknown owner, and where nobody can be asked; else what `withdraw` and
 *   `withdrawService` throw
 */
export async function release(seen: SeenHost, options: ReleaseOptions): Promise<boolean> {
  const withdrawals = withdrawalsFor(seen, options);
  for (const one of withdrawals) {
    options.say(`${one.record.owner}, last seen ${one.record.seen}:`);
    for (const line of one.consequences()) options.say(`  ${line}`);
  }
  if (!options.yes && !(await isConfirmed(seen.operation.signal))) return false;
  for (const one of withdrawals) {
    const { superseded, notes } = await one.carryOut();
    if (superseded)
      throw new UsageError("the owner has come back to life meanwhile, and was not withdrawn");
    for (const note of notes) options.say(note);
  }
  return true;
}

/** More than one where a service and VIPs have the same owner. */
function withdrawalsFor(seen: SeenHost, { owner, sysctls }: ReleaseOptions): Withdrawal[] {
  const all = withdrawalsOf(seen, sysctls);
  const found = all.filter(({ id, record }) => id === owner || record.owner === owner);
  if (found.length > 0) return found;
  const what = "the host has no owner of that id or name";
  throw all.length === 0
    ? new UsageError(`${what}, and no other either`)
    : new UsageError(
        `${what}; it has:`,
        all.map(({ id, record }) => `  ${id} ${record.owner}`),
      );
}

async function isConfirmed(signal: AbortSignal): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY)
    throw new UsageError("nobody is there to be asked; --yes does not ask");
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  // While readline has the terminal, ^C is a key press and no signal.
  terminal.on("SIGINT", () => process.kill(process.pid, "SIGINT"));
  // ^D ends the reading, and is no yes.
  const closed = new Promise<string>((resolve) => terminal.once("close", () => resolve("")));
  try {
    const answer = terminal.question("Withdraw it? [y/N] ", { signal });
    answer.catch(() => undefined);
    return /^y(es)?$/i.test((await Promise.race([answer, closed])).trim());
  } finally {
    terminal.close();
  }
}
