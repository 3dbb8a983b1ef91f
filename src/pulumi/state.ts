import { randomBytes } from "node:crypto";
import type { HostReport } from "../operation/converge";
import { savedFrom, savedWords, type SavedSysctl } from "../domain/sysctl";
import { RealServerError, type HostKeys } from "../domain/errors";
import { PROVIDER_KEY } from "./provider-source";
import { parseSettings, realServerInputs, type Settings } from "../inputs/real-server";
import { readable } from "../domain/terminal";

/** A resource's properties, as Pulumi hands them over: JSON. */
export type Properties = Record<string, unknown>;

/** What the state of a resource says, read. */
export interface State {
  /** What was declared, also after a read that found less. */
  readonly settings: Settings;
  /** The declared inputs as they stand in the state. */
  readonly inputs: Properties;
  /** The host keys of the last contact. */
  readonly pins: HostKeys;
  /** The sysctl values that the host had before this resource's first claim. */
  readonly saved: readonly SavedSysctl[];
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
export function readState(outputs: Properties): State {
  refuseNewer(outputs);
  const inputs = inputsIn(outputs);
  const { saved, machineId, productUuid, converged } = outputs;
  return {
    settings: parseSettings(inputs),
    inputs,
    pins: pinsIn(outputs),
    saved: Array.isArray(saved) ? saved.flatMap(savedIn) : [],
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

/**
 * The state after an operation that ended with a report: the inputs, what the host said, and of the
 * state before it what this version does not know.
 */
export function reportedState(
  inputs: Properties,
  report: HostReport,
  olds: Properties,
): Properties {
  const { bindings, effectiveArp, foreignVips, drift, machineId } = report;
  return plain({
    ...unknownIn(olds),
    ...inputsIn(inputs),
    ...readableIn({ bindings, effectiveArp, foreignVips, drift, machineId }),
    saved: report.saved.map((one) => savedWords(one).join(" ")),
    converged: drift.length === 0,
    hostKey: report.hostKey,
    productUuid: report.hostKey === undefined ? report.productUuid : undefined,
    proxyHostKey: report.proxyHostKey,
    format: FORMAT,
  });
}

/** The state after an update that left the host as it was: new inputs, and all else as known. */
export function restatedState(inputs: Properties, olds: Properties, pins: HostKeys): Properties {
  return plain({
    ...unknownIn(olds),
    ...outputsIn(olds),
    ...inputsIn(inputs),
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
export function unsettledState(inputs: Properties, olds: Properties, pins: HostKeys): Properties {
  const nothing = { bindings: [], effectiveArp: {}, foreignVips: [], drift: [], saved: [] };
  const provider = { [PROVIDER_KEY]: inputs[PROVIDER_KEY] };
  return { ...restatedState(inputs, { ...nothing, ...olds }, pins), ...provider, converged: false };
}

/**
 * A name for one life of a resource on its host: the time in milliseconds and four random bytes, in
 * hex, so that a later one sorts after an earlier one.
 */
export function newIncarnation(): string {
  return Date.now().toString(16).padStart(12, "0") + randomBytes(4).toString("hex");
}

const INPUTS = new Set(Object.keys(realServerInputs));

const OUTPUTS = new Set([
  "bindings",
  "effectiveArp",
  "foreignVips",
  "drift",
  "converged",
  "machineId",
  "productUuid",
  "hostKey",
  "proxyHostKey",
  "saved",
  "format",
]);

/** Every input is mirrored in the outputs. */
function inputsIn(properties: Properties): Properties {
  return pick(properties, (key) => INPUTS.has(key));
}

function outputsIn(properties: Properties): Properties {
  return pick(properties, (key) => OUTPUTS.has(key));
}

/** What a later version wrote: an input of its own or an output, which here nobody can tell. */
function unknownIn(properties: Properties): Properties {
  return pick(properties, (key) => !INPUTS.has(key) && !OUTPUTS.has(key) && key !== PROVIDER_KEY);
}

function pick(properties: Properties, wanted: (key: string) => boolean): Properties {
  return Object.fromEntries(Object.entries(properties).filter(([key]) => wanted(key)));
}

/** A text each, because every resource carries them: "all arp_ignore 0 1" was 0 before, and we wrote 1. */
function savedIn(text: unknown): SavedSysctl[] {
  const saved = savedFrom(String(text).split(" "));
  return saved ? [saved] : [];
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
