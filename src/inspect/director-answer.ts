import { RealServerError } from "../domain/errors";
import { INSPECTED_DIRECTOR } from "../host/scripts";
import { parseInspectedDirector, type ObservedDirector } from "../observed/director";
import { UnreadableAnswer } from "../protocol/answer";
import { call, wordOfFunctions } from "../protocol/program";
import { isHere } from "./boot";
import { parsePending, type PendingAnswer } from "./pending";

/** What a host says of itself as a director. */
export type DirectorAnswer =
  /** It is none. */
  | { readonly kind: "none" }
  /** It cannot tell, for it lacks a command. */
  | { readonly kind: "mute"; readonly missing: string }
  | DirectorSight;

/** Of a host that is none. */
export const NO_DIRECTOR: DirectorAnswer = { kind: "none" };

/** A director as an inspection sees it. */
export interface DirectorSight {
  readonly kind: "director";
  /** Without a registry that is another machine's, which says nothing of this one. */
  readonly observed: ObservedDirector;
  /** The registry that is on its disk, whosever. */
  readonly onDisk: ObservedDirector["registry"];
  /** The operation that has its lock. */
  readonly pending: PendingAnswer;
  /** Operations that wait without the lock. */
  readonly waiting: readonly WaitingAnswer[];
}

/** What a director says of an operation that waits without the lock. */
export interface WaitingAnswer extends PendingAnswer {
  /** Of its service: `serviceId`. */
  readonly id: string;
}

/** What a host is asked that may be a director; {@link parseDirectorAnswer} reads the answer. */
export function directorRequest(): string {
  return call("more", "beside", wordOfFunctions(INSPECTED_DIRECTOR));
}

/**
 * Reads the body that `directorRequest` asks for. Total: throws {@link UnreadableAnswer}.
 *
 * @throws RealServerError `failed` where the director could not read its table or its registry
 */
export function parseDirectorAnswer(body: string): DirectorAnswer {
  const [, word, text = ""] = /^(missing|unobserved) (.*)\n*$/.exec(body) ?? [];
  if (word === "missing") return { kind: "mute", missing: text };
  if (word === "unobserved") throw new RealServerError("failed", text);
  const end = body.indexOf(LAST_LINE);
  if (end < 0) throw new UnreadableAnswer("the answer of a director has no end");
  const observed = parseInspectedDirector(body.slice(0, end + LAST_LINE.length - 1));
  const [pending, ...waiting] = body
    .slice(end + LAST_LINE.length)
    .replace(/\n+$/, "")
    .split(/^waiting /m);
  return {
    kind: "director",
    ...ofThisMachine(observed),
    pending: parsePending(linesIn(pending ?? "")),
    waiting: waiting.map((text) => {
      const [id = "", ...lines] = linesIn(text);
      return { id, ...parsePending(lines) };
    }),
  };
}

/** Of the observation; what is pending follows. */
const LAST_LINE = "\nend\n";

function linesIn(text: string): string[] {
  return text.split("\n").filter((line) => line !== "");
}

function ofThisMachine(observed: ObservedDirector): Pick<DirectorSight, "observed" | "onDisk"> {
  const onDisk = observed.registry;
  return { observed: isHere(observed) ? observed : { ...observed, registry: undefined }, onDisk };
}
