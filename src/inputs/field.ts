import type { Vip } from "../domain/address";
import type { Path } from "./failure";

/**
 * One input: all that is known of it. The check of a program's inputs, the reading of stored settings,
 * the defaults, what is secret and the tables in docs/reference come from it.
 */
export type Field = FieldKind & About;

/** Inputs by name, in the order in which messages and docs list them. */
export interface Fields {
  readonly [name: string]: Field;
}

/** The inputs of a resource. */
export interface Inputs {
  readonly [name: string]: Field & {
    /** What an update has to do on the host where only this input differs. */
    readonly change: Work;
  };
}

/**
 * What an update has to do on the host.
 *
 * - `nothing`: only policy changed. No connection, because a host that is dead must be able to
 *   become `forget`.
 * - `reach`: the way to the host changed too; prove that it leads there, and touch nothing.
 * - `converge`: all else, also an update that Pulumi asks for although nothing changed.
 */
export type Work = "nothing" | "reach" | "converge";

/** What is said about an input, whatever it holds. */
interface About {
  /** What it is, for people; Markdown without links. */
  readonly sentence: string;
  /** The page of docs/ that says more. */
  readonly page?: string;
  /** The provider refuses inputs without it. */
  readonly required?: true;
  /**
   * For people: what holds where a program does not give it, if that is not the plain value `default`.
   * On a required input: what the constructor then decides.
   */
  readonly defaultText?: string;
  /**
   * The resource's output has the default where the program gives nothing; see {@link withDefaults}.
   * The state has it in neither case, because it is to stay small.
   */
  readonly shown?: true;
  /** Encrypted in the state, and in no message. */
  readonly secret?: true;
  /** In no message: keys and passwords are put there by mistake. */
  readonly hidden?: true;
}

/** What an input holds. */
type FieldKind =
  | { readonly kind: "flag"; readonly default?: boolean | DefaultFrom<boolean> }
  | WholeNumberField
  | TextField
  | ChoiceField
  | ListField
  | AddressField
  | ObjectField
  | ObjectsField;

/** A default that depends on the other fields of the object, as they are read. */
type DefaultFrom<Value> = (others: Readonly<Record<string, unknown>>) => Value | undefined;

/** A number without a fraction. */
export interface WholeNumberField {
  readonly kind: "whole number";
  readonly least: number;
  /** Default: no upper bound. */
  readonly most?: number;
  readonly default?: number | DefaultFrom<number>;
}

/** A text that is not empty. */
export interface TextField {
  /** A `line` has no control characters. */
  readonly kind: "line" | "text";
  /** "a user's name". */
  readonly what: string;
  /** What else is wrong with a text, as a phrase that follows it; undefined where nothing is. */
  readonly problem?: (text: string) => string | undefined;
  readonly default?: string | DefaultFrom<string>;
}

/** One of a few values. */
export interface ChoiceField {
  readonly kind: "choice";
  readonly values: readonly (string | number)[];
  /** Why another value will not do: the end of the complaint about it. */
  readonly because?: (given: unknown) => string;
  readonly default?: string | number;
}

/** Texts, none of them twice; an empty list is the same as none. Only options of ssh have an order. */
export interface ListField {
  readonly kind: "list";
  readonly of: "vip" | "rip" | "interface" | "glob" | "flag" | "ssh option";
  /** "a list of addresses". */
  readonly what: string;
  /** The word `"all"` may stand for a list. */
  readonly all?: true;
  /** The complaint about an empty list, where it is wrong. */
  readonly empty?: string;
  readonly default?: "all" | readonly string[];
}

/** Fields within a field. */
export interface ObjectField {
  readonly kind: "object";
  readonly fields: Fields;
  /** `true` may stand for one without fields, and `false` is as left out. */
  readonly flag?: true;
  /** "an object that says how to reach the host". Default: one with its fields' names. */
  readonly what?: string;
  /** What is wrong with the fields beside each other; asked where single ones are wrong, too. */
  readonly alsoWrong?: (value: Readonly<Record<string, unknown>>) => readonly Complaint[];
  /** Each may stand for an object. Default: none. */
  readonly words?: readonly string[];
  /** Its fields' defaults, or a word. Default: it may be left out as a whole. */
  readonly default?: Readonly<Record<string, never>> | string;
  /** What becomes of it once it is read. Default: it stays as it is. */
  readonly settle?: (read: never) => unknown;
}

