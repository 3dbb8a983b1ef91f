import { spawn, type ChildProcessWithoutNullStreams } from "node:child_process";
import { randomBytes } from "node:crypto";

import type { LabHost } from "../../lab/host";

/**
 * A root shell inside a host that stays: what it is told runs within a millisecond, so that it can
 * look, and meddle, in the middle of an operation. It is bash, whatever the host's shell is.
 */
export class Agent {
  readonly #child: ChildProcessWithoutNullStreams;
  #said = "";
  #errors = "";
  #waiting:
    { marker: string; resolve: (text: string) => void; reject: (error: Error) => void } | undefined;
  #turn: Promise<unknown> = Promise.resolve();

  private constructor(child: ChildProcessWithoutNullStreams) {
    this.#child = child;
    child.stdin.on("error", () => undefined);
    child.stderr.setEncoding("utf8").on("data", (text: string) => (this.#errors += text));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      this.#said += text;
      this.#take();
    });
    child.on("exit", () => this.#waiting?.reject(new Error(`the agent ended: ${this.#errors}`)));
  }

  static async start(host: LabHost): Promise<Agent> {
    const enter = ["-t", String(host.pid), "-r", "-m", "-n", "-p", "-u", "--"];
    const shell = ["env", "-i", `PATH=${PATH}`, "LC_ALL=C", "/bin/bash", "-s"];
    const agent = new Agent(spawn("nsenter", [...enter, ...shell]));
    await agent.run(":");
    return agent;
  }

  /** Runs lines of shell, one call after the other. @returns what they wrote to stdout */
  async run(lines: string): Promise<string> {
    const turn = this.#turn.then(() => this.#one(lines));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  /** The same; a last status other than 0 is an error with what was written to stderr. */
  async must(lines: string): Promise<string> {
    const text = await this.run(
      `( set -e\n${lines}\n) 2>&1; status=$?; echo; echo "status $status"`,
    );
    const [, said = "", status = ""] = /^([^]*)\nstatus (\d+)\n$/.exec(text) ?? [];
    if (status !== "0") throw new Error(`in the host: ${lines}: ${said}`);
    return said;
  }

  end(): void {
    this.#child.stdin.end();
    this.#child.kill("SIGKILL");
  }

  #one(lines: string): Promise<string> {
    const marker = `-- ${randomBytes(8).toString("hex")} --`;
    return new Promise((resolve, reject) => {
      this.#waiting = { marker, resolve, reject };
      this.#child.stdin.write(`{ ${lines}\n} </dev/null\necho '${marker}'\n`);
    });
  }

  #take(): void {
    const { marker = "", resolve } = this.#waiting ?? {};
    const at = marker === "" ? -1 : this.#said.indexOf(`${marker}\n`);
    if (at < 0 || resolve === undefined) return;
    const text = this.#said.slice(0, at);
    this.#said = this.#said.slice(at + marker.length + 1);
    this.#waiting = undefined;
    resolve(text);
  }
}

const PATH = "/usr/sbin:/usr/bin:/sbin:/bin";
