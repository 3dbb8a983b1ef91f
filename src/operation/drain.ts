import { setTimeout as pause } from "node:timers/promises";
import {
  arrivals,
  connectionPatterns,
  parseUsage,
  type Usage,
  connectionsRequest,
} from "../observed/connections";
import { RealServerError } from "../domain/errors";
import { UnreadableAnswer } from "../protocol/answer";
import type { Observed } from "../observed/observed";
import { REAL_SERVER } from "./real-server";
import { onHost, type Operation, type Session } from "./session";

/** How connections are waited for before a VIP is withdrawn. */
export interface DrainPolicy {
  /** How long at most, in seconds. `operationSeconds` does not count it. */
  readonly timeoutSeconds: number;
  /** What becomes of those that are left then. */
  readonly onTimeout: "withdraw" | "fail";
}

/**
 * Stands before the first write of an attempt, under the lock: passes when no connection to a leaving
 * VIP is left, or the drain is over.
 *
 * Raises {@link RealServerError} `refused` where connections cannot be counted, `timed-out` where
 * the policy says so; and what makes {@link drainFirst} wait and try again.
 */
export type Gate = (
  session: Session,
  observed: Observed,
  leaving: readonly string[],
) => Promise<void>;

/**
 * Makes an attempt that withdraws VIPs; while connections use them, waits without the lock and then
 * makes it again. The time runs from the first connection seen, over all waits.
 *
 * @param leaving what the attempt would withdraw from a host as it is
 */
export async function drainFirst<Result>(
  operation: Operation,
  policy: DrainPolicy | undefined,
  leaving: (observed: Observed) => readonly string[],
  attempt: (gate: Gate) => Promise<Result>,
): Promise<Result> {
  if (policy === undefined) return attempt((...seen) => warnOfLoop(operation, ...seen));
  const drain = new Drain(operation, policy, leaving);
  for (;;) {
    try {
      return await attempt((...seen) => drain.gate(...seen));
    } catch (error) {
      if (!(error instanceof InUse)) throw error;
      await drain.wait();
    }
  }
}

/** There are connections, and there is time. */
class InUse extends Error {
  override readonly name = "InUse";
}

const PURPOSE = { mode: "look", holder: "a drain", subjects: [] } as const;
const POLL_MILLISECONDS = 1000;
/** The host is not to be busy with counting: it has at least so many times the time in between. */
const REST = 4;
const RECENT_MILLISECONDS = 5000;

class Drain {
  private end = Infinity;
  private last: Usage | undefined;
  private arrived = 0;
  private lastArrival = -Infinity;

  constructor(
    private readonly operation: Operation,
    private readonly policy: DrainPolicy,
    private readonly leaving: (observed: Observed) => readonly string[],
  ) {}

  async gate(session: Session, observed: Observed, leaving: readonly string[]): Promise<void> {
    if (leaving.length === 0) return;
    const usage = await this.count(session, leaving);
    if (usage.total > 0 && !this.isOver()) throw new InUse();
    const fault = this.stillSending();
    if (usage.total > 0) this.operation.warn(`${this.leftOver(usage)}, cut now${fault}`);
    else if (fault !== "") this.operation.warn(`no connection is left, but${fault.slice(1)}`);
    await warnOfLoop(this.operation, session, observed, leaving);
  }

  /** Returns when nothing is left, or when the time is over and the policy is to withdraw. */
  async wait(): Promise<void> {
    let rest: number | undefined = 0;
    while (rest !== undefined) {
      await this.sleep(rest);
      rest = await onHost(REAL_SERVER, this.operation, PURPOSE, async (session, observed) => {
        return this.watch(session, this.leaving(observed));
      });
    }
  }

  /**
   * A conversation, like any other, has `operationSeconds`: it ends in good time for another.
   *
   * @returns after how many milliseconds that is to begin; undefined when nothing is to be waited for
   */
  private async watch(session: Session, leaving: readonly string[]): Promise<number | undefined> {
    const enough = session.secondsLeft() / 2;
    while (leaving.length > 0) {
      const started = performance.now();
      const usage = await this.count(session, leaving);
      if (usage.total === 0 && this.end < Infinity) this.operation.progress("drained");
      if (usage.total === 0 || this.isOver()) return undefined;
      this.operation.progress(this.progress(usage));
      const rest = Math.max(POLL_MILLISECONDS, REST * (performance.now() - started));
      const next = Math.min(rest, this.millisecondsLeft());
      if (session.secondsLeft() - next / 1000 < enough) return next;
      await this.sleep(next);
    }
    return undefined;
  }

