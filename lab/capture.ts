import { spawn } from "node:child_process";
import { once } from "node:events";

import { command } from "./command";

/** A running record of frames on the wire. */
export interface Capture {
  /** Resolves when all frames until now are recorded. */
  settled(): Promise<void>;
  /** Ends it. @returns tcpdump's lines, one a frame, with MACs and without names. */
  stop(): Promise<string>;
}

/**
 * Records the frames that a bridge sees, from when the promise is kept.
 * @param onFrame called with each line as it comes; it begins with the seconds since 1970
 */
export async function startCapture(
  wire: string,
  filter: string,
  onFrame: (line: string) => void = () => undefined,
): Promise<Capture> {
  const expression = `(${filter}) or (arp host ${MARK})`;
  const options = ["-n", "-e", "-l", "-tt", "--immediate-mode", "-B", "16384", "-i", "br0"];
  const tcpdump = spawn("ip", ["netns", "exec", wire, "tcpdump", ...options, expression], {
    stdio: ["ignore", "pipe", "pipe"],
  });
  const frames: string[] = [];
  const waiting: (() => void)[] = [];
  let rest = "";
  let messages = "";
  const ended = once(tcpdump, "close");
  tcpdump.stdout.setEncoding("utf8").on("data", (text: string) => {
    const lines = (rest + text).split("\n");
    rest = lines.pop() ?? "";
    const own = lines.filter((line) => !line.includes(MARK));
    if (own.length < lines.length) waiting.splice(0).forEach((resolve) => resolve());
    frames.push(...own);
    own.forEach(onFrame);
  });
  await new Promise<void>((resolve, reject) => {
    tcpdump.on("error", reject);
    tcpdump.on("close", () => reject(new Error(`tcpdump '${filter}': ${messages.trim()}`)));
    tcpdump.stderr.setEncoding("utf8").on("data", (text: string) => {
      messages += text;
      if (messages.includes("listening on")) resolve();
    });
  });
  // Frames wait in a buffer: all that came before a mark are out when the mark is.
  const settled = async (): Promise<void> => {
    const marked = new Promise<void>((resolve) => waiting.push(resolve));
    const ask = ["arping", "-c", "1", "-w", "1", "-I", "br0", MARK];
    const asking = command("ip", ["netns", "exec", wire, ...ask], { allowFailure: true });
    await Promise.race([marked, ended]);
    await asking;
  };
  return {
    settled,
    stop: async () => {
      await settled();
      tcpdump.kill("SIGTERM");
      await ended;
      return [...frames, ""].join("\n");
    },
  };
}

/** An address that no lab has and no host answers for. */
const MARK = "198.19.255.254";
