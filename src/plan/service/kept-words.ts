import { blockOwner } from "../../domain/keepalived";
import { endpoint, nameOfTarget, portOf, selectorOf } from "../../domain/virtual-service";
import type { ObservedDirector } from "../../observed/director";
import type { ObservedKeepalived } from "../../observed/keepalived";
import type { ServiceRecord } from "../../observed/service-records";
import { servedBy, type DesiredService, type ServiceClaim } from "./claim";
import { listed } from "../words";
import { isOurs, unexplained } from "./kept";

/** Why keepalived must not be told of a service: what is wrong, and what to do about it. Pure. */
export function keptRefusals(
  { kind, claim }: DesiredService,
  mine: ReadonlyMap<string, ServiceRecord>,
  changes: readonly { readonly kind: string; readonly isRead?: boolean }[],
  observed: ObservedDirector,
): string[] {
  const { keepalived } = observed;
  if (claim.block === undefined || keepalived === undefined) return unmanaged(claim, mine);
  const { daemons, fatal } = keepalived;
  const several =
    daemons.length < 2
      ? []
      : [
          `keepalived runs on this director more than once (processes ${daemons.join(", ")}): which of them is to have the service is not known; stop all but one`,
        ];
  const isRead = changes.some((one) => one.isRead === true);
  const ending = isRead && fatal.length > 0 ? [endsBy(fatal)] : [];
  if (kind === "withdraw") return [...several, ...ending];
  return [
    ...several,
    ...unable(claim.block.file, keepalived),
    ...foreignFile(claim, mine, keepalived),
    ...declaredElsewhere(claim, mine, observed),
    ...deserted(claim),
    ...ending,
  ];
}

/** What people should know about keepalived's configuration, whoever wrote it, and its checks. Pure. */
export function keptWarnings(claim: ServiceClaim, observed: ObservedDirector): string[] {
  return [...complained(observed), ...unanswered(claim, observed)];
}

function complained({ keepalived }: ObservedDirector): string[] {
  if (keepalived === undefined || keepalived.complaints.length === 0) return [];
  const { complaints, fatal } = keepalived;
  if (fatal.length > 0) return [endsBy(fatal)];
  return [`keepalived -t finds fault with its configuration: ${complaints.join("; ")}`];
}

/** It was to be asked, and something is missing. */
function unanswered(claim: ServiceClaim, observed: ObservedDirector): string[] {
  const { target } = claim.service;
  const out = unexplained(claim, observed);
  if (out.length === 0) return [];
  const names = listed(out.map(({ address }) => endpoint(address, portOf(target))));
  return [
    `${names} ${out.length === 1 ? "is" : "are"} missing from ${nameOfTarget(target)}, or at weight 0, and whether for a failed check is not known: within 3 s of SIGUSR1 keepalived has written nothing of that service to keepalived_check.data in its /tmp (see journalctl -u keepalived); until it does, what is missing counts as failing`,
  ];
}

function endsBy(fatal: readonly string[]): string {
  return `keepalived's configuration has what a running keepalived may end by when it reads it, health checks and VRRP with it (${fatal.join("; ")}): put that right first; keepalived -t shows it`;
}

/** Of a claim whose table is ours to write. */
function unmanaged(claim: ServiceClaim, mine: ReadonlyMap<string, ServiceRecord>): string[] {
  return [...mine.values()].flatMap(({ block }) =>
    block === undefined
      ? []
      : [
          `${nameOfTarget(claim.service.target)} is in keepalived's file ${block} by this resource: give it manager again, or destroy it first`,
        ],
  );
}

function unable(file: string, keepalived: ObservedKeepalived): string[] {
  const { daemons, version, configuration = "", isIncluded, hasFolder } = keepalived;
  if (daemons.length === 0)
    return [
      "keepalived does not run on this director: start it (systemctl start keepalived), or leave manager out",
    ];
  if (daemons.length > 1) return [];
  if (isTooOld(version))
    return [
      `keepalived ${version ?? "of a version that it does not say"} runs on this director, and 2.2 or newer is needed: an older one makes 1 of the weight 0 that a drain sets`,
    ];
  if (keepalived.unfit !== undefined) return [UNFIT[keepalived.unfit](configuration)];
  const folder = file.slice(0, file.lastIndexOf("/"));
  if (!hasFolder) return [`${folder} is not there, where keepalived's file is to be: make it`];
  if (isIncluded) return [];
  return [
    `${configuration} does not include ${file}: add the line "include ${folder}/*.conf" to it, and reload keepalived`,
  ];
}

const UNFIT = {
  vrrp: () =>
    "keepalived was started on this director without its health checker (--vrrp), and has no services without that: start it without that option",
  elsewhere: (configuration: string) =>
    `keepalived reads another ${configuration} than this host has, as in a container: mount its folder into that one, at the same place`,
} as const;

/** keepalived passes over a block without a real server, and removes its service. */
function deserted({ service }: ServiceClaim): string[] {
  if (service.destinations.length > 0) return [];
  return [
    `${nameOfTarget(service.target)} has no destination, and keepalived has no service without one: keep one at weight 0, or destroy the service`,
  ];
}

function isTooOld(version: string | undefined): boolean {
  const [major = 0, minor = 0] = (version ?? "").split(".").map(Number);
  return major < 2 || (major === 2 && minor < 2);
}

function foreignFile(
  claim: ServiceClaim,
  mine: ReadonlyMap<string, ServiceRecord>,
  { block }: ObservedKeepalived,
): string[] {
  const { file } = claim.block ?? {};
  if (block === undefined || file === undefined) return [];
  const owner = blockOwner(block);
  const owners = [claim.owner, ...[...mine.values()].map((one) => one.owner)];
  if (owner !== undefined && owners.includes(owner)) return [];
  // A file that is damaged at its first line is ours where a record says so.
  const isRecorded = [...mine.values()].some((one) => one.block === file);
  if (owner === undefined && isRecorded) return [];
  return [
    owner === undefined
      ? `${file} is there, and not made by this package: remove it, or name another with manager.keepalived.file`
      : `${file} is there, and made by ${JSON.stringify(owner)}: remove it, or name another with manager.keepalived.file`,
  ];
}

/** keepalived merges two blocks of one service, and what goes with one of them is anybody's guess. */
function declaredElsewhere(
  claim: ServiceClaim,
  mine: ReadonlyMap<string, ServiceRecord>,
  observed: ObservedDirector,
): string[] {
  const { target } = claim.service;
  if (servedBy(claim, observed) === undefined || isOurs(claim, mine, observed)) return [];
  if (mine.size > 0)
    return [
      `${nameOfTarget(target)} is in the table by this resource, which wrote it there without manager: remove it (ipvsadm -D ${selectorOf(target)}), and update this resource right after that`,
    ];
  return [
    `${nameOfTarget(target)} is in the table, and not by this resource's block: where keepalived's configuration has another block of it, remove that and reload keepalived; else remove it with ipvsadm`,
  ];
}
