import type { HostKeys } from "../domain/errors";
import type { Observed } from "../observed/observed";
import { asRecorded, recordOf, type Claim, type Desired } from "../plan/claim";
import { plan, type Plan } from "../plan/plan";
import { recordState, report, type ClaimReport } from "../plan/report";
import { keepsFromService, routesToSelf } from "../plan/routes";
import { boundElsewhere, warnings } from "../plan/warnings";
import type { Opening } from "../protocol/program";
import { carryOut, refuse } from "./carry-out";
import { drainFirst } from "./drain";
import type { DrainPolicy } from "./drain-tally";
import { readiness } from "./ready";
import type { ReadyPolicy } from "./ready-words";
import { INSPECTED_SERVER, REAL_SERVER } from "./real-server";
import { onHost, type Operation, type Purpose, type Session } from "./session";

/** What the host says of a claim, and what it is known by: the keys that it and its bastion have, and a number. */
export interface HostReport extends ClaimReport, HostKeys {
  /** `-` where the host has none. */
  readonly productUuid: string;
}

/** How VIPs leave, and what must answer on those that stay. */
export interface ConvergeOptions {
  readonly drain?: DrainPolicy | undefined;
  readonly ready?: ReadyPolicy | undefined;
}

/**
 * Makes the host serve the claim: observe, plan, apply, verify, commit.
 *
 * Raises {@link RealServerError}; `aftermath` says whether the host is untouched, rolled back, or
 * not known to be either.
 */
export async function converge(
  operation: Operation,
  claim: Claim,
  options: ConvergeOptions = {},
): Promise<HostReport> {
  const desired: Desired = { kind: "serve", claim, now: new Date().toISOString() };
  const leaving = (observed: Observed) => plan(desired, observed).leaving;
  const asked = claim.vips.map(({ address }) => address);
  const purpose = { ...purposeOf(claim, "hold"), condition: readiness(asked, options.ready) };
  return drainFirst(operation, options.drain, leaving, (gate) =>
    onHost(REAL_SERVER, operation, purpose, async (session, observed) => {
      const needed = plan(desired, observed);
      refuse(needed);
      if (!(await gate(session, observed, needed.leaving))) return undefined;
      const said = [
        ...needed.stale.map((prefix) => `${prefix} leaves lo: declared by nobody (staleVips)`),
        ...warnings(claim, recordOf(claim, "").claims, observed),
      ];
      for (const text of needed.notes) operation.warn(text);
      for (const text of said) operation.warn(text);
      const after = await carryOut(REAL_SERVER, session, desired, needed, observed);
      for (const text of comesBack(needed, after)) operation.warn(text);
      return reportOf(session, claim, after);
    }),
  );
}

/** What the host is like beside the claim. Changes nothing, but settles an operation that was cut off. */
export async function inspectClaim(operation: Operation, claim: Claim): Promise<HostReport> {
  return onHost(REAL_SERVER, operation, purposeOf(claim, "share"), async (session, observed) => {
    for (const text of warnings(claim, recordOf(claim, "").claims, observed)) operation.warn(text);
    return Promise.resolve(reportOf(session, claim, observed));
  });
}

/**
 * Takes the claim off the host: its VIPs, its record, and the sysctls that nobody needs any more.
 *
 * `superseded`: a later create on this very host has taken over; nothing was withdrawn. `notes`: what
 * stays on the host, and why.
 */
export async function withdraw(
  operation: Operation,
  claim: Claim,
  options: { readonly sysctls: "restore" | "leave"; readonly drain?: DrainPolicy | undefined },
): Promise<{ superseded: boolean; notes: readonly string[] }> {
  const { sysctls, drain } = options;
  const desiredOn = (observed: Observed): Desired => {
    return { kind: "withdraw", claim: asRecorded(claim, observed), now: "-", sysctls };
  };
  const leaving = (observed: Observed) => plan(desiredOn(observed), observed).leaving;
  return drainFirst(operation, drain, leaving, (gate) =>
    onHost(REAL_SERVER, operation, purposeOf(claim, "hold"), async (session, observed) => {
      if (recordState(claim, observed) === "newer") return { superseded: true, notes: [] };
      const desired = desiredOn(observed);
      const needed = plan(desired, observed);
      refuse(needed);
      if (!(await gate(session, observed, needed.leaving))) return undefined;
      // The record may have more than the state, after an operation whose answer was lost.
      const asked = { ...session, purpose: purposeOf(desired.claim, "hold") };
      const after = await carryOut(REAL_SERVER, asked, desired, needed, observed);
      return { superseded: false, notes: [...needed.notes, ...comesBack(needed, after)] };
    }),
  );
}

/** What a look sees, and the way to ask more. */
export interface Look {
  readonly observed: Observed;
  readonly keys: HostKeys;
  /** Sends a request that only reads. @returns its answer's body */
  ask(request: string): Promise<string>;
}

/** Sees the host without its lock, and changes nothing: not even a cut-off operation is settled. */
export async function look<Result>(
  operation: Operation,
  work: (seen: Look) => Promise<Result>,
): Promise<Result> {
  return onHost(INSPECTED_SERVER, operation, INSPECTION, ({ conversation, keys }, observed) =>
    work({ observed, keys, ask: (request) => conversation.request(request) }),
  );
}

/**
 * Proves that the host can be reached with these credentials, as root where sudo is asked for.
 *
 * @returns what it is known by: its keys, and its machine-id, `-` where it has none
 */
export async function reach(
  operation: Operation,
): Promise<{ readonly keys: HostKeys; readonly machineId: string }> {
  return look(operation, ({ keys, observed }) =>
    Promise.resolve({ keys, machineId: observed.machine.machineId }),
  );
}

const INSPECTION: Purpose = { mode: "look", holder: "an inspection", subjects: [] };

function purposeOf(claim: Claim, mode: Opening["mode"]): Purpose {
  const { owner: holder, vips, dropped = [] } = claim;
  return { mode, holder, subjects: [...vips.map((vip) => vip.address), ...dropped] };
}

function reportOf({ keys }: Session, claim: Claim, observed: Observed): HostReport {
  return { ...report(claim, observed), ...keys, productUuid: observed.machine.productUuid };
}

/** What has a VIP that left `lo` here all the same, now or after a boot. */
function comesBack(needed: Plan, after: Observed): string[] {
  return [...stillLocal(needed, after), ...boundElsewhere(needed.unclaimed, after)];
}

/** Not on `lo` any more, and the host still delivers it to itself: somebody else has it, too. */
function stillLocal({ unclaimed }: Plan, after: Observed): string[] {
  return unclaimed.flatMap((address) => {
    if (!after.local.includes(address)) return [];
    const holder = after.addresses.find((one) => one.address === address);
    const routes = routesToSelf(address, after);
    if (holder === undefined && routes.length > 0)
      return routes.map((route) => keepsFromService(address, route));
    return [
      `${address} is still delivered to the host itself${holder ? `, by ${holder.prefix} on ${holder.interface}` : " (see: ip route get " + address + ")"}`,
    ];
  });
}
