import { randomBytes } from "node:crypto";
import { RealServerError } from "../domain/errors";
import type { Channel, Login, Transport } from "../transport/transport";
import { AnswerReader, type AnswerEvent, type Status } from "./answer";
import { oneLine, openingCommand, sudoPrompt, type Opening } from "./program";

/** What a conversation is opened with. */
export interface ConversationOptions extends Omit<Opening, "nonce" | "login"> {
  readonly login: Login;
  /** Progress that the host tells of: waiting for a lock, undoing what was cut off. */
  progress(text: string): void;
  /** What the host found and people should know: a registry of another machine, a value that stays. */
  warn(text: string): void;
  /** Closes the channel; the host undoes what was not committed. */
  readonly signal: AbortSignal;
}

/** One remote shell: requests go in, each gets one answer. */
export interface Conversation {
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
): Promise<{ conversation: Conversation; greeting: string }> {
  const { login } = options;
  const nonce = randomBytes(12).toString("hex");
  const channel = await transport.exec(openingCommand({ ...options, nonce }));
  const shell = new RemoteShell(channel, nonce, options);
  if (login.sudo && login.sudoPassword !== undefined)
    shell.answerPrompt(sudoPrompt(nonce), login.sudoPassword);
  const greeting = await shell.answer();
  return { conversation: shell, greeting };
}

class RemoteShell implements Conversation {
  private readonly reader: AnswerReader;
  private waiting: { resolve(body: string): void; reject(error: Error): void } | undefined;
  private early: Promise<string> | undefined;
  private greeted = false;
  private stderr = "";
  private ended: Error | undefined;

  constructor(
    private readonly channel: Channel,
    nonce: string,
    private readonly options: ConversationOptions,
  ) {
    this.reader = new AnswerReader(nonce);
    channel.stdout.on("data", (chunk: Buffer) => this.take(chunk));
    channel.stderr.on("data", (chunk: Buffer) => {
      this.stderr = (this.stderr + chunk.toString("utf8")).slice(-4096);
    });
    // A broken pipe is told by `closed`, too.
    channel.stdin.on("error", () => undefined);
    const abort = () => this.finish(new Interrupted("the operation was stopped"));
    options.signal.addEventListener("abort", abort, { once: true });
    void channel.closed.then(({ code }) => {
      options.signal.removeEventListener("abort", abort);
      this.finish(this.closedError(code));
    });
    this.early = this.expect();
    this.early.catch(() => undefined);
    if (options.signal.aborted) abort();
  }

  /** The answer to what started the shell. */
  async answer(): Promise<string> {
    const early = this.early ?? this.expect();
    this.early = undefined;
    return early;
  }

  async request(line: string): Promise<string> {
    const answer = this.expect();
    this.channel.stdin.write(`${line}\n`);
    return answer;
  }

  close(): void {
    this.finish(new Interrupted("closed"));
  }

  /** Sends the password only to the prompt that we named, once: a second one means it was wrong. */
  answerPrompt(prompt: string, password: string): void {
    let seen = "";
    let asked = 0;
    this.channel.stderr.on("data", (chunk: Buffer) => {
      seen += chunk.toString("latin1");
      for (let at = seen.indexOf(prompt); at >= 0; at = seen.indexOf(prompt)) {
        seen = seen.slice(at + prompt.length);
        asked += 1;
        if (asked === 1) this.channel.stdin.write(`${password}\n`);
        else this.finish(wrongPassword());
      }
      seen = seen.slice(-prompt.length);
    });
  }

  private expect(): Promise<string> {
    return new Promise((resolve, reject) => {
      if (this.ended) reject(this.ended);
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
    if (event.kind === "note") {
      if (event.lasting) this.options.warn(oneLine(event.text));
      else this.options.progress(oneLine(event.text));
      return;
    }
    this.greeted = true;
    const { waiting } = this;
    this.waiting = undefined;
    if (event.status === "ok") waiting?.resolve(event.body);
    else waiting?.reject(statusError(event.status, oneLine(event.body), this.options.login.user));
  }

  private finish(error: Error): void {
    if (this.ended) return;
    this.ended = error;
    this.waiting?.reject(error);
    this.channel.stdin.end();
    this.channel.close();
  }

  private closedError(code: number | undefined): Error {
    if (this.greeted || code === undefined) return new Interrupted("the connection was lost");
    const said = oneLine(this.stderr).trim().slice(-300);
    const why = `the remote shell ended with status ${code} before it answered${said && `: ${said}`}`;
    // Before the first answer, sudo is what stands between the login shell and ours.
    const { user, sudo } = this.options.login;
    return sudo
      ? new RealServerError("privilege", `${why}; sudo must let ${user} run sh`)
      : new RealServerError("failed", why);
  }
}

function wrongPassword(): RealServerError {
  return new RealServerError("privilege", "sudo did not accept the password", {
    remedies: [{ kind: "mend-sudo-password" }],
  });
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
  return `the host lacks ${missing.split(" ").join(" and ")}: install what it is part of (iproute2, util-linux, coreutils or busybox)`;
}
