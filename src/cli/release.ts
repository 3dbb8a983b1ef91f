import { createInterface } from "node:readline/promises";
import { parseVip } from "../domain/address";
import { UsageError } from "./arguments";
import { withdraw } from "../operation/converge";
import type { SeenHost } from "../inspect/look";
import { ownersHere } from "../inspect/report";
import { plan } from "../plan/plan";
import type { Change } from "../plan/change";
import type { Claim, Desired } from "../plan/claim";
import type { OwnerRecord } from "../observed/registry";

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
 * Withdraws an owner by its record on the host, as the resource's destroy would: its VIPs that nobody
 * else claims, its record, and the sysctls that nobody needs any more.
 *
 * @returns whether it was done; false when somebody at the terminal said no
 * @throws UsageError for an unknown owner, and where nobody can be asked; else what `withdraw` throws
 */
export async function release(seen: SeenHost, options: ReleaseOptions): Promise<boolean> {
  const { observed, operation } = seen;
  const { sysctls } = options;
  const claim = claimFrom(recordNamed(seen, options.owner));
  const desired: Desired = { kind: "withdraw", claim, now: "-", sysctls };
  const needed = plan(desired, observed);
  options.say(`${claim.owner}, last seen ${lastSeen(seen, claim)}:`);
  for (const line of [...needed.changes.flatMap(consequence), ...needed.notes])
    options.say(`  ${line}`);
  if (!options.yes && !(await isConfirmed(operation.signal))) return false;
  const { superseded, notes } = await withdraw(operation, claim, { sysctls });
  if (superseded)
    throw new UsageError("the owner has come back to life meanwhile; nothing was withdrawn");
  for (const note of notes) options.say(note);
  return true;
}

function recordNamed({ observed }: SeenHost, wanted: string): OwnerRecord {
  const owners = [...ownersHere(observed)];
  const found = owners.find(([id, record]) => id === wanted || record.owner === wanted);
  if (found !== undefined) return found[1];
  const list = owners.map(([id, record]) => `  ${id} ${record.owner}`);
  const what = "the host has no owner of that id or name";
  throw list.length === 0
    ? new UsageError(`${what}, and no other either`)
    : new UsageError(`${what}; it has:`, list);
}

/** What the resource's own state would say. Its values matter to a host that serves it, not here. */
function claimFrom({ owner, incarnation, vips }: OwnerRecord): Claim {
  return {
    ...{ owner, incarnation, saved: [] },
    vips: vips.flatMap((vip) => {
      const parsed = parseVip(vip);
      return "vip" in parsed ? [parsed.vip] : [];
    }),
    arp: { ignore: 1, announce: 2, interfaces: "all", except: [] },
  };
}

function lastSeen({ inspection }: SeenHost, { owner }: Claim): string {
  return inspection.owners.find((one) => one.owner === owner)?.lastSeen ?? "never";
}

function consequence(change: Change): string[] {
  switch (change.kind) {
    case "unbind":
      return [`${change.prefix} leaves lo`];
    case "write-sysctl":
      return [`${change.key} of ${change.interface} goes from ${change.from} to ${change.to}`];
    case "drop":
      if (change.file === "boot/unit") return ["the unit that binds VIPs again at boot goes"];
      return change.file.startsWith("owners/") ? ["its record goes"] : [];
    case "put":
    case "bind":
    case "check-quiet":
      return [];
  }
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
