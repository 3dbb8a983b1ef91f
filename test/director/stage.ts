import { lookAt, type SeenHost } from "../../src/inspect/look";
import { usualBlockFile, type KeepalivedBlock } from "../../src/domain/keepalived";
import { selectorOf, type ServiceTarget } from "../../src/domain/virtual-service";
import type { Operation } from "../../src/operation/session";
import {
  inspectService,
  serve,
  withdrawService,
  type DirectorReport,
} from "../../src/operation/serve";
import type { ServiceDrainPolicy } from "../../src/operation/service-drain-tally";
import type { ServiceClaim } from "../../src/plan/service/claim";
import { accessBy } from "../../src/transport/access";
import type { Guest } from "../../lab/guest";
import type { Lab } from "../../lab/lab";
import { connectionTo, options } from "../contract/ssh-connection";
import { eventually } from "../host/box";

/** Shells that a director may have as its `sh`; bash goes by the rules of dash, see test/host. */
export const SHELLS = ["dash", "busybox"] as const;

/** A service of a director that is a guest, declared by hand. */
export interface Declared {
  readonly owner?: string;
  readonly vip: string;
  readonly port?: number;
  /** RIP and weight. */
  readonly destinations: Readonly<Record<string, number>>;
  readonly former?: readonly string[];
  readonly foreignDestinations?: "remove";
  readonly scheduler?: string;
  /** In seconds; each client by itself. */
  readonly persistence?: number;
  readonly persist?: boolean;
  /** keepalived has it. */
  readonly block?: Partial<KeepalivedBlock>;
}

export function claimFor(declared: Declared): ServiceClaim {
  const { owner = "a test", vip, port = 80, scheduler = "rr", destinations, ...rest } = declared;
  const { former, foreignDestinations, persistence, persist, block } = rest;
  const family = vip.includes(":") ? 6 : 4;
  const target: ServiceTarget = { kind: "tcp", vip: { family, address: vip }, port };
  return {
    owner,
    incarnation: incarnationOf(owner),
    service: {
      target,
      ...{ scheduler, flags: [] },
      persistence: persistence ? { timeoutSeconds: persistence, prefixLength: 32 } : undefined,
      destinations: Object.entries(destinations).map(([address, weight]) => ({
        ...{ address, weight, upperThreshold: 0, lowerThreshold: 0 },
      })),
    },
    ...(former && { former }),
    ...(persist !== undefined && { persist }),
    ...(foreignDestinations && { foreignDestinations }),
    ...(block && {
      block: {
        ...{ file: usualBlockFile(target), check: { kind: "none" }, inhibitOnFailure: false },
        ...block,
      },
    }),
  };
}

/** Each owner's own: one that is another's would make the record another name's. */
export function incarnationOf(owner: string): string {
  return owner.replace(/[^0-9a-z]/g, "-");
}

/**
 * Looks at a guest until it is so. Not all the time: looking is work for a guest, and whatever it is
 * looked at for would wait. @throws Error with what was seen last when it never is
 */
export function settled<Seen>(
  look: () => Promise<Seen>,
  holds: (seen: Seen) => boolean,
  seconds = 90,
): Promise<Seen> {
  return eventually(look, holds, seconds, 500);
}

/** A director that is a guest, and what was said while it was operated. */
export class StagedDirector {
  readonly words: string[] = [];

  constructor(
    readonly lab: Lab,
    readonly guest: Guest,
  ) {}

  operation(changes: Partial<Operation> = {}): Operation {
    return {
      ...options(),
      ...accessBy(connectionTo(this.lab, this.guest)),
      timeouts: { connectSeconds: 20, operationSeconds: 120 },
      progress: (text) => void this.words.push(text),
      warn: (text) => void this.words.push(`warning: ${text}`),
      ...changes,
    };
  }

  /** As the command sees it. */
  async look(): Promise<SeenHost> {
    return lookAt(connectionTo(this.lab, this.guest), {});
  }

  async serve(
    declared: Declared,
    drain?: ServiceDrainPolicy,
    changes: Partial<Operation> = {},
  ): Promise<DirectorReport> {
    return serve(this.operation(changes), claimFor(declared), { drain });
  }

  /** What a refresh finds. */
  async inspect(declared: Declared): Promise<DirectorReport> {
    return inspectService(this.operation(), claimFor(declared));
  }

  async withdraw(declared: Declared, drain?: ServiceDrainPolicy) {
    return withdrawService(this.operation(), claimFor(declared), { drain });
  }

  /** All of its table that an operation may change. */
  async table(): Promise<string[]> {
    const { stdout } = await this.guest.run("ipvsadm -Sn");
    return stdout.split("\n").filter((line) => line !== "");
  }

  /** Weights of a service by RIP. */
  async weights(declared: Declared): Promise<Record<string, number>> {
    const selector = selectorOf(claimFor(declared).service.target);
    const lines = (await this.table()).filter((line) => line.startsWith(`-a ${selector} `));
    return Object.fromEntries(
      lines.map((line) => {
        const [, address = "", weight] = /-r \[?([^\]]+?)\]?:\d+ .* -w (\d+)/.exec(line) ?? [];
        return [address, Number(weight)];
      }),
    );
  }

  /** What of ours is on the director's disk and in its memory, but for the table. */
  async traces(): Promise<string> {
    const ours = "-path '*lvs-dr*' ! -path '/proc/*' ! -path '/sys/*' ! -path '/usr/lib/lab/*'";
    const line = `find /var/lib /run /etc -xdev ${ours} 2>/dev/null; :`;
    return (await this.guest.run(line)).stdout;
  }

  /** Makes `sh` another shell there. */
  async useShell(shell: (typeof SHELLS)[number]): Promise<void> {
    await this.guest.run(`ln -sf ${shell} /usr/bin/sh`);
  }
}
