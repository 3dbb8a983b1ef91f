import { spawn } from "node:child_process";
import { once } from "node:events";

import { command } from "./command";

/** A running record of frames on the wire. */
export interface Capture {
  /** Ends it. @returns tcpdump's lines, one a frame, with MACs and without names. */
  stop(): Promise<string>;
}

/** Records the frames that a bridge sees, from when the promise is kept. */
export async function startCapture(wire: string, filter: string): Promise<Capture> {
  const expression = `(${filter}) or (arp host ${MARK})`;
  const options = ["-n", "-e", "-l", "--immediate-mode", "-B", "16384", "-i", "br0", expression];
  const tcpdump = spawn("ip", ["netns", "exec", wire, "tcpdump", ...options], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  let lines = "";
  let messages = "";
  const ended = once(tcpdump, "close");
  tcpdump.stdout.setEncoding("utf8").on("data", (text: string) => (lines += text));
  await new Promise<void>((resolve, reject) => {
    tcpdump.on("error", reject);
    tcpdump.on("close", () => reject(new Error(`tcpdump '${filter}': ${messages.trim()}`)));
    tcpdump.stderr.setEncoding("utf8").on("data", (text: string) => {
      messages += text;
      if (messages.includes("listening on")) resolve();
    });
  });
  return {
    stop: async () => {
      // Frames wait in a buffer: all that came before the mark are out when the mark is.
      const marked = new Promise<void>((resolve) => {
        tcpdump.stdout.on("data", () => {
          if (lines.includes(MARK)) resolve();
        });
      });
      const ask = ["arping", "-c", "1", "-w", "1", "-I", "br0", MARK];
      const asking = command("ip", ["netns", "exec", wire, ...ask], { allowFailure: true });
      await Promise.race([marked, ended]);
      tcpdump.kill("SIGTERM");
      await Promise.all([ended, asking]);
      return lines
        .split("\n")
        .filter((line) => !line.includes(MARK))
        .join("\n");
    },
  };
}

/** An address that no lab has and no host answers for. */
const MARK = "198.19.255.254";
