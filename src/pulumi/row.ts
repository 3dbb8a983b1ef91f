import { createRequire } from "node:module";
import type * as grpc from "@grpc/grpc-js";
import type * as engineGrpc from "@pulumi/pulumi/proto/engine_grpc_pb";
import type * as enginePb from "@pulumi/pulumi/proto/engine_pb";
import { readable } from "../domain/terminal";

/** Where an operation's words go: the row of its resource in what `pulumi` prints. */
export interface Row {
  /** Replaces the row's text for now; gone when the operation ends. Never throws, never waits. */
  readonly progress: (text: string) => void;
  /** A warning that stays under the resource. Never throws, never waits. */
  readonly warn: (text: string) => void;
  /** Resolves when the engine has all of it; never rejects, and waits two seconds for a message. */
  readonly flush: () => Promise<void>;
}

/**
 * The row of the resource that `owner` names. Pulumi does not tell a dynamic provider the URN it is
 * called for, but the default owner ends in it; for any other owner the words go to the stack's own
 * row, with the owner's name before them.
 */
export function rowOf(owner: string): Row {
  const urn = /urn:pulumi:.*$/.exec(owner)?.[0] ?? "";
  const prefix = urn === "" && owner !== "" ? `${owner}: ` : "";
  let said = Promise.resolve();
  const say = (entry: Entry): void => {
    // One after the other, or they arrive in any order.
    said = said.then(() => deliver({ ...entry, text: readable(entry.text) }));
  };
  return {
    progress: (text) => say({ severity: "INFO", ephemeral: true, text: prefix + text, urn }),
    warn: (text) => say({ severity: "WARNING", ephemeral: false, text: prefix + text, urn }),
    flush: () => said,
  };
}

interface Entry {
  readonly severity: "INFO" | "WARNING";
  readonly ephemeral: boolean;
  readonly text: string;
  readonly urn: string;
}

type Send = (entry: Entry) => Promise<boolean>;

let send: Send | undefined;

async function deliver(entry: Entry): Promise<void> {
  send ??= connect(process.argv[2]);
  const delivered = await send(entry);
  // Progress may be lost; a warning must not be, and Pulumi shows a provider's stderr.
  if (!delivered && entry.severity === "WARNING") console.error(`warning: ${entry.text}`);
}

const DELIVERY_MILLISECONDS = 2000;

/**
 * The engine passes its address as the dynamic provider's first argument. The client is a part of
 * Pulumi that has no public entry: where it cannot be loaded there is no progress, and nothing
 * else is lost.
 */
function connect(address: string | undefined): Send {
  if (address === undefined || !/^[^\s/]+:\d+$/.test(address)) return () => Promise.resolve(false);
  try {
    const own = createRequire(__filename);
    const pulumi = createRequire(own.resolve("@pulumi/pulumi/package.json"));
    const { credentials, Metadata } = pulumi("@grpc/grpc-js") as typeof grpc;
    const { EngineClient } = pulumi("./proto/engine_grpc_pb") as typeof engineGrpc;
    const { LogRequest, LogSeverity } = pulumi("./proto/engine_pb") as typeof enginePb;
    const client = new EngineClient(address, credentials.createInsecure());
    return ({ severity, ephemeral, text, urn }) =>
      new Promise((resolve) => {
        const request = new LogRequest();
        request.setSeverity(LogSeverity[severity]);
        request.setMessage(text);
        request.setUrn(urn);
        request.setEphemeral(ephemeral);
        const deadline = Date.now() + DELIVERY_MILLISECONDS;
        client.log(request, new Metadata(), { deadline }, (error) => resolve(error === null));
      });
  } catch {
    return () => Promise.resolve(false);
  }
}
