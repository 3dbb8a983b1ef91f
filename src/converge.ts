import { Interrupted, converse, type Conversation } from "./host/conversation";
import {
  changeRequest,
  COMMIT_REQUEST,
  giveUpRequest,
  oneLine,
  type Opening,
} from "./host/program";
import { RealServerError, type Aftermath } from "./errors";
import { parseObservation, UnreadableAnswer, type Observed } from "./observed";
import { plan, recordOf, type Change, type Claim, type Desired, type Plan } from "./plan";
import { recordState, report, type ClaimReport } from "./report";
import { dial, type Connection, type Pins, type Transport } from "./ssh";
import { warnings } from "./warnings";

export type { Claim } from "./plan";
export type { Binding } from "./report";
export type { SavedSysctl } from "./sysctl";

/** How to reach a host, how long it may take, and whom to tell. */
export interface Operation {
  readonly connection: Connection;
  /** Host keys pinned on first contact. */
  readonly pins: Pins;
  readonly timeouts: { readonly connectSeconds: number; readonly operationSeconds: number };
  /** Stops the operation; what was not committed is undone by the host. */
  readonly signal: AbortSignal;
  /** A line on what is being done now. */
  progress(text: string): void;
  /** A sentence that people should read, though nothing failed. */
  warn(text: string): void;
}

/** What the host says of a claim, and the keys that it and its bastion have. */
export interface HostReport extends ClaimReport {
  readonly hostKey: string;
  readonly proxyHostKey?: string;
}

/**
 * Makes the host serve the claim: observe, plan, apply, verify, commit.
 *
 * Raises {@link RealServerError}; `aftermath` says whether the host is untouched, rolled back, or
 * not known to be either.
 */
export async function converge(operation: Operation, claim: Claim): Promise<HostReport> {
  const desired: Desired = { kind: "serve", claim, now: new Date().toISOString() };
  return onHost(operation, claim, "hold", async (session, observed) => {
    const needed = plan(desired, observed);
    refuse(needed.refusals);
    for (const text of needed.notes) operation.progress(text);
    for (const text of warnings(claim, recordOf(claim, "").claims, observed)) operation.warn(text);
    const after = await carryOut(session, desired, needed, observed);
    return { ...report(claim, after), ...session.keys };
  });
}

/** What the host is like beside the claim. Changes nothing, but settles an operation that was cut off. */
export async function inspectClaim(operation: Operation, claim: Claim): Promise<HostReport> {
  return onHost(operation, claim, "share", async (session, observed) => {
    for (const text of warnings(claim, recordOf(claim, "").claims, observed)) operation.warn(text);
    return Promise.resolve({ ...report(claim, observed), ...session.keys });
  });
}

/**
 * Takes the claim off the host: its VIPs, its record, and the sysctls that nobody needs any more.
 *
 * `superseded`: a later create on this very host has taken over; nothing was withdrawn. `notes`: what
 * stays on the host, and why.
 */
export async function withdraw(
  operation: Operation,
  claim: Claim,
  options: { readonly sysctls: "restore" | "leave" },
): Promise<{ superseded: boolean; notes: readonly string[] }> {
  const desired: Desired = { kind: "withdraw", claim, now: "-", sysctls: options.sysctls };
  return onHost(operation, claim, "hold", async (session, observed) => {
    if (recordState(claim, observed) === "newer") return { superseded: true, notes: [] };
    const needed = plan(desired, observed);
    refuse(needed.refusals);
    const after = await carryOut(session, desired, needed, observed);
    return { superseded: false, notes: [...needed.notes, ...stillLocal(needed, after)] };
  });
}

/** Proves that the host can be reached with these credentials, as root where sudo is asked for. */
export async function reach(
  operation: Operation,
): Promise<{ hostKey: string; proxyHostKey?: string }> {
  return onHost(operation, undefined, "look", (session) => Promise.resolve(session.keys));
}

interface Session {
  readonly operation: Operation;
  readonly conversation: Conversation;
  readonly vips: readonly string[];
  readonly keys: { readonly hostKey: string; readonly proxyHostKey?: string };
}

async function onHost<Result>(
  operation: Operation,
  claim: Claim | undefined,
  mode: Opening["mode"],
  work: (session: Session, observed: Observed) => Promise<Result>,
): Promise<Result> {
  const { connection, timeouts, pins } = operation;
  let transport: Transport | undefined;
  const limit = new TimeLimit(operation.signal);
  try {
    transport = await dial(connection, {
      ...operation,
      connectSeconds: timeouts.connectSeconds,
      pins,
    });
    limit.start(timeouts.operationSeconds);
    operation.progress("observing");
    const { hostKey, proxyHostKey } = transport;
    const vips = claim?.vips.map((vip) => vip.address) ?? [];
    const { conversation, greeting } = await converse(transport, {
      connection,
      mode,
      // The host gives up first, so that there is time left to ask what became of it.
      seconds: Math.max(1, Math.floor(timeouts.operationSeconds * 0.75)),
      holder: holderOf(claim),
      vips,
      progress: (text) => operation.progress(text),
      signal: limit.signal,
    });
    const keys = { hostKey, ...(proxyHostKey === undefined ? {} : { proxyHostKey }) };
    try {
      return await work({ operation, conversation, vips, keys }, parseObservation(greeting));
    } finally {
      conversation.close();
    }
  } catch (error) {
    throw onThisHost(error, operation, limit);
  } finally {
    limit.stop();
    transport?.close();
  }
}

