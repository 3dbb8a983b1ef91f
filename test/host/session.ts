import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";
import { join } from "node:path";

import {
  programOf,
  REAL_SERVER_CHANGES,
  REAL_SERVER_PARTS,
  REAL_SERVER_PROGRAM,
} from "../../src/host/scripts";
import { AnswerReader, type Status } from "../../src/protocol/answer";
import { changeRequest } from "../../src/plan/request";
import {
  call,
  COMMIT_REQUEST,
  defineCall,
  openingCommand,
  requestLine,
  type Opening,
} from "../../src/protocol/program";
import { parseObservation, type Observed } from "../../src/observed/observed";
import { plan, type Plan } from "../../src/plan/plan";
import type { Desired } from "../../src/plan/claim";

/** The verb by which a test has something happen in the midst of an operation: see {@link trying}. */
export const TRY = join(__dirname, "try");

/** A real server's program that also has the verb `try`. */
export const TRYING = programOf([...REAL_SERVER_PARTS, TRY]);

/** A call of `try`, with a command for the host's shell. */
export function trying(command: string): string {
  return call("try", command);
}

/** How a session is opened. Defaults: a real server's program, `hold`, a minute. */
export interface SessionOptions extends Pick<Opening, "program" | "mode" | "seconds" | "holder"> {
  readonly vips: readonly string[];
  /** What only a change needs. */
  readonly changes: string;
}

/** What came back for a request; `closed` when the shell ended without an answer. */
export interface Answer {
  readonly status: Status | "closed";
  readonly body: string;
}

/** One run of host.sh, spoken to by pipes and with the package's own requests. */
export class Session {
  readonly notes: string[] = [];
  /** The shell has ended, and nobody holds its stdout any more. */
  readonly closed: Promise<void>;
  stderr = "";
  readonly vips: readonly string[];
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly answers: Answer[] = [];
  private waiting: ((answer: Answer) => void) | undefined;
  private ended = false;
  /** What goes before all that is sent. */
  private defining: string;

  constructor(commandLine: (line: string) => string[], options: Partial<SessionOptions>) {
    this.vips = options.vips ?? [];
    this.defining = `${defineCall(options.changes ?? REAL_SERVER_CHANGES)} && `;
    const nonce = randomBytes(8).toString("hex");
    const opening: Opening = {
      ...{ program: REAL_SERVER_PROGRAM, mode: "hold", seconds: 60, holder: "a test" },
      ...options,
      ...{ subjects: this.vips, nonce, login: { sudo: false } },
    };
    const [program = "", ...args] = commandLine(openingCommand(opening));
    this.child = spawn(program, args);
    const reader = new AnswerReader(nonce);
    this.child.stdin.on("error", () => undefined);
    this.child.stderr.on("data", (chunk: Buffer) => (this.stderr += chunk.toString()));
    this.child.stdout.on("data", (chunk: Buffer) => {
      for (const event of reader.push(chunk)) {
        if (event.kind === "note") this.notes.push(event.text);
        if (event.kind === "answer") this.take({ status: event.status, body: event.body });
      }
    });
    this.closed = new Promise((resolve) => this.child.on("close", () => resolve()));
    void this.closed.then(() => {
      this.ended = true;
      this.take({ status: "closed", body: this.stderr });
    });
  }

  /** The next answer that was not taken yet. */
  async answer(): Promise<Answer> {
    const ready = this.answers.shift();
    if (ready) return ready;
    if (this.ended) return { status: "closed", body: this.stderr };
    return new Promise((resolve) => (this.waiting = resolve));
  }

  /** Sends a request line and waits for its answer. */
  async request(line: string): Promise<Answer> {
    const whole = `${this.defining}${line}`;
    this.defining = "";
    this.write(`${requestLine(whole, true)}\n`);
    return this.answer();
  }

  /** Sends what need not be a whole line. The first defines what a change needs, as the package's does. */
  write(text: string): void {
    this.child.stdin.write(`${this.defining}${text}`);
    this.defining = "";
  }

  /** The first answer as an observation. @throws Error where it is none. */
  async observed(): Promise<Observed> {
    return parseObservation(ok(await this.answer()));
  }

  /** Ends stdin, as the loss of the connection does, and waits for the shell's end. */
  async end(): Promise<void> {
    this.child.stdin.end();
    await this.closed;
  }

  /** Nobody reads any more what the host says. */
  stopReading(): void {
    this.child.stdout.destroy();
  }

  /** Lets nsenter go, which would stop with a shell that stops, and reap it no more. */
  letGo(): void {
    this.child.kill("SIGKILL");
  }

  /** Reads nothing for the time being, though the channel stays. */
  stall(): void {
    this.child.stdout.pause();
  }

  private take(answer: Answer): void {
    const { waiting } = this;
    this.waiting = undefined;
    if (waiting) waiting(answer);
    else this.answers.push(answer);
  }
}

/** The body of an answer that must be good. */
export function ok(answer: Answer): string {
  if (answer.status !== "ok") throw new Error(`${answer.status}: ${answer.body}`);
  return answer.body;
}

/** Brings the host to what is desired, in one session, as the package does. */
export async function carryOut(session: Session, desired: Desired): Promise<Observed> {
  const { request, seen } = await prepare(session, desired);
  let after = seen;
  if (request !== "") {
    after = parseObservation(ok(await session.request(request)));
    const { changes, refusals } = plan(desired, after);
    if (changes.length + refusals.length > 0)
      throw new Error(`left: ${JSON.stringify({ changes, refusals })}`);
    ok(await session.request(COMMIT_REQUEST));
  }
  await session.end();
  return after;
}

/** The request that the package would send, in verbs, so that tests can break it anywhere. */
export async function prepare(
  session: Session,
  desired: Desired,
): Promise<{ request: string; verbs: string[]; needed: Plan; seen: Observed }> {
  const seen = await session.observed();
  const needed = plan(desired, seen);
  if (needed.refusals.length > 0) {
    await session.end();
    throw new Error(needed.refusals.map(({ what }) => what).join("; "));
  }
  const request =
    needed.changes.length === 0 ? "" : changeRequest(needed.changes, needed.guard, session.vips);
  return { request, verbs: request.split(" && "), needed, seen };
}
