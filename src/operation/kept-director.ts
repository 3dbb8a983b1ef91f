import { setTimeout as pause } from "node:timers/promises";
import type { KeepalivedBlock } from "../domain/keepalived";
import { KEEPALIVED_CHANGES, KEEPALIVED_CHECK_PROGRAM, KEEPALIVED_PROGRAM } from "../host/scripts";
import { parseKeepalivedDirector, type ObservedDirector } from "../observed/director";
import type { DesiredService } from "../plan/service/claim";
import { keptBehind, unexplained } from "../plan/service/kept";
import { planService, type ServiceChange, type ServicePlan } from "../plan/service/plan";
import {
  askRequest,
  changesRequest,
  observeRequest,
  serviceRequest,
} from "../plan/service/request";
import type { TableStep } from "../plan/service/steps";
import { defineCall, giveUpRequest } from "../protocol/program";
import { DIRECTOR } from "./director";
import type { HostKind, Observer } from "./kind";

/**
 * A director whose table keepalived keeps, as it is read: asked about a service and its file, and where the
 * block says so, keepalived about its checks.
 */
export function observedWith({ asks }: KeepalivedBlock): Observer<ObservedDirector> {
  return {
    program: asks ? KEEPALIVED_CHECK_PROGRAM : KEEPALIVED_PROGRAM,
    parse: parseKeepalivedDirector,
  };
}

/**
 * The same as a kind of host. keepalived reads its files when it has been told to, which nothing but the
 * table shows: it is looked at until it has what the files say anew. What no change of a file is about, as
 * a weight that somebody has set with ipvsadm, is put right there then.
 *
 * @param before the director as the operation found it
 */
export function keptDirector(
  block: KeepalivedBlock,
  before: ObservedDirector,
): HostKind<DesiredService, ObservedDirector, ServicePlan> {
  return {
    ...DIRECTOR,
    ...observedWith(block),
    request: ({ target, changes }) =>
      `${defineCall(KEEPALIVED_CHANGES)} && ${serviceRequest(target, changes, block.file)}`,
    settle: async (desired, after, ask) => {
      const read = await untilRead(desired, before, after, ask);
      const isClear = unexplained(desired.claim, read).length === 0;
      const seen = isClear ? read : parseKeepalivedDirector(await ask(askRequest(desired.claim)));
      const { target, changes } = planService(desired, seen);
      const steps = changes.filter(isTableStep);
      if (steps.length === 0 || changes.some(({ kind }) => kind === "block")) return seen;
      const request = changesRequest(target, steps, block.file);
      return parseKeepalivedDirector(await ask(request));
    },
  };
}

function isTableStep(change: ServiceChange): change is TableStep {
  return change.kind === "add" || change.kind === "edit" || change.kind === "remove";
}

/** A reload is read within 0.3 s on an idle machine. */
const SECONDS = 10;

async function untilRead(
  desired: DesiredService,
  before: ObservedDirector,
  after: ObservedDirector,
  ask: (request: string) => Promise<string>,
): Promise<ObservedDirector> {
  const { service, block } = desired.claim;
  const end = performance.now() + SECONDS * 1000;
  let seen = after;
  for (;;) {
    const behind = after.keepalived?.daemons.length === 0 ? [] : keptBehind(desired, before, seen);
    if (behind.length === 0) return seen;
    if (seen.keepalived?.daemons.length === 0) await ask(giveUpRequest(ENDED));
    if (performance.now() > end) {
      if (behind.every(({ mayBeOut }) => mayBeOut)) return seen;
      const missing = behind.map(({ what }) => what).join("; ");
      const what = `keepalived has not done within ${SECONDS} s what its file says (${missing}): see journalctl -u keepalived; it reads nothing before a restart where it hangs, or where its configuration has a change that needs one`;
      await ask(giveUpRequest(what));
    }
    await pause(POLL_MILLISECONDS);
    seen = parseKeepalivedDirector(await ask(observeRequest(service.target, block?.file)));
  }
}

const POLL_MILLISECONDS = 200;
const ENDED =
  "keepalived has ended since it was told to read its configuration: see journalctl -u keepalived for the reason, start it (systemctl start keepalived), and try again";
