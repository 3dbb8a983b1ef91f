import { look, type Look } from "../operation/converge";
import type { Operation } from "../operation/session";
import { RealServerError } from "../domain/errors";
import { lookRequest, NOTHING_ASKED, parseLookAnswer } from "./answer";
import {
  directorRequest,
  NO_DIRECTOR,
  parseDirectorAnswer,
  type DirectorAnswer,
} from "./director-answer";
import { shown } from "../inputs/failure";
import { inspectionOf } from "./report";
import type { InspectConnection, Inspection, InspectOptions } from "./types";
import type { Observed } from "../observed/observed";
import { accessBy } from "../transport/access";
import type { ConnectionTerms } from "../transport/terms";
import { parseConnection } from "../inputs/connection";

/** Where the progress of a look goes, and what ends it early. */
export interface Onlooker {
  readonly signal: AbortSignal;
  /** What the connection's parts are called where one is wrong. Default: as inputs of a program. */
  readonly terms?: ConnectionTerms;
  progress(text: string): void;
}

/** A host as a look found it: for people, and for work that follows. */
export interface SeenHost {
  readonly inspection: Inspection;
  readonly observed: Observed;
  readonly director: DirectorAnswer;
  /** Reaches the same host in the same way. */
  readonly operation: Operation;
}

/** Looks at a host; see `inspect`. */
export async function lookAt(
  given: InspectConnection,
  options: InspectOptions,
  onlooker: Onlooker = { signal: new AbortController().signal, progress: () => undefined },
): Promise<SeenHost> {
  const names = [...new Set(options.names ?? [])];
  for (const name of names) refuseName(name);
  const { connectSeconds = 15, operationSeconds = 60 } = options;
  const connection = parseConnection(given);
  const operation: Operation = {
    ...accessBy(connection, onlooker.terms),
    pins: {},
    timeouts: { connectSeconds, operationSeconds },
    signal: onlooker.signal,
    progress: (text) => onlooker.progress(text),
    warn: (text) => onlooker.progress(text),
  };
  return look(operation, async (seen) => {
    const { observed, keys } = seen;
    if (names.length > 0) onlooker.progress(`resolving ${names.join(", ")}`);
    // Without a registry there is no journal either: one round trip less.
    const asks = names.length > 0 || observed.registry !== undefined;
    const answer = asks ? parseLookAnswer(await seen.ask(lookRequest(names))) : NOTHING_ASKED;
    const director = await askDirector(seen);
    const inspection = inspectionOf({ host: connection.host, keys, observed, answer, director });
    return { inspection, observed, director, operation: { ...operation, pins: keys } };
  });
}

/** Only a host that may be one is asked: of another the first observation says that it is none. */
async function askDirector(seen: Look): Promise<DirectorAnswer> {
  const { hasIpvs, hasServiceRecords } = seen.observed;
  if (!hasIpvs && !hasServiceRecords) return NO_DIRECTOR;
  return parseDirectorAnswer(await seen.ask(directorRequest()));
}

/**
 * Refuses a name that cannot be looked up: RFC 1123 names and the underscores of service names are
 * taken; no option, no address with colons.
 *
 * @throws RealServerError `refused`
 */
export function refuseName(name: string): void {
  if (/^[A-Za-z0-9_][A-Za-z0-9._-]{0,252}$/.test(name)) return;
  throw new RealServerError(
    "refused",
    `${shown(name)} is not a name to look up: letters, digits, ".", "-" and "_"`,
  );
}
