import { DIRECTOR_CHANGES, DIRECTOR_PROGRAM } from "../host/scripts";
import { parseDirector, type ObservedDirector } from "../observed/director";
import { idOf } from "../observed/registry";
import type { DesiredService } from "../plan/service/claim";
import { planService, type ServicePlan } from "../plan/service/plan";
import { serviceRequest } from "../plan/service/request";
import { describeServiceChange, serviceSummary } from "../plan/service/words";
import { defineCall } from "../protocol/program";
import type { HostKind } from "./kind";

/** The second kind of host. What its observations are asked about is a service, by its selector. */
export const DIRECTOR: HostKind<DesiredService, ObservedDirector, ServicePlan> = {
  program: DIRECTOR_PROGRAM,
  parse: parseDirector,
  plan: planService,
  request: ({ target, changes }) =>
    `${defineCall(DIRECTOR_CHANGES)} && ${serviceRequest(target, changes)}`,
  summary: ({ changes }) => serviceSummary(changes),
  left: ({ changes }) => changes.map(describeServiceChange),
  isCommitted,
};

/** Every commit that serves a claim has written its record anew; what differs beside it is drift by now. */
function isCommitted(desired: DesiredService, observed: ObservedDirector): boolean {
  const record = observed.registry?.owners.get(idOf(desired.claim.owner));
  return record?.seen === desired.now || planService(desired, observed).changes.length === 0;
}
