import { setTimeout as pause } from "node:timers/promises";

import { RealServerError } from "../../../src/domain/errors";
import { inspectService, serve, withdrawService } from "../../../src/operation/serve";
import type { Operation } from "../../../src/operation/session";
import { blockLines } from "../../../src/plan/service/block";
import type { ServiceClaim } from "../../../src/plan/service/claim";
import { accessBy } from "../../../src/transport/access";
import type { Client } from "../../../lab/client";
import type { Guest } from "../../../lab/guest";
import type { Lab } from "../../../lab/lab";
import { connectionTo, options } from "../../contract/ssh-connection";
import { claimFor } from "../../director/stage";
import type { Proxy } from "../proxy";
import { wrongOnDirector, type DirectorEnd, type KeptEnd } from "./judge";
import { blockFor, FOREIGN_BLOCK_LINES, KeptDirector, type KeptLook } from "./kept";
import type { DirectorScenario, Members } from "./scenario";

/** A director that is attacked, and what stands around it. */
export interface DirectorLane {
  readonly lab: Lab;
  readonly guest: Guest;
  readonly client: Client;
  readonly proxy: Proxy;
  readonly vip: string;
  /** RIPs of real servers that answer. */
  readonly rips: readonly string[];
  /** Lanes are on one wire, and VRRP of each has a number there. */
  readonly number: number;
}

/** What became of one run. */
export interface DirectorVerdict {
  readonly number: number;
  readonly fault: string;
  /** The fault came about while the operation was under way. */
  readonly struck: boolean;
  readonly ending: string;
  readonly wrong: readonly string[];
  /** What was drawn, as it can be read. */
  readonly scenario: DirectorScenario;
}

/** Plays one run, and leaves the director as it was found. */
export async function playOnDirector(
  lane: DirectorLane,
  number: number,
  scenario: DirectorScenario,
): Promise<DirectorVerdict> {
  const run = new DirectorRun(lane, scenario, number);
  const { struck, ending, wrong } = await run.play();
  return { number, fault: scenario.fault.kind, struck, ending, wrong, scenario };
}

const FOREIGN_SERVICE = "-A -t 192.0.2.99:99 -s rr\n-a -t 192.0.2.99:99 -r 192.0.2.1:99 -m -w 3\n";
const FOREIGN_RIP = "192.0.2.7";
/** Of what is attacked: the watchdog ends a shell whose client is silent after three quarters of it. */
const SECONDS = 16;
/** Of what only prepares and mends, on a machine that has much else to do. */
const PATIENCE = 90;

class DirectorRun {
  private isMeddledWith = false;
  private hasRebooted = false;
  private isOver = false;
  private struck = false;
  private kept: KeptDirector | undefined;

  constructor(
    private readonly lane: DirectorLane,
    private readonly scenario: DirectorScenario,
    private readonly number: number,
  ) {}

  async play(): Promise<{ struck: boolean; ending: string; wrong: string[] }> {
    const { before, after, foreign, connections } = this.scenario;
    const { guest } = this.lane;
    if (this.scenario.kept) this.kept = await KeptDirector.begin(guest, this.lane.number);
    await guest.run(`printf -- '${FOREIGN_SERVICE}' | ipvsadm -R`);
    if (before) await serve(this.operation(), this.claim(before), {});
    if (before && foreign)
      await guest.run(`ipvsadm -a ${this.selector} -r ${FOREIGN_RIP}:80 -g -w 0`);
    const answering = before ? connections.count : 0;
    if (answering > 0) await this.hold(answering);
    const foreignBefore = await this.foreign();
    const keptBefore = await this.kept?.look();
    await guest.run(": >/root/ipvsadm.log");
    const finishing = pause(connections.milliseconds).then(() => this.finish(answering));
    const outcome = await this.attacked(after);
    await finishing;
    await this.settle();
    await this.lookAgain();
    await this.waitForKeepalived();
    const { isMeddledWith, hasRebooted } = this;
    const weights = await this.weights();
    const foreignNow = await this.foreign();
    const end: DirectorEnd = {
      ...{ outcome, weights, foreign: foreignNow, foreignBefore, steps: await this.steps() },
      ...{ isMeddledWith, hasRebooted },
      ...(keptBefore && { kept: await this.keptEnd(keptBefore) }),
    };
    const wrong = wrongOnDirector(this.scenario, end, (member) => `${this.rip(member)}:80`);
    wrong.push(...(await this.mended()));
    await this.kept?.end();
    const ending = outcome.kind === "done" ? "done" : outcome.aftermath;
    return { struck: this.struck, ending, wrong };
  }

  /**
   * Where shell and watchdog were killed nobody has undone anything, and where keepalived must not read its
   * configuration not all: the next operation does, any one.
   */
  private async lookAgain(): Promise<void> {
    const { before, after, fault } = this.scenario;
    if (!(fault.kind === "killed" && fault.watchdogToo) && fault.kind !== "bad configuration")
      return;
    await inspectService(this.operation(), this.claim(after ?? before ?? {}, before));
  }

