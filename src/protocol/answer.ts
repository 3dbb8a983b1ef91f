/** An answer that cannot be what `host.sh` prints: cut, garbled, or of another version. */
export class UnreadableAnswer extends Error {
  override readonly name = "UnreadableAnswer";
}

/** How a request ended, as `host.sh` says it. */
export type Status =
  | "ok"
  /** A verb failed and everything was undone. */
  | "rolled-back"
  /** A verb failed and not everything could be undone. */
  | "stuck"
  /** Nothing was begun. */
  | "failed"
  | "busy"
  | "unsupported"
  | "privilege";

/** The login shell runs our line; a shell runs; it could not unpack its program, and wants it as a line. */
export type Milestone = (typeof MILESTONES)[number];

const MILESTONES = ["login", "program", "wanted"] as const;

/** What a conversation's stream says. */
export type AnswerEvent =
  /** `lasting`: people should still see it when the operation is over. */
  | { readonly kind: "note"; readonly text: string; readonly lasting: boolean }
  | { readonly kind: "answer"; readonly status: Status; readonly body: string }
  /** The opening command got so far; `word` is what it tells besides. */
  | { readonly kind: "stage"; readonly stage: Milestone; readonly word: string }
  /** What stands outside of an answer: a banner, a chatty profile. */
  | { readonly kind: "noise"; readonly text: string };

const STATUSES: readonly string[] = [
  "ok",
  "rolled-back",
  "stuck",
  "failed",
  "busy",
  "unsupported",
  "privilege",
] satisfies Status[];

const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Cuts a host's stdout into answers. What stands outside of one (a banner, a chatty profile) is
 * passed over; an answer counts only with the conversation's nonce and its body's length.
 */
export class AnswerReader {
  private rest = "";
  private body: string[] | undefined;
  private size = 0;

  constructor(private readonly nonce: string) {}

  /** Takes what came, gives what is complete. Throws {@link UnreadableAnswer}. */
  push(chunk: Buffer): AnswerEvent[] {
    this.size += chunk.length;
    if (this.size > MOST_BYTES) throw new UnreadableAnswer("the answer does not end");
    // One character a byte, so that the length is of what was sent.
    const lines = (this.rest + chunk.toString("latin1")).split("\n");
    this.rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.take(line));
  }

  /** What came of a line whose end has not come. */
  get unfinished(): string {
    return utf8(this.rest);
  }

  private take(line: string): AnswerEvent[] {
    const [nonce, word = "", ...rest] = line.split(" ");
    if (nonce !== this.nonce) {
      if (this.body === undefined) return [{ kind: "noise", text: utf8(`${line}\n`) }];
      this.body.push(line);
      return [];
    }
    if (word === "note" || word === "warning")
      return [{ kind: "note", text: utf8(rest.join(" ")), lasting: word === "warning" }];
    if (this.body === undefined && isMilestone(word))
      return [{ kind: "stage", stage: word, word: utf8(rest.join(" ")) }];
    if (word === "begin" && this.body === undefined) {
      this.body = [];
      return [];
    }
    return [this.end(word, rest.join(" "))];
  }

  private end(status: string, length: string): AnswerEvent {
    const { body } = this;
    if (body === undefined || !isStatus(status)) throw new UnreadableAnswer(`status ${status}`);
    this.body = undefined;
    this.size = 0;
    const text = body.join("\n");
    if (length !== `${text.length}`)
      throw new UnreadableAnswer(`it has ${text.length} bytes, and ${length} were sent`);
    return { kind: "answer", status, body: utf8(text) };
  }
}

function isMilestone(text: string): text is Milestone {
  return (MILESTONES as readonly string[]).includes(text);
}

function isStatus(text: string): text is Status {
  return STATUSES.includes(text);
}

function utf8(latin1: string): string {
  return Buffer.from(latin1, "latin1").toString("utf8");
}
