import type { Settings } from "../inputs/real-server";
import { converge, inspectClaim, withdraw, type HostReport } from "../operation/converge";
import type { Claim } from "../plan/claim";
import { marked } from "./drift-marks";
import { REAL_SERVER_KIND, realServerOutputs, savedIn } from "./real-server-kind";
import { Verbs, type HostVerbs, type Subject } from "./verbs";

const HOST: HostVerbs<Settings, HostReport> = {
  connectionIn: ({ connection }) => connection,
  ownerIn: ({ owner }) => owner,
  converge: (subject) => converge(subject.operation, claimOf(subject), subject.settings),
  inspect: (subject) => inspectClaim(subject.operation, claimOf(subject)),
  withdraw: (subject) => {
    const { sysctlsOnDestroy, drain } = subject.settings;
    return withdraw(subject.operation, claimOf(subject), { sysctls: sysctlsOnDestroy, drain });
  },
  outputs: realServerOutputs,
  marked,
  ended: rememberDropped,
  wasRead: ({ run, id }, { withdrawable }) => void run.withdrawable.set(id, withdrawable),
};

/** What Pulumi asks of a real server that takes a connection. */
export const realServerVerbs = new Verbs(REAL_SERVER_KIND, HOST);

/** Pulumi updates real servers before it deletes the services that sent to them. */
function rememberDropped(subject: Subject<Settings>, isDone: boolean): void {
  if (isDone) for (const address of droppedIn(subject)) subject.run.dropped.add(address);
}

/** The VIPs that the state has, and the program no longer. */
function droppedIn({ settings, state }: Subject<Settings>): string[] {
  const kept = new Set(settings.vips.map(({ address }) => address));
  const had = state?.settings.vips ?? [];
  return had.map(({ address }) => address).filter((address) => !kept.has(address));
}

function claimOf(subject: Subject<Settings>): Claim {
  const { run, settings, id, state } = subject;
  const { owner, vips, rips, arp, persist, staleVips } = settings;
  const saved = savedIn(state?.outputs ?? {});
  const maySend = [...run.failedServices.values()].flat();
  // The very sets, not copies: operations that run at once must see each other's.
  const { replaced: replaces, made: beside } = run;
  return {
    ...{ owner, incarnation: id, vips, dropped: droppedIn(subject), arp, persist, staleVips },
    ...{ rips, saved, maySend, replaces, beside },
  };
}
