import { nameOfTarget, selectorOf } from "../domain/virtual-service";
import { blockOf } from "../inputs/manager";
import { shapeOf } from "../inputs/service-shape";
import type { ServiceSettings } from "../inputs/virtual-service";
import {
  inspectService,
  serve,
  withdrawService,
  type DirectorReport,
  type ServeOptions,
} from "../operation/serve";
import { Turns } from "../operation/turns";
import type { MaySend } from "../plan/claim";
import type { ServiceClaim } from "../plan/service/claim";
import { SERVICE_KIND } from "./service-kind";
import { markedService } from "./service-marks";
import { readState } from "./state";
import { Verbs, type HostVerbs, type Subject } from "./verbs";

/** So many logins at once: an sshd drops more than ten (MaxStartups), and other stacks have theirs. */
const turns = new Turns(4);

const HOST: HostVerbs<ServiceSettings, DirectorReport> = {
  connectionIn: ({ director }) => director,
  ownerIn,
  converge: (subject) => serve(subject.operation, claimOf(subject), optionsFor(subject)),
  inspect: (subject) => inspectService(subject.operation, claimOf(subject), optionsFor(subject)),
  withdraw: (subject) => {
    warnOfDropped(subject);
    return withdrawService(subject.operation, claimOf(subject), optionsFor(subject));
  },
  outputs: ({ table, foreign, failing }) => ({
    ...{ table: table ?? {}, foreign },
    ...(failing && { failing }),
  }),
  marked: (inputs, settings, { table, failing }) => markedService(inputs, settings, table, failing),
  ended: remember,
};

/** What Pulumi asks of a virtual service that takes a connection. */
export const serviceVerbs = new Verbs(SERVICE_KIND, HOST);

/**
 * The name in the director's registry. Another VIP or port replaces the resource, and the new service
 * is there before the old one goes: each has a record of its own.
 */
function ownerIn(settings: ServiceSettings): string {
  return `${settings.owner} ${selectorOf(shapeOf(settings).target)}`;
}

function claimOf({ run, settings, id, state }: Subject<ServiceSettings>): ServiceClaim {
  const { foreignDestinations, allowEmpty, drain } = settings;
  const service = shapeOf(settings);
  const block = blockOf(settings.manager, service.target);
  // keepalived reads its files at boot.
  const persist = settings.persist && block === undefined;
  const former = state?.settings.destinations.map(({ address }) => address.address);
  // The very sets, not copies: operations that run at once must see each other's.
  const { replaced: replaces, made: beside } = run;
  return {
    ...{ owner: ownerIn(settings), incarnation: id, service },
    ...{ foreignDestinations, persist, allowEmpty, drains: drain !== undefined, replaces, beside },
    ...(former && { former }),
    ...(block && { block }),
  };
}

function optionsFor({ settings: { director, drain } }: Subject<ServiceSettings>): ServeOptions {
  return { drain, turn: turns.at(`${director.host} ${director.port ?? ""}`) };
}

/** It is too late, but who reads it does it in two steps the next time. */
function warnOfDropped({ operation, run, settings: { vip } }: Subject<ServiceSettings>): void {
  if (vip !== undefined && run.dropped.has(vip.address))
    operation.warn(
      `${vip.address} was withdrawn from a real server in this run, before this service was removed: what the director sent there meanwhile is lost. Remove the service first, and drop the VIP in a second up`,
    );
}

/**
 * A director that could not be told may still send requests to whatever it had, or half has now. With
 * `--continue-on-error` the engine goes on to the hosts that leave.
 */
function remember(subject: Subject<ServiceSettings>, isDone: boolean): void {
  const { run, id, settings, state } = subject;
  if (isDone) {
    run.failedServices.delete(id);
    return;
  }
  const replaced = run.predecessors.get(settings.owner);
  const before = state ?? (replaced && readState(SERVICE_KIND, replaced));
  const sent = [settings, ...(before ? [before.settings] : [])].map(sentBy);
  run.failedServices.set(id, sent);
}

function sentBy(settings: ServiceSettings): MaySend {
  return {
    director: settings.director.host,
    service: nameOfTarget(shapeOf(settings).target),
    vip: settings.vip?.address,
    destinations: settings.destinations.map(({ address }) => address.address),
  };
}
