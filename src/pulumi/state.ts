import { randomBytes } from "node:crypto";
import { RealServerError, type HostKeys } from "../domain/errors";
import { readable } from "../domain/terminal";
import type { PolicySettings, Properties, ResourceKind } from "./kind";
import { PROVIDER_KEY } from "./provider-source";

/** What the state of a resource says, read. */
export interface State<Settings> {
  /** What was declared, also after a read that found less. */
  readonly settings: Settings;
  /** The declared inputs as they stand in the state. */
  readonly inputs: Properties;
  /** The host keys of the last contact. */
  readonly pins: HostKeys;
  /** All of it, for what only one kind of resource reads there. */
  readonly outputs: Properties;
  /** The host's identity; empty when no operation has learnt it. */
  readonly machineId: string;
  /** Known where no host key is, which tells machines apart better. */
  readonly productUuid: string | undefined;
  /** False while an operation's outcome is unknown, or when a read found drift. */
  readonly converged: boolean;
}

/**
 * The version of the state's shape; every older one stays readable for ever. A new field needs no new
 * version, for one that does not know it carries it along; but it rises for a field that must not be
 * passed over, and for a secret one: the program of an older version does not name it as a secret.
 */
export const FORMAT = 1;

/**
 * Reads a state of this format or an older one.
 *
 * @throws RealServerError "refused" when it is newer than the installed version, or not readable
 */
export function readState<Settings extends PolicySettings>(
  kind: ResourceKind<Settings>,
  outputs: Properties,
): State<Settings> {
  refuseNewer(outputs);
  const inputs = inputsIn(kind, outputs);
  const { machineId, productUuid, converged } = outputs;
  return {
    settings: kind.parse(inputs),
    inputs,
    outputs,
    pins: pinsIn(outputs),
    machineId: typeof machineId === "string" ? machineId : "",
    productUuid: typeof productUuid === "string" ? productUuid : undefined,
    converged: converged === true,
  };
}

/** @throws RealServerError "refused" when a newer version of the package wrote this state */
export function refuseNewer({ format }: Properties): void {
  if (typeof format !== "number" || format <= FORMAT) return;
  throw new RealServerError(
    "refused",
    `the state has format ${format}, and this pulumi-lvs-dr reads formats up to ${FORMAT}: ` +
      "a newer version wrote it; npm install pulumi-lvs-dr@latest",
  );
}

/** What a host of any kind says of a resource. */
export interface StateReport extends HostKeys {
  /** One line a difference. */
  readonly drift: readonly string[];
  readonly machineId: string;
  /** `-` where the host has none. */
  readonly productUuid: string;
}

/**
 * The state after an operation that ended with a report: the inputs, what the host said, and of the
 * state before it what this version does not know.
 *
 * @param found the outputs of the kind's own
 */
export function reportedState(
  kind: ResourceKind,
  inputs: Properties,
  { drift, machineId, productUuid, hostKey, proxyHostKey }: StateReport,
  found: Properties,
  olds: Properties,
): Properties {
  return plain({
    ...unknownIn(kind, olds),
    ...inputsIn(kind, inputs),
    ...readableIn({ ...found, drift, machineId }),
    converged: drift.length === 0,
    hostKey,
    productUuid: hostKey === undefined ? productUuid : undefined,
    proxyHostKey,
    format: FORMAT,
  });
}

/** The state after an update that left the host as it was: new inputs, and all else as known. */
export function restatedState(
  kind: ResourceKind,
  inputs: Properties,
  olds: Properties,
  pins: HostKeys,
): Properties {
  return plain({
    ...unknownIn(kind, olds),
    ...pick(olds, (key) => isOutput(kind, key)),
    ...inputsIn(kind, inputs),
    hostKey: undefined,
    proxyHostKey: undefined,
    ...pins,
    format: FORMAT,
  });
}

/**
 * The state while it is not known whether the host is as before or as asked for. It holds the
 * provider, without which Pulumi could neither read nor delete the resource.
 */
export function unsettledState(
  kind: ResourceKind,
  inputs: Properties,
  olds: Properties,
  pins: HostKeys,
): Properties {
  const known = { ...kind.unread, drift: [], ...olds };
  const provider = { [PROVIDER_KEY]: inputs[PROVIDER_KEY] };
  return { ...restatedState(kind, inputs, known, pins), ...provider, converged: false };
}

/**
 * A name for one life of a resource on its host: the time in milliseconds and four random bytes, in
 * hex, so that a later one sorts after an earlier one.
 *
 * @param earlier Names that it has to sort after, though the clock of this machine be behind that of theirs.
 */
export function newIncarnation(earlier: Iterable<string> = []): string {
  const known = [...earlier].map((id) => parseInt(id.slice(0, 12), 16)).filter(Number.isFinite);
  const time = known.reduce((latest, one) => Math.max(latest, one + 1), Date.now());
  return time.toString(16).padStart(12, "0") + randomBytes(4).toString("hex");
}

/** Outputs of every kind. */
const OUTPUTS = new Set(
  "drift converged machineId productUuid hostKey proxyHostKey format".split(" "),
);

function isInput({ inputs }: ResourceKind, key: string): boolean {
  return Object.hasOwn(inputs, key);
}

function isOutput({ unread }: ResourceKind, key: string): boolean {
  return OUTPUTS.has(key) || Object.hasOwn(unread, key);
}

/** Every input is mirrored in the outputs. */
function inputsIn(kind: ResourceKind, properties: Properties): Properties {
  return pick(properties, (key) => isInput(kind, key));
}

/** What a later version wrote: an input of its own or an output, which here nobody can tell. */
function unknownIn(kind: ResourceKind, properties: Properties): Properties {
  return pick(
    properties,
    (key) => !isInput(kind, key) && !isOutput(kind, key) && key !== PROVIDER_KEY,
  );
}

function pick(properties: Properties, wanted: (key: string) => boolean): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => wanted(key)));
}

function pinsIn({ hostKey, proxyHostKey }: Properties): HostKeys {
  return {
    ...(typeof hostKey === "string" && { hostKey }),
    ...(typeof proxyHostKey === "string" && { proxyHostKey }),
  };
}

/** Pulumi shows a changed state, and what the host says of itself is in it. */
function readableIn(properties: Properties): Properties {
  // A control character is escaped in JSON, so only the parsed strings are changed, keys too.
  const parsed: unknown = JSON.parse(JSON.stringify(properties), (_, value: unknown) => {
    if (typeof value === "string") return readable(value);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [readable(key), part]));
  });
  return parsed as Properties;
}

/** Pulumi's wire refuses undefined; JSON drops it. */
function plain(properties: Properties): Properties {
  return JSON.parse(JSON.stringify(properties)) as Properties;
}
