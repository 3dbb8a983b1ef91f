import { INSPECTION_PROGRAM, REAL_SERVER_CHANGES, REAL_SERVER_PROGRAM } from "../host/scripts";
import { parseObservation, type Observed } from "../observed/observed";
import { idOf } from "../observed/registry";
import type { Desired } from "../plan/claim";
import { plan, type Plan } from "../plan/plan";
import { changeRequest } from "../plan/request";
import { describe, summary } from "../plan/words";
import { defineCall } from "../protocol/program";
import type { HostKind, Observer } from "./kind";

/** The first kind of host. What its observations tell of besides are VIPs: how each is delivered. */
export const REAL_SERVER: HostKind<Desired, Observed, Plan> = {
  program: REAL_SERVER_PROGRAM,
  parse: parseObservation,
  plan,
  request: ({ changes, guard }, vips) =>
    `${defineCall(REAL_SERVER_CHANGES)} && ${changeRequest(changes, guard, vips)}`,
  summary: ({ changes }) => summary(changes),
  left: ({ changes }) => changes.map(describe),
  isCommitted,
};

/** A real server as an inspection sees it: its program has answers that no other operation asks for. */
export const INSPECTED_SERVER: Observer<Observed> = {
  program: INSPECTION_PROGRAM,
  parse: parseObservation,
};

/**
 * Every commit that serves a claim has written its record anew. What differs beside that record is
 * drift by now: taken for a rollback, it would leave a create's VIPs on the host and no state.
 */
function isCommitted(desired: Desired, observed: Observed): boolean {
  const record = observed.registry?.owners.get(idOf(desired.claim.owner));
  return record?.seen === desired.now || plan(desired, observed).changes.length === 0;
}
