import type { Guest } from "../../../lab/guest";
import { Keepalived, KEEPALIVED_FOLDER } from "../../../lab/keepalived";
import type { HealthCheck, KeepalivedBlock } from "../../../src/domain/keepalived";
import { eventually } from "../../host/box";
import type { KeptFault, KeptTable } from "./scenario";

/** Where our file of the service is. */
const FILE = `${KEEPALIVED_FOLDER}/lvs-dr-run.conf`;
/** Somebody's own block. */
const THEIRS = `virtual_server 192.0.2.98 98 {
  lvs_sched rr
  lvs_method DR
  protocol TCP
  real_server 192.0.2.2 98 {
    weight 4
  }
}
`;
/** What of the table is there by it. */
export const FOREIGN_BLOCK_LINES: readonly string[] = [
  "-A -t 192.0.2.98:98 -s rr",
  "-a -t 192.0.2.98:98 -r 192.0.2.2:98 -g -w 4",
];
const BAD = `${KEEPALIVED_FOLDER}/bad.conf`;
const FATAL = "vrrp_instance bad {\n  interface nosuch\n  virtual_router_id 200\n}\n";
/** So slow a machine does not fail a check by itself. */
const TCP: HealthCheck = {
  ...{ kind: "tcp", port: undefined, intervalSeconds: 1, timeoutSeconds: 5, retries: 1 },
};

/** keepalived at one moment. */
export interface KeptLook {
  /** Of keepalived and its children; empty where VRRP has not its address. */
  readonly processes: string;
  /** Our file; undefined where there is none. */
  readonly block: string | undefined;
  /** Checksums of all other files of its configuration. */
  readonly others: string;
}

/** How our service is declared. */
export function blockFor({ check }: KeptTable): KeepalivedBlock {
  const asked: HealthCheck = check === "tcp" ? TCP : { kind: "none" };
  return { file: FILE, check: asked, inhibitOnFailure: false };
}

/** keepalived on the director of one run, and what is there beside our file. */
export class KeptDirector {
  private constructor(
    private readonly guest: Guest,
    private readonly keepalived: Keepalived,
    private readonly since: string,
  ) {}

  /** Starts it, with a block of somebody's. */
  static async begin(guest: Guest, lane: number): Promise<KeptDirector> {
    const theirs = `${KEEPALIVED_FOLDER}/theirs.conf`;
    await guest.run(`mkdir -p ${KEEPALIVED_FOLDER} && cat >${theirs}`, { input: THEIRS });
    const keepalived = await Keepalived.start(guest, 51 + lane);
    const { stdout } = await guest.run("sync; date +%s");
    const director = new KeptDirector(guest, keepalived, stdout.trim());
    await director.hasIts();
    return director;
  }

  /** How it is now. */
  async look(): Promise<KeptLook> {
    const others = `find /etc/keepalived -type f ! -path ${FILE} | sort | xargs sha256sum`;
    const processes = await this.keepalived.processes();
    return { processes, block: await this.block(), others: (await this.guest.run(others)).stdout };
  }

  /** What it says that it has done to a service, in ipvsadm's words. */
  async steps(selector: string): Promise<string[]> {
    const line = `journalctl --sync; journalctl -u keepalived -o cat --since=@${this.since}`;
    const { stdout } = await this.guest.run(line);
    return stdout.split("\n").flatMap((text) => {
      const removed = /Removing .*service \[(\S+)\]:\w+:(\d+) from VS \[(\S+)\]:/.exec(text);
      const [, to, ...rest] =
        /Changing weight from \d+ to (\d+) for \w+ service \[(\S+)\]:\w+:(\d+) of VS \[(\S+)\]:/.exec(
          text,
        ) ?? [];
      const [address, port, vip = ""] = removed?.slice(1) ?? rest;
      if (!selector.includes(` ${vip}:`)) return [];
      return removed
        ? [`-d ${selector} -r ${address}:${port}`]
        : [`-e ${selector} -r ${address}:${port} -g -w ${to}`];
    });
  }

  /** @returns whether it came about */
  async strike(fault: KeptFault, rip: string): Promise<boolean> {
    return (await this.guest.run(this.lineOf(fault, rip), { allowFailure: true })).status === 0;
  }

  /** Takes the fault away, and waits until it runs, with the block of somebody's in the table. */
  async recover(rips: readonly string[]): Promise<void> {
    const routes = rips.map((rip) => `ip route del unreachable ${rip} 2>/dev/null`).join("; ");
    await this.guest.run(`rm -f ${BAD}; ${routes}; :`);
    await this.keepalived.resume();
    await this.hasIts();
  }

  /** Waits a while for the table to be as our file says. What it is then is for the judge. */
  async settle(isAs: (block: string | undefined) => Promise<boolean>): Promise<void> {
    const look = async () => isAs(await this.block());
    await eventually(look, (is) => is, 15, 500).catch(() => undefined);
  }

  /** What of ours is in its folder. */
  async left(): Promise<string> {
    const { stdout } = await this.guest.run(`ls -A ${KEEPALIVED_FOLDER}`);
    return stdout.replace("theirs.conf\n", "");
  }

  /** Stops it, and makes it one that does not start at boot. */
  async end(): Promise<void> {
    await this.keepalived.stop();
    await this.guest.run("rm -rf /etc/keepalived/*; sync");
  }

  private lineOf(fault: KeptFault, rip: string): string {
    switch (fault.kind) {
      case "our file edited": {
        const { weight, isRead } = fault;
        const edit =
          weight === undefined
            ? `rm ${FILE}`
            : `grep -q 'real_server ${rip} ' ${FILE} && sed -i '/real_server ${rip} /,/}/s/weight .*/weight ${weight}/' ${FILE}`;
        return isRead ? `${edit} && systemctl reload keepalived` : edit;
      }
      case "keepalived stopped":
        return "systemctl stop keepalived";
      case "bad configuration":
        return `printf '${fault.isFatal ? FATAL : "nonsense 3\n"}' >${BAD}`;
      case "real server fails":
        return `ip route add unreachable ${rip}`;
      case "power cut":
        throw new Error("the plug is not in the guest");
    }
  }

  private async block(): Promise<string | undefined> {
    const { status, stdout } = await this.guest.run(`cat ${FILE}`, { allowFailure: true });
    return status === 0 ? stdout : undefined;
  }

  private async hasIts(): Promise<void> {
    await eventually(
      async () => (await this.guest.run("ipvsadm -Sn")).stdout.split("\n"),
      (table) => FOREIGN_BLOCK_LINES.every((line) => table.includes(line)),
      60,
      500,
    );
  }
}