  /** What is read from a file is in the table a little later. */
  private async waitForKeepalived(): Promise<void> {
    const { fault } = this.scenario;
    if (fault.kind === "somebody" || fault.kind === "our file edited") return;
    await this.kept?.settle(async (block = "") => {
      const text = /real_server (\S+) 80 \{\n +weight (\d+)/g;
      const said = [...block.matchAll(text)].map(([, rip, weight]) => `${rip} ${weight}`);
      const has = Object.entries((await this.weights()) ?? {});
      const seen = has.map(([member, weight]) => `${this.rip(Number(member))} ${weight}`);
      return said.sort().join() === seen.sort().join();
    });
  }

  private async steps(): Promise<readonly string[]> {
    if (this.kept) return this.kept.steps(this.selector);
    return (await this.lane.guest.run("cat /root/ipvsadm.log")).stdout.split("\n");
  }

  private async keptEnd(before: KeptLook): Promise<KeptEnd | undefined> {
    const after = await this.kept?.look();
    if (after === undefined) return undefined;
    const { owner, service, block } = this.claim(this.scenario.after ?? {});
    const lines = block && this.scenario.after && blockLines(owner, service, block);
    const wanted = lines?.map((line) => `${line}\n`).join("");
    return { before, after, wanted, company: `-a ${this.selector} ` };
  }

  /** The next operations finish the job, and then nothing is left. */
  private async mended(): Promise<string[]> {
    const { before, after } = this.scenario;
    const { guest } = this.lane;
    const wrong: string[] = [];
    const wanted = after ?? before ?? {};
    try {
      const { drift } = await serve(this.operation(), this.claim(wanted, before), {});
      if (drift.length > 0) wrong.push(`not converged by the next: ${drift.join("; ")}`);
      await withdrawService(this.operation(), this.claim(wanted, before), {});
    } catch (error) {
      wrong.push(`the next operation fails: ${String(error)}`);
    }
    await this.settle();
    await guest.run(`ipvsadm -D ${this.selector} 2>/dev/null; ipvsadm -D -t 192.0.2.99:99; :`);
    const { stdout } = await guest.run(
      "ipvsadm -Sn; ls -Ad /var/lib/lvs-dr-director /run/lvs-dr-director 2>/dev/null; :",
    );
    const theirs = this.kept ? FOREIGN_BLOCK_LINES.map((line) => `${line}\n`).join("") : "";
    if (stdout !== theirs) wrong.push(`left: ${stdout}`);
    const files = await this.kept?.left();
    if (files !== undefined && files !== "") wrong.push(`left: ${files}`);
    await guest.run("ipvsadm -C; rm -rf /var/lib/lvs-dr-director /run/lvs-dr-director");
    return wrong;
  }

  private async attacked(after: Members | undefined): Promise<DirectorEnd["outcome"]> {
    const { before, drain, fault } = this.scenario;
    const stop = new AbortController();
    const timeouts = { connectSeconds: 20, operationSeconds: SECONDS };
    const { begun, progress } = beginning();
    const operation = this.operation({ signal: stop.signal, timeouts, progress });
    this.arm();
    const striking = this.strike(stop, begun).catch((error: unknown) => {
      throw new Error(`the fault did not come about: ${String(error)}`);
    });
    if (fault.kind === "full /run") await striking;
    const claim = this.claim(after ?? before ?? {}, before);
    const work =
      after === undefined
        ? withdrawService(operation, claim, { drain })
        : serve(operation, claim, { drain });
    const outcome = await work.then(
      () => ({ kind: "done" }) as const,
      (error: unknown) => {
        if (!(error instanceof RealServerError)) throw error;
        return { kind: "failed", aftermath: error.aftermath } as const;
      },
    );
    this.isOver = true;
    progress("over");
    await striking;
    this.lane.proxy.disarm();
    return outcome;
  }

  private arm(): void {
    const { fault } = this.scenario;
    const { proxy } = this.lane;
    proxy.disarm();
    if (fault.kind !== "connection") return;
    const { cut, direction, turn, bytes } = fault;
    proxy.arm({
      moment: { direction, turn, bytes, script: 8000 },
      cut,
      thenRefuse: false,
      onMoment: () => Promise.resolve(void (this.struck = true)),
    });
  }

  private async strike(stop: AbortController, begun: Promise<void>): Promise<void> {
    const { fault } = this.scenario;
    const { guest } = this.lane;
    if ("milliseconds" in fault) {
      await begun;
      await pause(fault.milliseconds);
      this.struck = !this.isOver;
    }
    switch (fault.kind) {
      case "none":
      case "connection":
        return;
      case "killed": {
        // The shell is the oldest of its kind; its watchdog is a child of it.
        const line = `pkill -KILL ${fault.watchdogToo ? "" : "-o "}-f ${OURS}`;
        const { status } = await guest.run(line, { allowFailure: true });
        this.struck &&= status === 0;
        return;
      }
      case "stopped by its user":
        stop.abort(new RealServerError("failed", "interrupted"));
        return;
      case "somebody": {
        const { member, weight } = fault;
        const at = `${this.selector} -r ${this.rip(member)}:80`;
        const line = weight === undefined ? `-d ${at}` : `-e ${at} -g -w ${weight}`;
        const { status } = await guest.run(`ipvsadm ${line}`, { allowFailure: true });
        this.isMeddledWith = status === 0;
        this.struck &&= this.isMeddledWith;
        return;
      }
      case "reboot":
        this.hasRebooted = true;
        await guest.reboot();
        await prepareDirector(guest, this.lane.vip);
        return;
      case "power cut":
        this.hasRebooted = true;
        await guest.powerCut();
        await guest.powerOn();
        await prepareDirector(guest, this.lane.vip);
        return;
      case "full /run":
        this.struck = true;
        await guest.run("dd if=/dev/zero of=/run/filled bs=64k 2>/dev/null; :");
        return;
      default: {
        const rip = "member" in fault ? this.rip(fault.member) : "";
        this.isMeddledWith = (await this.kept?.strike(fault, rip)) === true;
        this.struck &&= this.isMeddledWith;
      }
    }
  }

  /** Waits until no process of ours is left, and takes the fault away. */
  private async settle(): Promise<void> {
    const { guest } = this.lane;
    await guest.run("rm -f /run/filled");
    const { status } = await guest.run(
      `for i in $(seq 200); do pgrep -f ${OURS} >/dev/null || exit 0; sleep 0.5; done; exit 1`,
      { allowFailure: true },
    );
    if (status !== 0) throw new Error(`run ${this.number}: a shell of ours does not end`);
    await this.kept?.recover(this.lane.rips);
  }

  private async hold(count: number): Promise<void> {
    await this.lane.client.hold(Array.from({ length: count }, () => this.lane.vip));
  }

  private async finish(count: number): Promise<void> {
    // Cut by what was asked for, or by the fault: what became of them is not judged here.
    if (count > 0) await this.lane.client.finish().catch(() => undefined);
  }

  private operation(changes: Partial<Operation> = {}): Operation {
    const { lab, proxy } = this.lane;
    return {
      ...options(),
      ...accessBy(connectionTo(lab, { address: "127.0.0.1", port: 22 }, { port: proxy.port })),
      timeouts: { connectSeconds: 20, operationSeconds: PATIENCE },
      ...changes,
    };
  }

  private claim(members: Members, former: Members = {}): ServiceClaim {
    const at = (weights: Members) =>
      Object.fromEntries(
        Object.entries(weights).map(([member, weight]) => [this.rip(Number(member)), weight]),
      );
    const rips = Object.keys(at(former));
    const declared = {
      ...{ owner: `run-${this.number}`, vip: this.lane.vip, destinations: at(members) },
      scheduler: this.scenario.scheduler,
      ...(this.scenario.kept && { block: blockFor(this.scenario.kept) }),
      ...(rips.length > 0 && { former: rips }),
    };
    return { ...claimFor(declared), allowEmpty: true };
  }

  private rip(member: number): string {
    return this.lane.rips[member] ?? "";
  }

  private get selector(): string {
    return `-t ${this.lane.vip}:80`;
  }

  private async weights(): Promise<Members | undefined> {
    const lines = await this.table();
    if (!lines.some((line) => line.startsWith(`-A ${this.selector} `))) return undefined;
    const own = this.lane.rips.flatMap((rip, member) => {
      const line = lines.find((one) => one.startsWith(`-a ${this.selector} -r ${rip}:80 `));
      return line === undefined ? [] : [[member, Number(/ -w (\d+)/.exec(line)?.[1])] as const];
    });
    return Object.fromEntries(own);
  }

  private async foreign(): Promise<string[]> {
    const own = this.lane.rips.map((rip) => `-a ${this.selector} -r ${rip}:80 `);
    return (await this.table()).filter(
      (line) =>
        !line.startsWith(`-A ${this.selector} `) && !own.some((start) => line.startsWith(start)),
    );
  }

  private async table(): Promise<string[]> {
    const { stdout } = await this.lane.guest.run("ipvsadm -Sn");
    return stdout.split("\n").filter((line) => line !== "");
  }
}

/** Tells when an operation has reached its host: a fault that came while it dials would meet nobody. */
function beginning(): { begun: Promise<void>; progress: (text: string) => void } {
  let begin: () => void = () => undefined;
  const begun = new Promise<void>((resolve) => (begin = resolve));
  return { begun, progress: (text) => void (text.startsWith("dialling") || begin()) };
}

/**
 * A pattern of what runs our program, packed in its command line: shell and watchdog. It does not find
 * the one who looks for it.
 */
const OURS = "'[l]vs-dr [A-Za-z0-9+/]{100}'";

/** Puts the VIP on a director, and writes down what ipvsadm is told. */
export async function prepareDirector(guest: Guest, vip: string): Promise<void> {
  await guest.run(`modprobe ip_vs; ip addr add ${vip}/32 dev eth0 2>/dev/null;
    echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn
    cat >/usr/local/sbin/ipvsadm <<'END'
#!/bin/sh
[ "$*" = -R ] || exec /usr/sbin/ipvsadm "$@"
tee -a /root/ipvsadm.log | /usr/sbin/ipvsadm -R
END
    chmod 755 /usr/local/sbin/ipvsadm; sync`);
}
