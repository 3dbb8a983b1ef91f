import { attempt, type SshSession } from "./attempt";
import type { PreparedHop } from "./prepared-hop";
import { openTcp, type OpenStream } from "./tcp";
import { unreachable } from "../problems";
import { dialAgain, type DialBounds } from "../redial";

/** What bounds all dialling together, both hops of it. */
export interface DialLimits extends DialBounds {
  /** There is a bastion before it. */
  readonly behindBastion: boolean;
}

/**
 * Dials a hop again until it answers; see {@link dialAgain}.
 *
 * @param prepare makes the way to the hop for the next attempt; TCP from here unless it is given
 * @throws RealServerError `unreachable`, or what cannot be cured by another attempt
 */
export async function dialUntil(
  login: PreparedHop,
  limits: DialLimits,
  prepare?: () => Promise<OpenStream>,
): Promise<SshSession> {
  const { hop, title } = login;
  const { host, behindBastion, signal, deadline } = limits;
  return dialAgain(
    {
      title,
      dialErrorLimit: hop.dialErrorLimit,
      attempt: async (seconds) => {
        if (prepare === undefined) return attempt(login, openTcp(hop), signal, seconds);
        const open = await prepare();
        // The bastion has taken some of it.
        const left = (deadline - performance.now()) / 1000;
        return attempt(login, open, signal, Math.max(left, 0.4));
      },
      givenUp: (tries, cause) =>
        unreachable({ ...tries, hop, title, host, direct: !behindBastion }, cause),
    },
    limits,
  );
}