/** One address, canonical once it is checked. */
export interface AddressField {
  readonly kind: "address";
  readonly of: "vip" | "rip";
  readonly default?: never;
}

/** Objects without order, told apart by one field of theirs, an address. */
export interface ObjectsField {
  readonly kind: "objects";
  readonly fields: Fields;
  /** The name of that field. */
  readonly key: string;
  /** "a list of destinations". */
  readonly what: string;
  /** "a destination". */
  readonly one: string;
  readonly default?: never;
}

/** What is wrong at a path; `{}` at the start of the message stands for the value there. */
export interface Complaint {
  readonly path: Path;
  readonly message: string;
}

/** What stored inputs are once they are read: defaults applied, VIPs parsed. */
export type Settled<F extends Fields> = {
  readonly [Name in keyof F as IsPresent<F[Name]> extends true ? Name : never]: Value<F[Name]>;
} & {
  readonly [Name in keyof F as IsPresent<F[Name]> extends true ? never : Name]?: Value<F[Name]>;
};

/** A default that may be none leaves the field optional. */
type IsPresent<F> = F extends { readonly required: true }
  ? true
  : F extends { readonly default: infer Default }
    ? undefined extends (Default extends (others: never) => infer From ? From : Default)
      ? false
      : true
    : false;

type Value<F> = F extends { kind: "flag" }
  ? boolean
  : F extends WholeNumberField
    ? number
    : F extends { kind: "choice"; values: readonly (infer Choice)[] }
      ? Choice
      : F extends ListField
        ? readonly Element<F>[] | (F extends { all: true } ? "all" : never)
        : F extends AddressField
          ? Vip
          : F extends { kind: "objects"; fields: infer Within extends Fields }
            ? readonly Settled<Within>[]
            : F extends { settle: (read: never) => infer Settling }
              ? Settling
              : F extends { kind: "object"; fields: infer Within extends Fields }
                ? Settled<Within> | (F extends { words: readonly (infer Word)[] } ? Word : never)
                : string;

type Element<F> = F extends { of: "vip" } ? Vip : string;

/**
 * What a resource's output shows of an input, given what the state has of it: the defaults that are
 * to be shown are filled in, at any depth. Other values stay as they are.
 */
export function withDefaults(field: Field, given: unknown): unknown {
  const value = given ?? (field.shown ? field.default : undefined);
  if (field.kind === "objects" && Array.isArray(value))
    return value.map((one) => withDefaults({ ...field, kind: "object", shown: undefined }, one));
  if (field.kind !== "object" || typeof value !== "object" || value === null) return value;
  const fields = Object.entries(field.fields).map(([name, within]) => [
    name,
    withDefaults(within, (value as Readonly<Record<string, unknown>>)[name]),
  ]);
  return { ...value, ...Object.fromEntries(fields.filter(([, one]) => one !== undefined)) };
}

/** What an input may hold, for people: "a whole number from 1 to 65535". */
export function allowedIn(field: FieldKind): string {
  switch (field.kind) {
    case "flag":
      return "true or false";
    case "whole number": {
      const { least, most } = field;
      return `a whole number ${most === undefined ? `of at least ${least}` : `from ${least} to ${most}`}`;
    }
    case "choice":
      return field.values.map((value) => JSON.stringify(value)).join(" or ");
    case "object": {
      const { what = `an object with ${Object.keys(field.fields).join(", ")}`, words = [] } = field;
      const given = [...words.map((word) => JSON.stringify(word)), what].join(" or ");
      return field.flag ? `true, or ${given}` : given;
    }
    case "address":
      return "an IPv4 or IPv6 address";
    case "objects":
    case "line":
    case "text":
    case "list":
      return field.what;
  }
}
