import { RealServerError } from "../domain/errors";
import { lastWords } from "../domain/terminal";
import type { Login } from "../transport/transport";
import { sudoPrompt } from "./program";

/**
 * How far the opening command got. `connected`: the login shell has not said a word of ours; `login`:
 * it ran our line; `program`: a shell runs our program, as root where sudo was asked for.
 */
export type Stage = "connected" | "login" | "program";

/** What the way from the login to our program may do to the channel. */
export interface ArrivalActions {
  /** Answers sudo. */
  write(text: string): void;
  /** Gives up: nothing more will come of it. */
  fail(error: RealServerError): void;
}

const MOST_HEARD = 4096;
/** A text without a line end after which nothing comes for so long waits for an answer. */
const PROMPT_MILLISECONDS = 1500;

/**
 * The way from the login to our program: login shell, sudo, shell. Each may print what it likes, end,
 * or ask for something; whose doing it is shows by how far we got.
 */
export class Arrival {
  private stage: Stage = "connected";
  private shell = "";
  private readonly heard = { stdout: "", stderr: "" };
  /** What came on stderr since sudo was last answered, or since it was started. */
  private asking = "";
  private answered = false;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly nonce: string,
    private readonly login: Login,
    private readonly actions: ArrivalActions,
  ) {}

  /** A line of ours came: `login SHELL`, `program`. */
  reached(stage: "login" | "program", word: string): void {
    this.stage = stage;
    this.asking = "";
    clearTimeout(this.timer);
    if (stage === "login") this.shell = word;
  }

  /** Something came that is not ours. */
  hear(from: "stdout" | "stderr", text: string): void {
    this.heard[from] = (this.heard[from] + text).slice(-MOST_HEARD);
    if (from !== "stderr" || this.stage === "program" || !this.login.sudo) return;
    clearTimeout(this.timer);
    this.asking += text;
    const at = this.asking.indexOf(sudoPrompt(this.nonce));
    if (at >= 0) {
      this.answer(this.asking.slice(0, at));
      return;
    }
    if (this.stage === "login" && isUnfinished(this.asking))
      this.timer = setTimeout(() => this.actions.fail(this.foreignPrompt()), PROMPT_MILLISECONDS);
  }

  /** It is over, one way or the other. */
  end(): void {
    clearTimeout(this.timer);
  }

  /**
   * Why our program never came to answer, though the channel ended in order.
   *
   * @param unfinished what came on stdout since the last line end
   */
  failure(status: number, unfinished: string): RealServerError {
    const { user, sudo } = this.login;
    this.hear("stdout", unfinished);
    const why = `it ended with status ${status}${this.saying()}`;
    switch (this.stage) {
      case "connected":
        return new RealServerError(
          "failed",
          `the login shell of ${user} did not run our command: ${why}. ` +
            `Is a command forced on this login (authorized_keys, ForceCommand), or is the account not for logins (nologin, expired, maxlogins)?`,
        );
      case "login":
        return sudo ? this.sudoFailure(status) : this.shellFailure(why);
      case "program":
        return new RealServerError("failed", `the remote shell did not answer: ${why}`);
    }
  }

  /** Where it stands while nothing comes, as a phrase; empty once our program runs. */
  where(unfinished: string): string {
    this.hear("stdout", unfinished);
    switch (this.stage) {
      case "connected":
        return `the login shell of ${this.login.user} has not run our command${this.saying()}`;
      case "login":
        return `${this.login.sudo ? "sudo" : this.shellName()} has not started our program${this.saying()}`;
      case "program":
        return "";
    }
  }

  /** The password goes only to the prompt that we named, and once. */
  private answer(before: string): void {
    const { sudoPassword } = this.login;
    this.asking = "";
    if (!this.answered && sudoPassword !== undefined) {
      this.answered = true;
      this.actions.write(`${sudoPassword}\n`);
      return;
    }
    this.actions.fail(before.trim() === "" ? secondFactor() : wrongPassword(before));
  }

  private foreignPrompt(): RealServerError {
    const prompt = lastWords(lastLine(this.asking));
    const what = `sudo asks "${prompt}", and not with the prompt that it was given`;
    const hint = this.answered
      ? "a second factor cannot be answered here"
      : "a second factor cannot be answered here; a password can, unless sudoers has !passprompt_override";
    return new RealServerError("privilege", `${what}: ${hint}`);
  }

  private sudoFailure(status: number): RealServerError {
    const { user } = this.login;
    const why = `sudo ended with status ${status}${this.saying()}`;
    if (this.answered) {
      const remedies = [{ kind: "mend-sudo-password" as const }];
      return new RealServerError("privilege", `${why}, once it had the password`, { remedies });
    }
    if (hasNoPromptOption(this.heard.stderr)) {
      const what = `${why}; it has no option -p (sudo-rs before 0.2.5): update it, or let ${user} run sh without a password`;
      return new RealServerError("privilege", what);
    }
    return new RealServerError("privilege", `${why}; sudo must let ${user} run sh`);
  }

  private shellFailure(why: string): RealServerError {
    const what = `${this.shellName()} could not start sh: ${why}. A POSIX shell, csh or fish can; a restricted one cannot.`;
    return new RealServerError("failed", what);
  }

  private shellName(): string {
    return `the login shell${this.shell === "" ? "" : ` ${lastWords(this.shell)}`}`;
  }

  /** The last words, of both streams: which of the two somebody takes is anybody's guess. */
  private saying(): string {
    const words = [this.heard.stdout, this.heard.stderr]
      .map(lastWords)
      .filter((text) => text !== "");
    return words.length === 0 ? "" : `, saying: ${words.join(" / ")}`;
  }
}

function wrongPassword(said: string): RealServerError {
  return new RealServerError("privilege", `sudo did not accept the password: ${lastWords(said)}`, {
    remedies: [{ kind: "mend-sudo-password" }],
  });
}

function secondFactor(): RealServerError {
  const what =
    "sudo asks a second time and does not say that the password was wrong: a second factor, which cannot be answered here";
  return new RealServerError("privilege", what);
}

function isUnfinished(text: string): boolean {
  return lastLine(text).trim() !== "";
}

function lastLine(text: string): string {
  return text.slice(text.lastIndexOf("\n") + 1);
}

/** sudo-rs 0.2.4 and before: "unknown option" or the like, with the option's name. */
function hasNoPromptOption(stderr: string): boolean {
  return /(unknown|unexpected|unrecognized|invalid|illegal)\b.*['"\s]-{0,2}p\b/i.test(stderr);
}
