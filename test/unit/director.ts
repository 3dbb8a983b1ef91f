import { DIRECTOR_KIT } from "../../src/host/director-kit";
import { UnreadableAnswer } from "../../src/protocol/answer";
import type { ObservedDirector } from "../../src/observed/director";
import type { ObservedKeepalived } from "../../src/observed/keepalived";
import { idOf, renderMachine, type Machine } from "../../src/observed/registry";
import { parseServiceRegistry, type VirtualServiceShape } from "../../src/observed/service-records";
import { parseServiceTable } from "../../src/observed/service-table";
import type { DesiredService, ServiceClaim } from "../../src/plan/service/claim";
import type { ServicePlan } from "../../src/plan/service/plan";

import { bootOf, type BootSketch } from "./boots";

/** A director in the few words that tests need; what is left out is as on a plain one. */
export interface DirectorSketch {
  /** As `ipvsadm -Sn` prints it, thresholds (`-x`, `-y`) with it. */
  readonly table?: readonly string[];
  /** Default: the VIP 203.0.113.10. */
  readonly addresses?: readonly string[];
  readonly keepers?: readonly string[];
  /** Default: both set. */
  readonly sysctls?: { readonly nodest?: boolean; readonly template?: boolean };
  readonly boot?: BootSketch;
  /** Default: it was not asked about. With a word, 2.2.7 runs and includes the block's file. */
  readonly keepalived?: Partial<ObservedKeepalived>;
  /** Default: it was not inspected. */
  readonly blocks?: Readonly<Record<string, readonly string[]>>;
  /** Lines of each record below its head. Default incarnation: "1". */
  readonly owners?: readonly {
    readonly owner: string;
    readonly incarnation?: string;
    readonly lines: readonly string[];
  }[];
}

/** A claim likewise. Default: owner "me", incarnation "1". */
export interface ClaimSketch extends Partial<
  Omit<ServiceClaim, "service" | "replaces" | "beside">
> {
  /** As `ipvsadm -Sn` prints it, thresholds with it. */
  readonly service: readonly string[];
  readonly replaces?: readonly string[];
  readonly beside?: readonly string[];
}

const KEEPALIVED: ObservedKeepalived = {
  ...{ daemons: ["77"], version: "2.2.7", configuration: "/etc/keepalived/keepalived.conf" },
  ...{
    unfit: undefined,
    isIncluded: true,
    hasFolder: true,
    complaints: [],
    fatal: [],
    block: undefined,
  },
};

const MACHINE: Machine = { machineId: "1111", productUuid: "-" };

/** A director as the plan sees it. */
export function directorOf(sketch: DirectorSketch): ObservedDirector {
  const { owners = [], sysctls = {} } = sketch;
  const files = new Map<string, readonly string[]>();
  for (const { owner, incarnation = "1", lines } of owners)
    files.set(`owners/${idOf(owner)}`, [
      ...["lvs-dr-service 1", `owner ${JSON.stringify(owner)}`, `incarnation ${incarnation}`],
      ...["seen 2026-07-01T10:00:00Z", ...lines, "end"],
    ]);
  if (files.size > 0) files.set("machine", renderMachine({ ...MACHINE, unknown: [] }));
  return {
    machine: MACHINE,
    addresses: new Set(sketch.addresses ?? ["203.0.113.10"]),
    table: parseServiceTable(sketch.table ?? [], []),
    keepers: sketch.keepers ?? [],
    expiresWithDestination: sysctls.nodest ?? true,
    expiresTemplates: sysctls.template ?? true,
    boot: bootOf(DIRECTOR_KIT, sketch.boot),
    registry: files.size === 0 ? undefined : parseServiceRegistry(files),
    ...(sketch.keepalived && { keepalived: { ...KEEPALIVED, ...sketch.keepalived } }),
    ...(sketch.blocks && { blocks: new Map(Object.entries(sketch.blocks)) }),
  };
}

/** A claim as the plan sees it. */
export function claimOf({ service, replaces, beside, ...rest }: ClaimSketch): ServiceClaim {
  return {
    ...{ owner: "me", incarnation: "1", service: shapeOf(service), ...rest },
    ...(replaces && { replaces: new Set(replaces) }),
    ...(beside && { beside: new Set(beside) }),
  };
}

/** What is desired, in a word: `hold` and `hold-withdraw` are for the time of a drain. */
export type Want = "serve" | "hold" | "withdraw" | "hold-withdraw";

export function desiredOf(want: Want, claim: ServiceClaim): DesiredService {
  return {
    kind: want.endsWith("withdraw") ? "withdraw" : "serve",
    held: want.startsWith("hold"),
    now: "2026-07-02T10:00:00Z",
    claim,
  };
}

/** Changes as lines: `added -t ...`, `put owners/me`. */
export function linesOfPlan({ changes }: ServicePlan): string[] {
  return changes.map((change) => {
    switch (change.kind) {
      case "put":
      case "drop":
        return `${change.kind} ${change.file === `owners/${idOf("me")}` ? "owners/me" : change.file}`;
      case "add":
        return `added ${change.options}`;
      case "edit":
        return `edited ${change.was} => ${change.options}`;
      case "remove":
        return `removed ${change.was}`;
      case "block":
        return [
          `${change.isRenewed ? "renewed" : change.isRead ? "read" : "written"}`,
          ...change.files.map(({ file, lines }) => `${lines.length === 0 ? "-" : "+"}${file}`),
        ].join(" ");
    }
  });
}

function shapeOf(lines: readonly string[]): VirtualServiceShape {
  const [service] = parseServiceTable(lines, []);
  if (service?.target === undefined) throw new UnreadableAnswer(lines.join("; "));
  const { target, scheduler, flags, persistence } = service;
  const destinations = service.destinations.map(
    ({ address, weight, upperThreshold, lowerThreshold }) => ({
      ...{ address, weight, upperThreshold, lowerThreshold },
    }),
  );
  return { target, scheduler, flags, persistence, destinations };
}
