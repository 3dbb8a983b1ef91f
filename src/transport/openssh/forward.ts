import type { Endpoint, FromHost } from "../transport";
import { TryAgain } from "../problems";
import { forwardArguments } from "./arguments";
import { startForward } from "./process";
import { problemOf, withFiles, type Way } from "./way";
import { readNotConnected, saysConnected, withoutLog } from "./words";

/**
 * A connection of the host's own, by an `ssh -W` that logs in for it.
 *
 * @throws RealServerError where the login is refused; the signal's reason
 */
export async function forwardByOpenssh(
  way: Way,
  to: Endpoint,
  signal: AbortSignal,
): Promise<FromHost> {
  return withFiles(way, async (files) => {
    const words = forwardArguments(way.connection, way.client, files, to);
    const run = { command: way.client.command, words, input: "" };
    const end = await startForward(run, signal, saysConnected);
    if (!("printed" in end)) return { kind: "connected", stream: end };
    const told = readNotConnected(end.printed);
    if (told !== undefined) return told;
    const problem = problemOf(way, files, { ...end, printed: withoutLog(end.printed) });
    if (problem instanceof TryAgain) return { kind: "not-connected", words: problem.message };
    throw problem;
  });
}
