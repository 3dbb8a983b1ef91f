import type { Secrets } from "./secrets";
import type { ClientEnd } from "./scenario";

/** A resource's properties, JSON. */
export type Properties = Record<string, unknown>;

/** What a program has done to its resource. */
export type Verb = "create" | "update" | "read" | "delete";

/** What whoever asked for an operation has learnt. */
export type Outcome =
  | { readonly kind: "done" }
  /** It was not done. */
  | { readonly kind: "failed"; readonly message: string }
  /** Nobody knows, or was there to hear it. */
  | { readonly kind: "unknown"; readonly message: string };

/** Carries out operations on one host: the provider by itself, or Pulumi with the provider under it. */
export interface Driver {
  /** How long an operation may take, in seconds, where its end is part of the fault. */
  readonly shortest: number;
  /** What the last operation told the person who asked for it, so far. */
  readonly said: string;
  /** Forgets the last run. */
  begin(): void;
  /** Runs an operation to its end, or to that of whoever runs it. */
  operate(verb: Verb, inputs: Properties): Promise<Outcome>;
  /** Strikes who runs the operation; one that is stopped goes on when the milliseconds are over. */
  strike(how: ClientEnd, milliseconds: number): Promise<void>;
  /** Makes the next operation possible. @returns what is left of the last one and should not be */
  recover(): Promise<string[]>;
  /** What the state declares; undefined where the resource is not in it. */
  declared(): Promise<Properties | undefined>;
  /** Where secrets were seen since the last run (I5), by all that was printed and kept. */
  leaks(secrets: Secrets): Promise<string[]>;
  end(): Promise<void>;
}
