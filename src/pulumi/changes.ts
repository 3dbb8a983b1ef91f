import { isDeepStrictEqual } from "node:util";
import { RealServerError } from "../domain/errors";
import type { Work } from "../inputs/field";
import type { PolicySettings, Properties, ResourceKind } from "./kind";
import { PROVIDER_KEY } from "./provider-source";

/**
 * What has to be done to get from settings that the host has converged to, to new ones: the most that
 * any changed input asks for. An update that Pulumi asks for although nothing changed converges.
 */
export function workBetween<Settings extends PolicySettings>(
  { inputs }: ResourceKind<Settings>,
  olds: Settings,
  news: Settings,
): Work {
  const [before, after] = [olds, news] as Readonly<Record<string, unknown>>[];
  const changed = Object.entries(inputs).filter(
    ([name]) => !isDeepStrictEqual(before?.[name], after?.[name]),
  );
  const asked = new Set<Work>(changed.map(([, { change }]) => change));
  if (changed.length === 0 || asked.has("converge")) return "converge";
  return asked.has("reach") ? "reach" : "nothing";
}

/**
 * The inputs for whose sake the resource is replaced: the way to the host where that names another, and
 * what else makes it another resource. What is not known yet may be another.
 */
export function replacedBy(
  { inputs, way, replacing }: ResourceKind,
  olds: Properties,
  news: Properties,
): string[] {
  const value = (properties: Properties, name: string) => properties[name] ?? inputs[name]?.default;
  const others = replacing.filter(
    (name) => !isDeepStrictEqual(value(olds, name), value(news, name)),
  );
  return [...(hostIn(olds[way]) === hostIn(news[way]) ? [] : [way]), ...others];
}

/**
 * Whether properties differ and yet say the same: a default that is spelled out in one of them, as
 * older states have them all, or another text that loads the provider. Of properties that do not
 * differ nothing is said, because what became secret, or is no longer, the engine alone sees.
 */
export function isRespelled(kind: ResourceKind, olds: Properties, news: Properties): boolean {
  const names = [PROVIDER_KEY, ...Object.keys(kind.inputs)];
  if (names.every((name) => isDeepStrictEqual(olds[name], news[name]))) return false;
  const [before, after] = [settingsIn(kind, olds), settingsIn(kind, news)];
  return before !== undefined && isDeepStrictEqual(before, after);
}

/** Undefined where values are not known yet, or where a state was edited by hand. */
function settingsIn({ parse }: ResourceKind, properties: Properties): PolicySettings | undefined {
  try {
    return parse(properties);
  } catch (error) {
    if (error instanceof RealServerError) return undefined;
    throw error;
  }
}

/** Whether a machine that answers is known not to be the one of these outputs. */
export function isAnotherMachine(machineId: string, { machineId: known }: Properties): boolean {
  return typeof known === "string" && ![known, machineId].includes("-") && known !== machineId;
}

function hostIn(way: unknown): unknown {
  return typeof way === "object" && way !== null && "host" in way ? way.host : undefined;
}
