import type { WriteStream } from "node:tty";

/** What was seen is not what should be. */
export class Mismatch extends Error {
  override readonly name = "Mismatch";
}

/** @throws Mismatch unless what was seen is what should be */
export function expectSame(what: string, seen: string, wanted: string): void {
  if (seen !== wanted)
    throw new Mismatch(`${what}: wanted ${wanted || "nothing"}, saw ${seen || "nothing"}`);
}

/** Tells on a terminal what is done and what was seen; in colour only where that is one. */
export class Narrator {
  readonly #times: number[] = [];
  #started = performance.now();
  readonly #out: WriteStream;
  readonly #colours: boolean;

  constructor(out: WriteStream) {
    this.#out = out;
    this.#colours = out.isTTY && process.env["NO_COLOR"] === undefined;
  }

  /** How many seconds it took before the first step, and each step, the last one included. */
  get seconds(): readonly number[] {
    return [...this.#times, (performance.now() - this.#started) / 1000];
  }

  /** A line of its own. */
  say(text: string): void {
    this.#out.write(`${text}\n`);
  }

  /** Something besides the story. */
  heading(title: string): void {
    this.say(`\n${this.#paint("1", title)}`);
  }

  /** Starts a step: what is going to be done. */
  step(title: string): void {
    const now = performance.now();
    this.#times.push((now - this.#started) / 1000);
    this.#started = now;
    this.heading(`${this.#times.length}. ${title}`);
  }

  /** What is done within a step. */
  doing(text: string): void {
    this.say(`   ${text}`);
  }

  /** What was seen, which is what should be. */
  saw(text: string): void {
    this.say(`   ${this.#paint("32", "ok")} ${text}`);
  }

  /** What somebody else printed, word for word. */
  quote(source: string, text: string): void {
    this.say(`   ${this.#paint("36", source)}`);
    for (const line of text.split("\n").filter((one) => one.trim() !== "")) {
      this.say(`     ${line.trim()}`);
    }
  }

  /** Columns as wide as their widest cell; numbers to the right. */
  table(rows: readonly (readonly string[])[]): void {
    const widths = (rows[0] ?? []).map((_, at) => Math.max(...rows.map((row) => row[at]!.length)));
    for (const row of rows) {
      const cells = row.map((cell, at) => {
        const isNumber = rows.slice(1).some((one) => /^\d+$/.test(one[at]!)) && at > 0;
        return isNumber ? cell.padStart(widths[at] ?? 0) : cell.padEnd(widths[at] ?? 0);
      });
      this.say(`     ${cells.join("  ").trimEnd()}`);
    }
  }

  /** Ends the story badly. */
  failed(text: string): void {
    this.say(`   ${this.#paint("31", "FAILED")} ${text}`);
  }

  /**
   * What comes after the story: nothing may remain.
   * @returns the status to exit with
   */
  async epilogue(title: string, act: () => Promise<readonly string[]>): Promise<number> {
    this.heading(title);
    const remains = await act();
    if (remains.length > 0) {
      this.failed(`left behind: ${remains.join(", ")}`);
      return 1;
    }
    this.saw("no namespace, interface, process or file of it is left");
    return 0;
  }

  #paint(code: string, text: string): string {
    return this.#colours ? `\x1b[${code}m${text}\x1b[0m` : text;
  }
}
