import { isDeepStrictEqual } from "node:util";
import type { Work } from "../inputs/field";
import { realServerInputs, type Settings } from "../inputs/real-server";
import type { Properties } from "./state";

/**
 * What has to be done to get from settings that the host has converged to, to new ones: the most that
 * any changed input asks for. An update that Pulumi asks for although nothing changed converges.
 */
export function workBetween(olds: Settings, news: Settings): Work {
  const changed = (Object.keys(realServerInputs) as (keyof Settings)[]).filter(
    (name) => !isDeepStrictEqual(olds[name], news[name]),
  );
  const asked = new Set<Work>(changed.map((name) => realServerInputs[name].change));
  if (changed.length === 0 || asked.has("converge")) return "converge";
  return asked.has("reach") ? "reach" : "nothing";
}

/** Whether the properties name another host; an unknown one may be another. */
export function isMoved(olds: Properties, news: Properties): boolean {
  return hostIn(olds) !== hostIn(news);
}

function hostIn({ connection }: Properties): unknown {
  return typeof connection === "object" && connection !== null && "host" in connection
    ? connection.host
    : undefined;
}
