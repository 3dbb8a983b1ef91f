import { randomBytes } from "node:crypto";
import { RealServerError } from "../domain/errors";
import { oneLine } from "../domain/terminal";
import type { Channel, Login, Transport } from "../transport/transport";
import { AnswerReader, type AnswerEvent, type Status } from "./answer";
import { Arrival } from "./arrival";
import {
  openingCommand,
  programLine,
  requestLine,
  shortOpeningCommand,
  type Opening,
} from "./program";

/** What a conversation says first. */
export interface ConversationOpening extends Omit<Opening, "nonce" | "login"> {
  readonly login: Login;
}

/** What a conversation is opened with. */
export interface ConversationOptions extends ConversationOpening {
  /** Progress that the host tells of: waiting for a lock, undoing what was cut off. */
  progress(text: string): void;
  /** What the host found and people should know: a registry of another machine, a value that stays. */
  warn(text: string): void;
  /** Closes the channel; the host undoes what was not committed. */
  readonly signal: AbortSignal;
}

/** One remote shell: requests go in, each gets one answer. */
export interface Conversation {
  /** Aborts when the conversation ends, however it does, with the error that a request would have. */
  readonly ended: AbortSignal;
  /**
   * Sends one request line and waits for its answer's body.
   *
   * Raises {@link RealServerError} `failed` with what became of the host, or {@link Interrupted}.
   */
  request(line: string): Promise<string>;
  /** Ends the shell, which undoes what was not committed. */
  close(): void;
}

/** The channel was closed, by whomever, while an answer was due, or that answer cannot be read: the outcome is not known. */
export class Interrupted extends Error {
  override readonly name = "Interrupted";

  constructor(
    message: string,
    /** What was waited for, where our program was not running yet; else empty. */
    readonly where = "",
  ) {
    super(message);
  }
}

/**
 * Starts the host's program over a transport and reads its first answer, an observation.
 *
 * Raises {@link RealServerError} of kind `privilege`, `unsupported`, `busy`, `failed`, and
 * {@link Interrupted} where the connection was lost.
 */
export async function converse(
  transport: Transport,
  options: ConversationOptions,
  { nonce, command }: FirstWords = firstWords(options),
): Promise<{ conversation: Conversation; greeting: string }> {
  const fits = Buffer.byteLength(command) <= transport.longestCommand;
  const opening = fits ? command : shortOpeningCommand({ ...options, nonce });
  const shell = new RemoteShell(await transport.exec(opening), nonce, options);
  return { conversation: shell, greeting: await shell.greeting };
}

/** How a conversation begins, on a server that takes commands of any length. */
export interface FirstWords {
  readonly nonce: string;
  readonly command: string;
}

/** Makes a conversation's first words, for who has to know them before there is a transport. */
export function firstWords(opening: ConversationOpening): FirstWords {
  const nonce = randomBytes(12).toString("hex");
  return { nonce, command: openingCommand({ ...opening, nonce }) };
}

class RemoteShell implements Conversation {
  /** The answer to what started the shell. */
  readonly greeting: Promise<string>;
  private readonly reader: AnswerReader;
  private readonly arrival: Arrival;
  private waiting: { resolve(body: string): void; reject(error: Error): void } | undefined;
  private greeted = false;
  /** It has unpacked its program. */
  private unpacks = true;
  private readonly end = new AbortController();
  readonly ended = this.end.signal;

  constructor(
    private readonly channel: Channel,
    nonce: string,
    private readonly options: ConversationOptions,
  ) {
    this.reader = new AnswerReader(nonce);
    this.arrival = new Arrival(nonce, options.login, {
      write: (text) => void channel.stdin.write(text),
      fail: (error) => this.finish(error),
    });
    channel.stdout.on("data", (chunk: Buffer) => this.take(chunk));
    channel.stderr.on("data", (chunk: Buffer) => {
      if (!this.greeted) this.arrival.hear("stderr", chunk.toString("utf8"));
    });
    // A broken pipe is told by `closed`, too.
    channel.stdin.on("error", () => undefined);
    const abort = () =>
      this.finish(new Interrupted("the operation was stopped", this.greeted ? "" : this.where()));
    options.signal.addEventListener("abort", abort, { once: true });
    void channel.closed.then(({ code }) => {
      options.signal.removeEventListener("abort", abort);
      this.finish(this.closedError(code));
    });
    this.greeting = this.expect();
    this.greeting.catch(() => undefined);
    if (options.signal.aborted) abort();
  }

