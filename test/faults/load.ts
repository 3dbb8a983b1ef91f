import { readFile } from "node:fs/promises";
import type { PulumiFn } from "@pulumi/pulumi/automation";

import { RealServer } from "../../src/index";
import { Engine, type Outcome } from "../../lab/engine";
import { Lab } from "../../lab/lab";
import type { LabHost } from "../../lab/host";
import { processesIn } from "../../lab/processes";
import { KIT_PATHS } from "./kit";
import { differences, look } from "./snapshot";
import { Agent } from "./agent";

/** What many hosts in one stack showed, or many stacks on one host. */
export interface LoadFindings {
  /** A line a step: what, how long, and how much memory the provider took at most. */
  readonly lines: readonly string[];
  /** What was lost or left over; empty where all is well. */
  readonly problems: readonly string[];
  /** Of the largest provider process, in MiB. */
  readonly peakMemory: number;
}

/** `up`, a no-op, a refresh and a destroy of a stack of many hosts. */
export async function manyHosts(count: number, parallel: number): Promise<LoadFindings> {
  const lab = await Lab.create();
  const engine = await Engine.create();
  const report = new Report(engine.directory);
  try {
    const hosts = await report.step(`${count} lab hosts`, () => makeHosts(lab, count));
    const program: PulumiFn = async () => {
      for (const host of hosts) declare(host.name, lab, host, VIPS);
    };
    const options = { parallel };
    const states = (): Promise<string[]> => Promise.all(hosts.map(bound));
    const all = `${VIPS.length} VIPs, 1 owners, 3 files for the boot`;
    await report.run(`up --parallel ${parallel}`, () => engine.up(program, options));
    report.expectAll(await states(), all);
    const again = await report.run("up, nothing to do", () => engine.up(program, options));
    if (again.changes["same"] !== count + 1) report.problems.push(JSON.stringify(again.changes));
    const refreshed = await report.run("refresh", () => engine.refresh(options));
    if (refreshed.changes["update"] !== undefined) report.problems.push("the refresh found drift");
    report.expectAll(await states(), all);
    await report.run("destroy", () => engine.destroy(options));
    report.expectAll(await states(), NOTHING);
  } finally {
    report.end();
    await engine.remove();
    await lab.destroy();
  }
  return report;
}

/** Stacks of one VIP that all share and one of their own, on one host at once, up and away again. */
export async function manyStacks(count: number): Promise<LoadFindings> {
  const lab = await Lab.create();
  const first = await Engine.create({ stack: "stack-0" });
  const report = new Report(first.directory);
  try {
    const host = await lab.host("shared");
    const agent = await Agent.start(host);
    const before = await look(agent);
    const others = Array.from({ length: count - 1 }, (_, at) => first.other(`stack-${at + 1}`));
    const engines = [first, ...(await Promise.all(others))];
    const work = (what: string, act: (engine: Engine, number: number) => Promise<Outcome>) =>
      report.step(`${what} of ${count} stacks at once`, () =>
        Promise.all(
          engines.map(async (engine, number) => {
            const outcome = await act(engine, number);
            if (!outcome.succeeded) report.problems.push(outcome.text.slice(-600));
          }),
        ),
      );
    await work("up", (engine, number) =>
      engine.up(async () => declare("web", lab, host, [SHARED, `203.0.113.${100 + number}`])),
    );
    report.expectAll(
      [await bound(host)],
      `${count + 1} VIPs, ${count} owners, 3 files for the boot`,
    );
    await work("destroy", (engine) => engine.destroy());
    report.expectAll([await bound(host)], NOTHING);
    for (const line of differences(before, await look(agent))) report.problems.push(line);
    agent.end();
  } finally {
    report.end();
    await first.remove();
    await lab.destroy();
  }
  return report;
}

const VIPS = ["203.0.113.1", "2001:db8::1"];
const SHARED = "203.0.113.99";
const NOTHING = "0 VIPs, 0 owners, 0 files for the boot";

function declare(name: string, lab: Lab, host: LabHost, vips: string[]): void {
  const connection = { host: host.address, privateKeyFile: lab.keys.plain.path };
  const timeouts = { connectSeconds: 120, operationSeconds: 600 };
  void new RealServer(name, { connection, vips, timeouts });
}

async function makeHosts(lab: Lab, count: number): Promise<LabHost[]> {
  const hosts: LabHost[] = [];
  // A few at a time: each is some processes and a dozen mounts.
  const numbers = Array.from({ length: count }, (_, number) => number).values();
  const make = async (): Promise<void> => {
    for (const number of numbers) hosts.push(await lab.host(`real-${number}`));
  };
  await Promise.all(Array.from({ length: 8 }, make));
  return hosts;
}

async function bound(host: LabHost): Promise<string> {
  const { stdout } = await host.run(
    `ip -o addr show dev lo | grep -cE ' (203|2001:db8)[.:]'
    ls /var/lib/lvs-dr/owners 2>/dev/null | wc -l
    ls ${Object.values(KIT_PATHS).join(" ")} 2>/dev/null | wc -l`,
    { allowFailure: true },
  );
  const [vips, owners, files] = stdout.trim().split("\n");
  return `${vips} VIPs, ${owners} owners, ${files} files for the boot`;
}

/** Times steps and watches the providers' memory meanwhile. */
class Report implements LoadFindings {
  readonly lines: string[] = [];
  readonly problems: string[] = [];
  peakMemory = 0;
  /** In this step. */
  #peak = 0;
  readonly #timer: NodeJS.Timeout;

  constructor(directory: string) {
    this.#timer = setInterval(() => void this.#sample(directory), 250);
  }

  async step<T>(what: string, work: () => Promise<T>): Promise<T> {
    this.#peak = 0;
    const started = performance.now();
    const result = await work();
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    const memory = this.#peak === 0 ? "" : `, provider at most ${Math.round(this.#peak)} MiB`;
    this.lines.push(`${what}: ${seconds} s${memory}`);
    return result;
  }

  async run(what: string, work: () => Promise<Outcome>): Promise<Outcome> {
    const outcome = await this.step(what, work);
    if (!outcome.succeeded) this.problems.push(`${what}: ${outcome.text.slice(-1500)}`);
    return outcome;
  }

  expectAll(found: readonly string[], wanted: string): void {
    const wrong = found.filter((one) => one !== wanted);
    if (wrong.length > 0)
      this.problems.push(`${wrong.length} hosts: wanted ${wanted}, one has ${wrong[0]}`);
  }

  end(): void {
    clearInterval(this.#timer);
  }

  async #sample(directory: string): Promise<void> {
    for (const { pid, commandLine } of await processesIn(directory)) {
      if (!commandLine.join(" ").includes("dynamic-provider")) continue;
      // It may be gone meanwhile.
      const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
      const resident = /^VmRSS:\s+(\d+)/m.exec(status)?.[1];
      this.#peak = Math.max(this.#peak, Number(resident ?? 0) / 1024);
      this.peakMemory = Math.max(this.peakMemory, this.#peak);
    }
  }
}
