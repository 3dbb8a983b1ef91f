import { isDeepStrictEqual } from "node:util";
import { RealServerError } from "../domain/errors";
import type { Work } from "../inputs/field";
import { parseSettings, realServerInputs, type Settings } from "../inputs/real-server";
import { PROVIDER_KEY } from "./provider-source";
import type { Properties } from "./state";

/**
 * What has to be done to get from settings that the host has converged to, to new ones: the most that
 * any changed input asks for. An update that Pulumi asks for although nothing changed converges.
 */
export function workBetween(olds: Settings, news: Settings): Work {
  const changed = NAMES.filter((name) => !isDeepStrictEqual(olds[name], news[name]));
  const asked = new Set<Work>(changed.map((name) => realServerInputs[name].change));
  if (changed.length === 0 || asked.has("converge")) return "converge";
  return asked.has("reach") ? "reach" : "nothing";
}

/** Whether the properties name another host; an unknown one may be another. */
export function isMoved(olds: Properties, news: Properties): boolean {
  return hostIn(olds) !== hostIn(news);
}

/**
 * Whether properties differ and yet say the same: a default that is spelled out in one of them, as
 * older states have them all, or another text that loads the provider. Of properties that do not
 * differ nothing is said, because what became secret, or is no longer, the engine alone sees.
 */
export function isRespelled(olds: Properties, news: Properties): boolean {
  if ([PROVIDER_KEY, ...NAMES].every((name) => isDeepStrictEqual(olds[name], news[name])))
    return false;
  const [before, after] = [settingsIn(olds), settingsIn(news)];
  return before !== undefined && isDeepStrictEqual(before, after);
}

const NAMES = Object.keys(realServerInputs) as (keyof Settings)[];

/** Undefined where values are not known yet, or where a state was edited by hand. */
function settingsIn(properties: Properties): Settings | undefined {
  try {
    return parseSettings(properties);
  } catch (error) {
    if (error instanceof RealServerError) return undefined;
    throw error;
  }
}

function hostIn({ connection }: Properties): unknown {
  return typeof connection === "object" && connection !== null && "host" in connection
    ? connection.host
    : undefined;
}
