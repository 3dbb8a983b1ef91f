import { arrivals, type Usage } from "../observed/connections";

/** How connections are waited for before a VIP is withdrawn. */
export interface DrainPolicy {
  /** How long at most, in seconds. `operationSeconds` does not count it. */
  readonly timeoutSeconds: number;
  /** What becomes of those that are left then. */
  readonly onTimeout: "withdraw" | "fail";
}

/** What a drain has counted so far. Times are in milliseconds, of one clock. */
export interface DrainTally {
  /** The last count. */
  readonly usage: Usage;
  /** When waiting ends: the time runs from the first connection seen. Infinity while none was. */
  readonly end: number;
  /** How many connections came since the first count. */
  readonly arrived: number;
  /** When the last of them was counted; -Infinity while none was. */
  readonly lastArrival: number;
}

/** What a drain does after a count, and the words for it. */
export type DrainVerdict =
  /** Nobody uses the VIPs. `warning` where new connections came until now. */
  | { readonly kind: "unused"; readonly warning?: string }
  /** They are in use, and there are so many milliseconds left to wait. */
  | { readonly kind: "wait"; readonly milliseconds: number; readonly progress: string }
  /** The time is over, and the connections that are left are cut. */
  | { readonly kind: "cut"; readonly warning: string }
  /** The VIPs stay: connections cannot be counted, or are not to be cut. */
  | {
      readonly kind: "give-up";
      readonly error: "refused" | "timed-out";
      readonly message: string;
    };

/** The tally after one count more, or after the first one. */
export function withCount(
  tally: DrainTally | undefined,
  usage: Usage,
  policy: DrainPolicy,
  now: number,
): DrainTally {
  const news = tally === undefined ? 0 : arrivals(tally.usage, usage);
  const { end = Infinity, arrived = 0, lastArrival = -Infinity } = tally ?? {};
  return {
    usage,
    end: end === Infinity && usage.total > 0 ? now + policy.timeoutSeconds * 1000 : end,
    arrived: arrived + news,
    lastArrival: news > 0 ? now : lastArrival,
  };
}

/** What follows from a tally. */
export function verdictOn(tally: DrainTally, policy: DrainPolicy, now: number): DrainVerdict {
  const { usage, end } = tally;
  if (usage.blind) return { kind: "give-up", error: "refused", message: UNCOUNTABLE };
  const newOnes = stillComing(tally, now);
  if (usage.total === 0)
    return { kind: "unused", ...(newOnes && { warning: `no connection is left, but ${newOnes}` }) };
  if (now < end) {
    const warning = newOnes && `; new ones come: ${STOP_SENDING}`;
    const seconds = Math.ceil((end - now) / 1000);
    const progress = `draining ${connections(usage)}, at most ${seconds} s more${warning}`;
    return { kind: "wait", milliseconds: end - now, progress };
  }
  const left = `${connections(usage)} ${usage.total === 1 ? "was" : "were"} left after draining for ${policy.timeoutSeconds} s`;
  const also = newOnes && `; ${newOnes}`;
  if (policy.onTimeout === "withdraw") return { kind: "cut", warning: `${left}, cut now${also}` };
  return { kind: "give-up", error: "timed-out", message: `${left}${also}. ${INSTEAD}` };
}

/**
 * The warning where VIPs are withdrawn that connections use, on a host that forwards: it sends what it
 * has no address for back to the director, which sends it to the host again, until the packet's TTL
 * ends. Undefined where nobody uses them.
 */
export function loopWarning(usage: Usage): string | undefined {
  if (usage.total === 0) return undefined;
  return (
    `withdrawn while ${connections(usage)} ${usage.total === 1 ? "is" : "are"} open, and this host forwards packets (ip_forward is 1): ` +
    `what the director still sends goes round between the two until its TTL ends; ${STOP_SENDING}`
  );
}

const RECENT_MILLISECONDS = 5000;

const STOP_SENDING = "set its weight for this host to 0 first";

const INSTEAD =
  'Run it again, raise drain.timeoutSeconds, or set drain.onTimeout to "withdraw", which cuts them';

const UNCOUNTABLE =
  "connections cannot be counted: addresses are translated here (DNAT), and conntrack cannot be read; " +
  "install the tool conntrack on the host, or take the input drain away";

/** New connections until now, and not only at first: such a drain would never end. Else empty. */
function stillComing({ arrived, lastArrival }: DrainTally, now: number): string {
  if (now - lastArrival > RECENT_MILLISECONDS) return "";
  return `${counted(arrived, "new one")} came meanwhile: the director has not stopped sending, ${STOP_SENDING}`;
}

/** `12 connections (203.0.113.10: 9, 203.0.113.11: 3)` */
function connections({ total, byVip }: Usage): string {
  const each = [...(byVip ?? [])].map(([vip, number]) => `${vip}: ${number}`);
  return `${counted(total, "connection")}${each.length === 0 ? "" : ` (${each.join(", ")})`}`;
}

function counted(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