  async request(line: string): Promise<string> {
    const answer = this.expect();
    this.channel.stdin.write(`${requestLine(line, this.unpacks)}\n`);
    return answer;
  }

  close(): void {
    this.finish(new Interrupted("closed"));
  }

  private expect(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.ended.aborted) reject(this.ended.reason as Error);
      else this.waiting = { resolve, reject };
    });
  }

  private take(chunk: Buffer): void {
    try {
      for (const event of this.reader.push(chunk)) this.handle(event);
    } catch (error) {
      const reason = error instanceof Error ? error.message : "unknown";
      const text = `the host's answer cannot be read: ${oneLine(reason)}`;
      // To a request, a garbled "ok" may be a commit's; before the first answer nothing was asked.
      this.finish(this.greeted ? new Interrupted(text) : new RealServerError("failed", text));
    }
  }

  private handle(event: AnswerEvent): void {
    switch (event.kind) {
      case "noise":
        if (!this.greeted) this.arrival.hear("stdout", event.text);
        return;
      case "stage":
        if (event.stage === "wanted") this.sendProgram();
        else this.arrival.reached(event.stage, event.word);
        return;
      case "note":
        if (event.lasting) this.options.warn(oneLine(event.text));
        else this.options.progress(oneLine(event.text));
        return;
      case "answer":
        this.settle(event.status, event.body);
    }
  }

  private sendProgram(): void {
    this.unpacks = false;
    this.channel.stdin.write(programLine(this.options));
  }

  private settle(status: Status, body: string): void {
    this.greeted = true;
    const { waiting } = this;
    this.waiting = undefined;
    if (status === "ok") waiting?.resolve(body);
    else waiting?.reject(statusError(status, oneLine(body), this.options.login.user));
  }

  private finish(error: Error): void {
    if (this.ended.aborted) return;
    this.end.abort(error);
    this.arrival.end();
    this.waiting?.reject(error);
    this.channel.stdin.end();
    this.channel.close();
  }

  private closedError(code: number | undefined): Error {
    if (this.greeted) return new Interrupted("the connection was lost");
    return code === undefined
      ? new Interrupted("the connection was lost", this.where())
      : this.arrival.failure(code, this.reader.unfinished);
  }

  private where(): string {
    return this.arrival.where(this.reader.unfinished);
  }
}

function statusError(status: Exclude<Status, "ok">, body: string, user: string): RealServerError {
  switch (status) {
    case "busy":
      return new RealServerError(
        "busy",
        `another operation holds the host's lock: ${body}; try again later`,
      );
    case "unsupported":
      return new RealServerError("unsupported", unsupported(body));
    case "privilege":
      return new RealServerError("privilege", `${user} is not root there (${body})`, {
        remedies: [{ kind: "become-root" }],
      });
    case "rolled-back":
      return new RealServerError("failed", body, { aftermath: "rolled-back" });
    case "stuck":
      return new RealServerError("failed", body, { aftermath: "unknown" });
    case "failed":
      return new RealServerError("failed", body);
  }
}

function unsupported(body: string): string {
  const missing = /^missing (.+)$/.exec(body)?.[1];
  if (missing === undefined) return `the host's sshd sets no SSH_CONNECTION (${body})`;
  return `the host lacks ${missing.split(" ").join(" and ")}: install what it is part of (iproute2, util-linux, coreutils or busybox; a director: ipvsadm)`;
}