/** Applies a plan, reads the host back, and commits only when nothing is left to do. */
async function carryOut(
  session: Session,
  desired: Desired,
  needed: Plan,
  observed: Observed,
): Promise<Observed> {
  if (needed.changes.length === 0) return observed;
  const { operation, conversation, vips } = session;
  operation.progress(summary(needed.changes));
  try {
    const body = await conversation.request(changeRequest(needed.changes, needed.guard, vips));
    const after = parseObservation(body);
    const left = plan(desired, after);
    if (left.changes.length > 0 || left.refusals.length > 0) await giveUp(conversation, left);
    operation.progress("verified, committing");
    await conversation.request(COMMIT_REQUEST);
    return after;
  } catch (error) {
    if (!(error instanceof Interrupted) || operation.signal.aborted) throw asUnknown(error);
    return lookAgain(operation, desired, error);
  }
}

/** Every step succeeded, and the host is not as asked for: it undoes them. */
async function giveUp(conversation: Conversation, left: Plan): Promise<never> {
  const missing = [...left.refusals, ...left.changes.map(describe)].join("; ");
  try {
    await conversation.request(giveUpRequest("not converged"));
  } catch (error) {
    if (!(error instanceof RealServerError)) throw error;
    const { aftermath } = error;
    throw new RealServerError("not-converged", `still to be done after all steps: ${missing}`, {
      aftermath,
    });
  }
  throw new RealServerError("not-converged", missing, { aftermath: "unknown" });
}

/**
 * The connection was lost between the first write and the answer to the commit. The host undoes or
 * has committed; ask it which.
 */
async function lookAgain(
  operation: Operation,
  desired: Desired,
  lost: Interrupted,
): Promise<Observed> {
  operation.progress("connection lost; asking the host what became of it");
  const observed = await onHost(operation, desired.claim, "share", (_, found) =>
    Promise.resolve(found),
  ).catch((error: unknown) => {
    const why = error instanceof Error ? error.message : "unknown";
    throw new RealServerError("failed", `${lost.message}, and could not be asked again: ${why}`, {
      aftermath: "unknown",
    });
  });
  if (plan(desired, observed).changes.length === 0) return observed;
  throw new RealServerError("failed", lost.message, { aftermath: "rolled-back" });
}

function asUnknown(error: unknown): unknown {
  if (error instanceof Interrupted || error instanceof UnreadableAnswer)
    return new RealServerError("failed", error.message, { aftermath: "unknown", cause: error });
  return error;
}

function refuse(reasons: readonly string[]): void {
  if (reasons.length > 0) throw new RealServerError("refused", reasons.join("; "));
}

/** Bounds an operation from the moment the host is reached. */
class TimeLimit {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  over = false;
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.controller.signal]);
  }

  start(seconds: number): void {
    this.timer = setTimeout(() => {
      this.over = true;
      this.controller.abort();
    }, seconds * 1000);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

const AFTERMATHS: Record<Aftermath, string> = {
  untouched: "Nothing was touched.",
  "rolled-back": "The host was rolled back to what it was before.",
  unknown:
    "What became of the host is not known; whatever was not committed is undone by the host itself. Run pulumi up again: it finds out and finishes.",
};

/** Every error says where, and what became of the host. */
function onThisHost(error: unknown, operation: Operation, limit: TimeLimit): unknown {
  const { host } = operation.connection;
  if (error instanceof RealServerError) return placed(host, error);
  if (error instanceof UnreadableAnswer)
    return placed(
      host,
      new RealServerError("failed", `cannot be understood: ${oneLine(error.message)}`),
    );
  if (!(error instanceof Interrupted)) return error;
  const { operationSeconds } = operation.timeouts;
  return placed(
    host,
    limit.over
      ? new RealServerError(
          "timed-out",
          `not done within ${operationSeconds} s (timeouts.operationSeconds)`,
        )
      : new RealServerError("failed", error.message),
  );
}

const PLACED = new WeakSet<RealServerError>();

function placed(host: string, error: RealServerError): RealServerError {
  if (PLACED.has(error)) return error;
  const { kind, message, aftermath } = error;
  const where = message.includes(host) ? message : `${host}: ${message}`;
  const full = new RealServerError(kind, `${where}. ${AFTERMATHS[aftermath]}`, {
    aftermath,
    cause: error.cause,
  });
  PLACED.add(full);
  return full;
}

function holderOf(claim: Claim | undefined): string {
  return oneLine(claim?.owner ?? "an inspection").slice(0, 300);
}

function summary(changes: readonly Change[]): string {
  const count = (kind: Change["kind"]) => changes.filter((one) => one.kind === kind).length;
  const parts = [
    [count("write-sysctl"), "setting", "sysctl"],
    [count("bind"), "binding", "VIP"],
    [count("unbind"), "unbinding", "VIP"],
  ] as const;
  const said = parts.flatMap(([number, verb, noun]) =>
    number === 0 ? [] : [`${verb} ${number} ${noun}${number === 1 ? "" : "s"}`],
  );
  return said.join(", ") || "writing the host's record";
}

function describe(change: Change): string {
  switch (change.kind) {
    case "put":
      return `write ${change.file}`;
    case "drop":
      return `remove ${change.file}`;
    case "write-sysctl":
      return `set ${change.interface} ${change.key} from ${change.from} to ${change.to}`;
    case "check-quiet":
      return "check the effective sysctls";
    case "bind":
    case "unbind":
      return `${change.kind} ${change.prefix}`;
  }
}

/** Withdrawn from `lo`, and the host still delivers it to itself: somebody else has it, too. */
function stillLocal(needed: Plan, after: Observed): string[] {
  return needed.changes.flatMap((change) => {
    if (change.kind !== "unbind") return [];
    const address = change.prefix.split("/")[0] ?? "";
    if (!after.local.includes(address)) return [];
    const holder = after.addresses.find((one) => one.address === address);
    return [
      `${address} is still delivered to the host itself${holder ? `, by ${holder.prefix} on ${holder.interface}` : " (see: ip route get " + address + ")"}`,
    ];
  });
}
