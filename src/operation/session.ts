import { setTimeout as pause } from "node:timers/promises";
import { RealServerError, type HostKeys } from "../domain/errors";
import { oneLine } from "../domain/terminal";
import { UnreadableAnswer } from "../protocol/answer";
import {
  converse,
  firstWords,
  Interrupted,
  type Conversation,
  type ConversationOpening,
} from "../protocol/conversation";
import type { Opening } from "../protocol/program";
import type { HostAccess, Transport } from "../transport/transport";
import type { Observer } from "./kind";

/** How to reach a host, how long it may take, and whom to tell. */
export interface Operation extends HostAccess {
  /** Host keys pinned on first contact. */
  readonly pins: HostKeys;
  readonly timeouts: { readonly connectSeconds: number; readonly operationSeconds: number };
  /** Stops the operation; what was not committed is undone by the host. */
  readonly signal: AbortSignal;
  /** A line on what is being done now. */
  progress(text: string): void;
  /** A sentence that people should read, though nothing failed. */
  warn(text: string): void;
}

/** One conversation with one host, which has told of itself. */
export interface Session {
  readonly operation: Operation;
  readonly conversation: Conversation;
  readonly purpose: Purpose;
  /** Has the host itself connect to somewhere. */
  readonly connect: Transport["connect"];
  /** The keys that the host and its bastion proved to have. */
  readonly keys: HostKeys;
  /** What is left of `operationSeconds`. */
  readonly secondsLeft: () => number;
  /** Gives it so many seconds more, for a wait that `operationSeconds` does not count. */
  readonly extend: (seconds: number) => void;
}

/** What a session is for. */
export interface Purpose {
  readonly mode: Opening["mode"];
  /** Who we are, for those who wait for our lock. */
  readonly holder: string;
  /** What every observation is to tell of besides. */
  readonly subjects: readonly string[];
  /** What must hold before a change is committed. Default: nothing but the plan. */
  readonly condition?: Condition | undefined;
}

/** What the host is to be like before a change of it is committed, beside what its own kind observes. */
export interface Condition {
  /** How long it may take to hold. `operationSeconds` does not count it, neither here nor on the host. */
  readonly seconds: number;
  /**
   * Waits until it holds.
   *
   * @throws RealServerError where it does not, and the change is to be undone; Interrupted
   */
  wait(session: Session): Promise<void>;
}

/**
 * Dials, starts the program of a kind of host, does some work with its first observation, and hangs
 * up; what was not committed by then is undone by the host.
 *
 * Raises {@link RealServerError}, whose message says where, and what became of the host.
 */
export async function onHost<Observed, Result>(
  observer: Observer<Observed>,
  operation: Operation,
  purpose: Purpose,
  work: (session: Session, observed: Observed) => Promise<Result>,
): Promise<Result> {
  const { timeouts } = operation;
  let transport: Transport | undefined;
  let limit: TimeLimit | undefined;
  try {
    const opening = openingOf(observer, operation, purpose);
    const first = firstWords(opening);
    transport = await operation.dial({ ...operation, ...timeouts, first: first.command });
    const seconds = timeouts.operationSeconds + secondsOf(purpose.condition);
    limit = timeLimit(seconds, operation.signal);
    const { signal } = limit;
    operation.progress("observing");
    const { conversation, greeting } = await converse(
      transport,
      {
        ...opening,
        progress: (text) => operation.progress(text),
        warn: (text) => operation.warn(text),
        signal,
      },
      first,
    );
    const { keys } = transport;
    const { secondsLeft, extend } = limit;
    const connect: Transport["connect"] = transport.connect.bind(transport);
    const session = { operation, conversation, purpose, connect, keys, secondsLeft, extend };
    return await talk(session, () => work(session, observer.parse(greeting)));
  } catch (error) {
    throw settled(operation, error, limit?.isOver() ?? false, transport?.keys);
  } finally {
    transport?.close();
  }
}

function openingOf(
  { program }: Observer<unknown>,
  { login, timeouts }: Operation,
  purpose: Purpose,
): ConversationOpening {
  return {
    ...purpose,
    holder: oneLine(purpose.holder).slice(0, LONGEST_HOLDER),
    program,
    login,
    seconds: secondsOnHost(timeouts) + secondsOf(purpose.condition),
  };
}

/** How long a condition may take: nothing where there is none. */
export function secondsOf(condition: Condition | undefined): number {
  return condition?.seconds ?? 0;
}

/** After so many the host gives up, and there is time left to ask what became of it. */
export function secondsOnHost({ operationSeconds }: Operation["timeouts"]): number {
  return Math.max(1, Math.floor(operationSeconds * 0.75));
}

/** Ends early when the operation is stopped; the next word with the host says so. */
export async function pauseIn({ signal }: Operation, milliseconds: number): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}

async function talk<Result>(
  { conversation }: Session,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } finally {
    conversation.close();
  }
}

const LONGEST_HOLDER = 300;

/** Bounds an operation from the moment the host is reached. */
interface TimeLimit {
  /** Aborts when the time is over, and when the operation is stopped. */
  readonly signal: AbortSignal;
  readonly secondsLeft: () => number;
  readonly extend: (seconds: number) => void;
  readonly isOver: () => boolean;
}

function timeLimit(seconds: number, outer: AbortSignal): TimeLimit {
  const own = new AbortController();
  let end = performance.now();
  let timer: NodeJS.Timeout | undefined;
  const extend = (more: number) => {
    end += more * 1000;
    clearTimeout(timer);
    timer = setTimeout(() => own.abort(), Math.ceil(end - performance.now())).unref();
  };
  extend(seconds);
  return {
    signal: AbortSignal.any([outer, own.signal]),
    secondsLeft: () => Math.max(0, (end - performance.now()) / 1000),
    extend,
    isOver: () => own.signal.aborted,
  };
}

/** Every error says where, and what became of the host. */
function settled(
  operation: Operation,
  error: unknown,
  timeIsOver: boolean,
  keys: HostKeys | undefined,
): unknown {
  const ours = asOurs(operation, error, timeIsOver);
  return ours instanceof RealServerError ? ours.settledAt(operation.host, keys) : ours;
}

function asOurs(operation: Operation, error: unknown, timeIsOver: boolean): unknown {
  if (timeIsOver && (error instanceof Interrupted || isUnknown(error))) {
    const { operationSeconds } = operation.timeouts;
    const where = error instanceof Interrupted && error.where !== "" ? `: ${error.where}` : "";
    return new RealServerError("timed-out", `not done within ${operationSeconds} s${where}`, {
      remedies: [{ kind: "work-longer" }],
      ...(isUnknown(error) && { aftermath: error.aftermath, cause: error, pins: error.pins }),
    });
  }
  if (error instanceof UnreadableAnswer)
    return new RealServerError("failed", `cannot be understood: ${oneLine(error.message)}`);
  if (!(error instanceof Interrupted)) return error;
  const { message, where } = error;
  return new RealServerError("failed", where === "" ? message : `${message}: ${where}`);
}

function isUnknown(error: unknown): error is RealServerError {
  return error instanceof RealServerError && error.aftermath === "unknown";
}