  private async count({ conversation }: Session, leaving: readonly string[]): Promise<Usage> {
    const request = connectionsRequest(connectionPatterns(leaving));
    const usage = parseUsage(await conversation.request(request), leaving);
    if (usage.blind) throw new RealServerError("refused", BLIND);
    if (usage.total > 0 && this.last === undefined)
      this.end = performance.now() + this.policy.timeoutSeconds * 1000;
    const news = this.last === undefined ? 0 : arrivals(this.last, usage);
    this.arrived += news;
    if (news > 0) this.lastArrival = performance.now();
    this.last = usage;
    if (usage.total > 0 && this.isOver() && this.policy.onTimeout === "fail")
      throw new RealServerError(
        "timed-out",
        `${this.leftOver(usage)}${this.stillSending()}. Run it again, raise drain.timeoutSeconds, or set drain.onTimeout to "withdraw", which cuts them`,
      );
    return usage;
  }

  /** Ends early when the operation is stopped; the next word with the host says so. */
  private async sleep(milliseconds: number): Promise<void> {
    const { signal } = this.operation;
    await pause(milliseconds, undefined, { signal }).catch(() => undefined);
  }

  private millisecondsLeft(): number {
    return Math.max(0, this.end - performance.now());
  }

  private isOver(): boolean {
    return this.millisecondsLeft() === 0;
  }

  private progress(usage: Usage): string {
    const left = Math.ceil(this.millisecondsLeft() / 1000);
    const warning = this.stillSending() === "" ? "" : `; new ones come: ${STOP_SENDING}`;
    return `draining ${told(usage)}, at most ${left} s more${warning}`;
  }

  private leftOver(usage: Usage): string {
    return `${told(usage)} ${usage.total === 1 ? "was" : "were"} left after draining for ${this.policy.timeoutSeconds} s`;
  }

  /** New connections until now, and not only at first: then the drain would never end. */
  private stillSending(): string {
    if (performance.now() - this.lastArrival > RECENT_MILLISECONDS) return "";
    return `; ${counted(this.arrived, "new one")} came meanwhile: the director has not stopped sending, ${STOP_SENDING}`;
  }
}

const STOP_SENDING = "set its weight for this host to 0 first";

const BLIND =
  "connections cannot be counted: addresses are translated here (DNAT), and conntrack cannot be read; " +
  "install the tool conntrack on the host, or take the input drain away";

/** `12 connections (203.0.113.10: 9, 203.0.113.11: 3)` */
function told(usage: Usage): string {
  const each = [...(usage.byVip ?? [])].map(([vip, number]) => `${vip}: ${number}`);
  return `${counted(usage.total, "connection")}${each.length === 0 ? "" : ` (${each.join(", ")})`}`;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}

/**
 * A host that forwards sends what it has no address for back to the director, which sends it to the
 * host again, until the packet's TTL ends. Only a warning: nothing fails for want of it.
 */
async function warnOfLoop(
  operation: Operation,
  { conversation }: Session,
  observed: Observed,
  leaving: readonly string[],
): Promise<void> {
  const vips = leaving.filter((vip) => !vip.includes(":"));
  if (!observed.forwards || vips.length === 0) return;
  const answer = await conversation.request(connectionsRequest(connectionPatterns(vips)));
  const usage = readable(answer, vips);
  if (usage === undefined || usage.total === 0) return;
  operation.warn(
    `withdrawn while ${told(usage)} ${usage.total === 1 ? "is" : "are"} open, and this host forwards packets (ip_forward is 1): ` +
      `what the director still sends goes round between the two until its TTL ends; ${STOP_SENDING}`,
  );
}

function readable(answer: string, vips: readonly string[]): Usage | undefined {
  try {
    return parseUsage(answer, vips);
  } catch (error) {
    if (error instanceof UnreadableAnswer) return undefined;
    throw error;
  }
}
