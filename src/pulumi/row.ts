import { createRequire } from "node:module";
import type * as grpc from "@grpc/grpc-js";
import type * as engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as enginePb from "@pulumi/pulumi/proto/engine_pb";
import { readable } from "../domain/terminal";

/** Where an operation's words go: the row of its resource in what `pulumi` prints. */
export interface Row {
  /**
   * Replaces the row's text for now; gone when the operation ends. Only an operation that takes longer
   * than a second has a row at all: then the stage that it is in, and each later one. Never throws,
   * never waits.
   */
  readonly progress: (text: string) => void;
  /** A warning that stays under the resource. Never throws, never waits. */
  readonly warn: (text: string) => void;
  /** Resolves when the engine has all of it; never rejects, and waits two seconds for a message. */
  readonly flush: () => Promise<void>;
}

/** The engine, as far as a provider speaks to it of its own accord. */
export interface Engine {
  /** @returns whether the engine has it; never rejects, and waits two seconds at most */
  log(entry: LogEntry): Promise<boolean>;
}

/** One message to people. */
export interface LogEntry {
  readonly severity: "INFO" | "WARNING";
  /** Gone from the row when the operation ends. */
  readonly ephemeral: boolean;
  readonly text: string;
  /** The resource that it is about; empty for the stack's own row. */
  readonly urn: string;
}

/**
 * The row of the resource that `owner` names. Pulumi does not tell a dynamic provider the URN it is
 * called for, but the default owner ends in it; for any other owner the words go to the stack's own
 * row, with the owner's name before them.
 *
 * @param patience How many milliseconds there is no progress on it; then the stage that it is in.
 */
export function rowOf(owner: string, engine: Engine, patience = PATIENCE_MILLISECONDS): Row {
  const urn = /urn:pulumi:.*$/.exec(owner)?.[0] ?? "";
  const prefix = urn === "" && owner !== "" ? `${owner}: ` : "";
  let said = Promise.resolve();
  const say = (entry: LogEntry): void => {
    // One after the other, or they arrive in any order.
    said = said.then(() => deliver(engine, { ...entry, text: readable(entry.text) }));
  };
  const tell = (text: string): void =>
    say({ severity: "INFO", ephemeral: true, text: prefix + text, urn });
  const progress = delayed(tell, patience);
  return {
    progress: progress.say,
    warn: (text) => say({ severity: "WARNING", ephemeral: false, text: prefix + text, urn }),
    flush: () => {
      progress.end();
      return said;
    },
  };
}

// Each row is a call to the engine and a line in the log of a CI, and most operations take less.
const PATIENCE_MILLISECONDS = 1000;

/** Says nothing until so long after it was made; then the last that there was to say, and all else at once. */
function delayed(
  say: (text: string) => void,
  milliseconds: number,
): { readonly say: (text: string) => void; readonly end: () => void } {
  let latest: string | undefined;
  let isDue = false;
  const timer = setTimeout(() => {
    isDue = true;
    if (latest !== undefined) say(latest);
  }, milliseconds);
  return {
    say: (text) => {
      latest = text;
      if (isDue) say(text);
    },
    end: () => clearTimeout(timer),
  };
}

async function deliver(engine: Engine, entry: LogEntry): Promise<void> {
  const delivered = await engine.log(entry);
  // Progress may be lost; a warning must not be, and Pulumi shows a provider's stderr.
  if (!delivered && entry.severity === "WARNING") console.error(`warning: ${entry.text}`);
}

const DELIVERY_MILLISECONDS = 2000;

/**
 * The engine at an address, which it passes as the dynamic provider's first argument. The client is a
 * part of Pulumi that has no public entry: where it cannot be loaded there is no progress, and nothing
 * else is lost. It is loaded with the first message.
 */
export function engineAt(address: string | undefined): Engine {
  let connected: Engine | undefined;
  return {
    log(entry) {
      connected ??= connect(address);
      return connected.log(entry);
    },
  };
}

function connect(address: string | undefined): Engine {
  if (address === undefined || !/^[^\s/]+:\d+$/.test(address)) return NOBODY;
  try {
    const own = createRequire(__filename);
    const pulumi = createRequire(own.resolve("@pulumi/pulumi/package.json"));
    const { credentials, Metadata } = pulumi("@grpc/grpc-js") as typeof grpc;
    const { EngineClient } = pulumi("./proto/engine_grpc_pb") as typeof engineGrpc;
    const { LogRequest, LogSeverity } = pulumi("./proto/engine_pb") as typeof enginePb;
    const client = new EngineClient(address, credentials.createInsecure());
    return {
      log: ({ severity, ephemeral, text, urn }) =>
        new Promise((resolve) => {
          const request = new LogRequest();
          request.setSeverity(LogSeverity[severity]);
          request.setMessage(text);
          request.setUrn(urn);
          request.setEphemeral(ephemeral);
          const deadline = Date.now() + DELIVERY_MILLISECONDS;
          client.log(request, new Metadata(), { deadline }, (error) => resolve(error === null));
        }),
    };
  } catch {
    return NOBODY;
  }
}

const NOBODY: Engine = { log: () => Promise.resolve(false) };
