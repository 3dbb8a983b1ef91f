import { Interrupted, converse, type Conversation } from "../protocol/conversation";
import { oneLine, type Opening } from "../protocol/program";
import { RealServerError, type Aftermath } from "../domain/errors";
import { parseObservation, type Observed } from "../observed/observed";
import { UnreadableAnswer } from "../protocol/answer";
import { dial, type Pins, type Transport } from "../transport/ssh2/ssh2";
import type { Connection } from "../transport/connection";

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

/** The keys that a host and its bastion proved to have. */
export interface HostKeys {
  readonly hostKey: string;
  readonly proxyHostKey?: string;
}

/** One conversation with one host, which has told of itself. */
export interface Session {
  readonly operation: Operation;
  readonly conversation: Conversation;
  /** Addresses whose local delivery every observation tells. */
  readonly vips: readonly string[];
  readonly keys: HostKeys;
  /** What is left of `operationSeconds`. */
  readonly secondsLeft: () => number;
}

/** What a session is for. */
export interface Purpose {
  readonly mode: Opening["mode"];
  /** Who we are, for those who wait for our lock. */
  readonly holder: string;
  readonly vips: readonly string[];
}

/**
 * Dials, starts the host's program, does some work with its first observation, and hangs up; what
 * was not committed by then is undone by the host.
 *
 * Raises {@link RealServerError}, whose message says where, and what became of the host.
 */
export async function onHost<Result>(
  operation: Operation,
  purpose: Purpose,
  work: (session: Session, observed: Observed) => Promise<Result>,
): Promise<Result> {
  const { timeouts } = operation;
  const limit = new TimeLimit(operation.signal);
  let transport: Transport | undefined;
  try {
    transport = await dial(operation.connection, { ...operation, ...timeouts });
    limit.start(timeouts.operationSeconds);
    return await talk(operation, purpose, transport, limit, work);
  } catch (error) {
    throw placed(operation, error, limit.over, transport && keysOf(transport));
  } finally {
    limit.stop();
    transport?.close();
  }
}

async function talk<Result>(
  operation: Operation,
  purpose: Purpose,
  transport: Transport,
  limit: TimeLimit,
  work: (session: Session, observed: Observed) => Promise<Result>,
): Promise<Result> {
  const { connection, timeouts } = operation;
  operation.progress("observing");
  const { conversation, greeting } = await converse(transport, {
    ...purpose,
    holder: oneLine(purpose.holder).slice(0, LONGEST_HOLDER),
    connection,
    // The host gives up first, so that there is time left to ask what became of it.
    seconds: Math.max(1, Math.floor(timeouts.operationSeconds * 0.75)),
    progress: (text) => operation.progress(text),
    warn: (text) => operation.warn(text),
    signal: limit.signal,
  });
  try {
    const session = {
      ...{ operation, conversation, vips: purpose.vips, keys: keysOf(transport) },
      secondsLeft: () => limit.secondsLeft(),
    };
    return await work(session, parseObservation(greeting));
  } finally {
    conversation.close();
  }
}

const LONGEST_HOLDER = 300;

function keysOf({ hostKey, proxyHostKey }: Transport): HostKeys {
  return { hostKey, ...(proxyHostKey !== undefined && { proxyHostKey }) };
}

/** Bounds an operation from the moment the host is reached. */
class TimeLimit {
  private readonly controller = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private end = 0;
  over = false;
  readonly signal: AbortSignal;

  constructor(outer: AbortSignal) {
    this.signal = AbortSignal.any([outer, this.controller.signal]);
  }

  start(seconds: number): void {
    this.end = performance.now() + seconds * 1000;
    this.timer = setTimeout(() => {
      this.over = true;
      this.controller.abort();
    }, seconds * 1000);
  }

  secondsLeft(): number {
    return Math.max(0, (this.end - performance.now()) / 1000);
  }

  stop(): void {
    clearTimeout(this.timer);
  }
}

const AFTERMATHS: Record<Aftermath, string> = {
  untouched: "Nothing was touched.",
  "rolled-back": "The host was rolled back to what it was before.",
  unknown:
    "What became of the host is not known; whatever was not committed is undone by the host itself. Do the same again: it finds out, and finishes.",
};

/** The errors that were placed, and what they said before it was added what became of the host. */
const PLACED = new WeakMap<RealServerError, string>();

/** An error's own first words, for another error that tells of it. */
export function firstWords(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  const said = error instanceof RealServerError ? PLACED.get(error) : undefined;
  return (said ?? error.message).split("\n")[0] ?? "";
}

/** Every error says where, and what became of the host; once. */
function placed(
  operation: Operation,
  error: unknown,
  timeIsOver: boolean,
  keys: HostKeys | undefined,
): unknown {
  const ours = asOurs(operation, error, timeIsOver);
  if (!(ours instanceof RealServerError) || PLACED.has(ours)) return ours;
  const { host } = operation.connection;
  const { kind, message, aftermath, cause } = ours;
  const where = message.includes(host) ? message : `${host}: ${message}`;
  const sentence = /[.!?]$/.test(where) ? where : `${where}.`;
  const full = new RealServerError(kind, `${sentence} ${AFTERMATHS[aftermath]}`, {
    aftermath,
    cause,
    pins: { ...ours.pins, ...keys },
  });
  PLACED.set(full, where);
  return full;
}

function asOurs(operation: Operation, error: unknown, timeIsOver: boolean): unknown {
  const { operationSeconds } = operation.timeouts;
  if (timeIsOver && (error instanceof Interrupted || isUnknown(error))) {
    const message = `not done within ${operationSeconds} s (timeouts.operationSeconds)`;
    return new RealServerError("timed-out", message, isUnknown(error) ? error : {});
  }
  if (error instanceof UnreadableAnswer)
    return new RealServerError("failed", `cannot be understood: ${oneLine(error.message)}`);
  return error instanceof Interrupted ? new RealServerError("failed", error.message) : error;
}

function isUnknown(error: unknown): error is RealServerError {
  return error instanceof RealServerError && error.aftermath === "unknown";
}
