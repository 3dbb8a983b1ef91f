import { type ChildProcess, type ChildProcessByStdio, spawn } from "node:child_process";
import { once } from "node:events";
import { Duplex, PassThrough, type Readable, type Writable } from "node:stream";
import { setTimeout as pause } from "node:timers/promises";
import { RealServerError } from "../../domain/errors";
import { lastWords } from "../../domain/terminal";
import { TryAgain } from "../problems";
import type { Channel } from "../transport";

/** How an `ssh` ended that did not get in. */
export interface SshEnding {
  /** All that it printed on stderr. */
  readonly printed: string;
  /** `status 255`, `SIGKILL`. */
  readonly ending: string;
}

/** What is run, and what stdin has at once; more may follow. */
export interface SshRun {
  readonly command: string;
  readonly words: readonly string[];
  readonly input: string;
}

/**
 * Starts an `ssh` and waits until the host's shell says something; what that is, the channel still has.
 * One that ends in order without a word is a channel, too, and closed.
 *
 * @param problem the error for an `ssh` that did not get in
 * @throws TryAgain when it neither gets in nor ends in time; the signal's reason when it is aborted
 */
export async function startSsh(
  run: SshRun,
  bounds: { readonly signal: AbortSignal; readonly seconds: number },
  problem: (end: SshEnding) => Error,
): Promise<Channel> {
  bounds.signal.throwIfAborted();
  const { child, closed, printed } = spawnSsh(run);
  const stderr = child.stderr.pipe(new PassThrough());
  try {
    const limit = AbortSignal.timeout(Math.ceil(bounds.seconds * 1000));
    const signal = AbortSignal.any([bounds.signal, limit]);
    const end = await Promise.race([firstWord(child), closed, aborted(signal)]);
    if (end === "aborted") {
      bounds.signal.throwIfAborted();
      const said = lastWords(printed());
      const seconds = Math.round(bounds.seconds * 10) / 10;
      const what = `no answer for ${seconds} s, from the host or its login shell`;
      throw new TryAgain(said === "" ? what : `${what}; ssh says: ${said}`, "nothing");
    }
    if (end !== "word" && end.code === undefined && child.stdout.readableLength === 0)
      throw problem({ printed: printed(), ending: end.signal ?? "status 255" });
  } catch (error) {
    endGroup(child);
    throw error;
  }
  return { stdin: child.stdin, stdout: child.stdout, stderr, closed, close: () => endGroup(child) };
}

/**
 * Starts an `ssh -W` and waits until what it prints on stderr says that the host is connected.
 *
 * @returns the connection, or how the `ssh` ended without one
 * @throws RealServerError when it cannot be started; the signal's reason when it is aborted
 */
export async function startForward(
  run: SshRun,
  signal: AbortSignal,
  isConnected: (printed: string) => boolean,
): Promise<Duplex | SshEnding> {
  signal.throwIfAborted();
  const { child, closed, printed } = spawnSsh(run);
  const connected = new Promise<"connected">((resolve) => {
    child.stderr.on("data", () => isConnected(printed()) && resolve("connected"));
  });
  let end: Awaited<typeof closed> | "connected" | "aborted";
  try {
    end = await Promise.race([connected, closed, aborted(signal)]);
    signal.throwIfAborted();
  } catch (error) {
    endGroup(child);
    throw error;
  }
  if (end !== "connected" && end !== "aborted" && !isConnected(printed()))
    return { printed: printed(), ending: end.signal ?? `status ${end.code ?? OWN_FAILURE}` };
  const stream = Duplex.from({ readable: child.stdout, writable: child.stdin });
  stream.on("error", () => undefined);
  return stream.once("close", () => endGroup(child));
}

/** A child that has been started, and what is heard of it. */
interface Spawned {
  readonly child: SshProcess;
  readonly closed: Channel["closed"];
  /** The end of what it printed on stderr so far. */
  readonly printed: () => string;
}

function spawnSsh({ command, words, input }: SshRun): Spawned {
  const child = spawn(command, words, {
    // A session of its own: no terminal to ask in, and a process group to end it with all its jumps.
    detached: true,
    stdio: ["pipe", "pipe", "pipe"],
    env: sshEnvironment(process.env),
  });
  const closed = ended(child);
  let printed = "";
  child.stderr.on("data", (chunk: Buffer) => (printed = (printed + chunk.toString()).slice(-MOST)));
  // A broken pipe is told by `closed`, too.
  child.stdin.on("error", () => undefined);
  child.stdin.write(input);
  return { child, closed, printed: () => printed };
}

/** An environment without the secrets of Pulumi and of the command, and without anybody to ask. */
export function sshEnvironment(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept = Object.entries(environment).filter(([name]) => !/^(PULUMI_|SSH_ASKPASS)/.test(name));
  return { ...Object.fromEntries(kept), SSH_ASKPASS_REQUIRE: "never" };
}

type SshProcess = ChildProcessByStdio<Writable, Readable, Readable>;

const MOST = 16_384;
/** ssh's own status when it fails, and a lost connection's (ssh(1), "EXIT STATUS"). */
const OWN_FAILURE = 255;
const GRACE_MILLISECONDS = 1000;
/** What a program that ssh started, and that left the group, may keep its streams open for. */
const DRAIN_MILLISECONDS = 500;
const MOST_RESTS = 20;

async function firstWord({ stdout }: SshProcess): Promise<"word"> {
  for (;;) {
    await once(stdout, "readable");
    if (stdout.readableLength > 0) return "word";
    if (stdout.readableEnded) return new Promise(() => undefined);
    stdout.read();
  }
}

async function aborted(signal: AbortSignal): Promise<"aborted"> {
  if (!signal.aborted) await once(signal, "abort");
  return "aborted";
}

/** How it ended, once its streams are read; empty where the connection was lost. */
async function ended(child: SshProcess): Channel["closed"] {
  living.add(child);
  if (living.size === 1) process.on("exit", endAll);
  const closed = once(child, "close");
  closed.catch(() => undefined);
  const [code, signal] = await new Promise<[number | null, string | null]>((resolve, reject) => {
    child.once("exit", (...end) => resolve(end)).once("error", reject);
  }).catch((error: unknown) => {
    forget(child);
    throw new RealServerError("failed", "ssh cannot be started", { cause: error });
  });
  // Jumps and a ProxyCommand end with it.
  killGroup(child, "SIGKILL");
  forget(child);
  // What it said last is read first: whoever dialled may be busy yet.
  for (let rests = 0; rests < MOST_RESTS; rests++) {
    const rest = pause(DRAIN_MILLISECONDS, "rest", { ref: false });
    if ((await Promise.race([closed, rest])) !== "rest") break;
    if (child.stdout.readableLength === 0) break;
  }
  if (signal !== null) return { signal };
  return code === null || code === OWN_FAILURE ? {} : { code };
}

const living = new Set<ChildProcess>();

function endAll(): void {
  for (const child of living) killGroup(child, "SIGKILL");
}

function forget(child: ChildProcess): void {
  living.delete(child);
  if (living.size === 0) process.off("exit", endAll);
}

/** One that is stopped, or does not listen, is killed a moment later. */
function endGroup(child: ChildProcess): void {
  killGroup(child, "SIGTERM");
  setTimeout(() => {
    if (living.has(child)) killGroup(child, "SIGKILL");
  }, GRACE_MILLISECONDS).unref();
}

function killGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It is gone.
  }
}
