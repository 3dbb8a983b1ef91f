import { pulumiAdvice } from "./advice";
import { RealServerError } from "../domain/errors";
import { secretNames } from "../inputs/places";
import { readable } from "../domain/terminal";
import type { Properties, ResourceKind } from "./kind";

/**
 * An error as Pulumi should print it. Pulumi prints a failed read, delete, check or diff as the
 * error's text followed by its stack: here the text is the message, and the stack is empty.
 */
export class CleanError extends Error {
  override readonly stack = "";

  override toString(): string {
    return this.message;
  }
}

/**
 * The partial-state error: Pulumi keeps the resource with these properties, and the next `up`
 * updates it.
 */
export class UnsettledError extends CleanError {
  /** What Pulumi shows under the resource. */
  readonly reasons: readonly string[];

  constructor(
    message: string,
    /** The resource's id. */
    readonly id: string,
    /** The state to keep. */
    readonly properties: Properties,
  ) {
    super(message);
    this.reasons = [message];
  }
}

/**
 * Any failure, as a message for people. Ours are complete and hold no secrets; of anything else the
 * message is not ours, so the secrets in `properties` are taken out, and the stack is kept, because
 * it is a fault in this package.
 */
export function cleaned(error: unknown, properties: Properties, kind: ResourceKind): CleanError {
  if (error instanceof CleanError) return error;
  if (error instanceof RealServerError)
    return new CleanError(cut(error.withAdvice((remedies) => pulumiAdvice(remedies, kind.way))));
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return new CleanError(cut(`a fault in pulumi-lvs-dr: ${withoutSecrets(text, properties, kind)}`));
}

// Pulumi sends an error in one HTTP/2 header, and hangs on one of more than some 50 kB.
const MESSAGE_CHARACTERS = 6000;

function cut(message: string): string {
  const text = readable(message);
  return text.length <= MESSAGE_CHARACTERS ? text : `${text.slice(0, MESSAGE_CHARACTERS)}…`;
}

function withoutSecrets(text: string, properties: Properties, { inputs }: ResourceKind): string {
  // By name, wherever they stand: a state that somebody has edited may have them anywhere.
  const names = secretNames(inputs);
  const secrets: string[] = [];
  JSON.stringify(properties, (key, value: unknown) => {
    if (names.has(key) && typeof value === "string" && value !== "") secrets.push(value);
    return value;
  });
  return secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);
}
