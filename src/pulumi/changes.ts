import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../inputs/stored";
import type { Properties } from "./state";

/**
 * What an update has to do on the host.
 *
 * - `nothing`: only policy changed. No connection, because a host that is dead must be able to
 *   become `forget`.
 * - `reach`: the way to the host changed too; prove that it leads there, and touch nothing.
 * - `converge`: all else, also an update that Pulumi asks for although nothing changed.
 */
export type Work = "nothing" | "reach" | "converge";

/** What has to be done to get from settings that the host has converged to, to new ones. */
export function workBetween(olds: Settings, news: Settings): Work {
  const bound = ({ vips, arp, persist, staleVips, owner }: Settings): unknown => [
    ...[vips, arp, persist, staleVips, owner],
  ];
  if (!isDeepStrictEqual(bound(olds), bound(news)) || isDeepStrictEqual(olds, news)) {
    return "converge";
  }
  return isDeepStrictEqual(olds.connection, news.connection) ? "nothing" : "reach";
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
