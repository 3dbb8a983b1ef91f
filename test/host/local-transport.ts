import { spawn } from "node:child_process";
import type { Operation } from "../../src/operation/session";
import type { Channel, Transport } from "../../src/transport/transport";
import type { Box } from "./box";

/** An operation on a box, over a transport that is nothing but a child process of this one. */
export function operationOn(box: Box, changes: Partial<Operation> = {}): Operation {
  return {
    host: "box",
    login: { user: "root", sudo: false },
    dial: async () => localTransport(box),
    pins: {},
    timeouts: { connectSeconds: 10, operationSeconds: 20 },
    signal: new AbortController().signal,
    progress: () => undefined,
    warn: () => undefined,
    ...changes,
  };
}

/** Nobody proves a key here, and no server limits a command. */
export function localTransport(box: Box): Transport {
  const channels: Channel[] = [];
  return {
    keys: {},
    longestCommand: Infinity,
    exec: async (command) => {
      const channel = started(box.login(command));
      channels.push(channel);
      return channel;
    },
    connect: () => Promise.resolve({ kind: "forbidden", words: "a child process connects nobody" }),
    close: () => {
      for (const channel of channels) channel.close();
    },
  };
}

function started([program = "", ...args]: string[]): Channel {
  const { stdin, stdout, stderr, ...child } = spawnPiped(program, args);
  return { stdin, stdout, stderr, closed: child.closed, close: () => stdin.destroy() };
}

function spawnPiped(program: string, args: readonly string[]) {
  const child = spawn(program, args, { stdio: "pipe" });
  const closed = new Promise<{ code?: number; signal?: string }>((resolve) => {
    child.once("close", (code, signal) =>
      resolve(code === null ? { signal: signal ?? "" } : { code }),
    );
  });
  return { stdin: child.stdin, stdout: child.stdout, stderr: child.stderr, closed };
}
