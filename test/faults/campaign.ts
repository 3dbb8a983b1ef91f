import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Engine } from "../../lab/engine";
import { Lab } from "../../lab/lab";
import { endProcessesIn } from "../../lab/processes";
import { isForEngine, playWithEngine } from "./engine-run";
import { Lane } from "./lane";
import { play } from "./run";
import type { Verdict, Violation } from "./verdict";
import { scenario } from "./draw";
import { VIPS4 } from "./draw-fault";
import { FLAVOURS } from "./scenario";
import { ProcessSampler, Secrets } from "./secrets";
import { Wire, type Leak } from "./wire";

/** What to run. */
export interface CampaignOptions {
  readonly seed: number;
  /** The numbers of the runs. */
  readonly runs: Iterable<number>;
  /** No run is begun after this, in milliseconds as Date.now() counts them. */
  readonly until?: number;
  /** Hosts at once. */
  readonly lanes: number;
  onVerdict?(verdict: Verdict): void;
  onLeak?(line: string): void;
}

/** What a campaign showed. */
export interface Findings {
  readonly verdicts: readonly Verdict[];
  /** Violations by the number of the run; I1 is judged by all frames at the end. */
  readonly violations: readonly (Violation & { readonly number: number })[];
  /** ARP requests for VIPs that went over the wire. */
  readonly asked: number;
  /** Frames that were not the package's fault, by why. */
  readonly excused: ReadonlyMap<string, number>;
  readonly processSamples: number;
}

/** Plays runs on several hosts at once, while a peer asks for every VIP. */
export async function campaign(options: CampaignOptions): Promise<Findings> {
  const lab = await Lab.create();
  const home = await mkdtemp(join(tmpdir(), "lvs-dr-faults-"));
  try {
    return await withLab(lab, home, options);
  } finally {
    await lab.destroy();
    await rm(home, { recursive: true, force: true });
  }
}

async function withLab(lab: Lab, home: string, options: CampaignOptions): Promise<Findings> {
  const secrets = new Secrets(lab);
  const queues = queuesOf(options.runs);
  const needed = FLAVOURS.map((flavour, index) => ({ flavour, queue: queues[index] ?? [] }));
  const places = needed.filter(({ queue }) => queue.length > 0);
  const forEngine = [...options.runs].filter(isForEngine);
  const lanes = await Promise.all(
    Array.from(
      { length: places.length && Math.max(options.lanes, places.length) },
      async (_, index) => {
        const place = places[index % places.length]!;
        const lane = await Lane.start(lab, `host-${index}`, place.flavour, home, secrets);
        return { lane, queue: place.queue };
      },
    ),
  );
  const engineLane =
    forEngine.length === 0
      ? undefined
      : await Lane.start(lab, "engine", FLAVOURS[0]!, home, secrets);
  const all = [...lanes.map(({ lane }) => lane), ...(engineLane ? [engineLane] : [])];
  const wire = await Wire.start(lab, VIPS4);
  const sampler = new ProcessSampler(secrets);
  try {
    await proveThatLeaksAreSeen(wire, all[0]!);
    for (const { host } of all.slice(1)) wire.addServer(host.mac);
    const verdicts: Verdict[] = [];
    const violations: (Violation & { number: number })[] = [];
    const work = async (queue: number[], run: (number: number) => Promise<Verdict>) => {
      for (let number = queue.shift(); number !== undefined; number = queue.shift()) {
        if (Date.now() > (options.until ?? Infinity)) return;
        const verdict = await withinMinutes(4, run(number)).catch((cause: unknown) => {
          throw new Error(`run --seed ${options.seed} --only ${number}`, { cause });
        });
        verdicts.push(verdict);
        violations.push(...verdict.violations.map((one) => ({ ...one, number: verdict.number })));
        options.onVerdict?.(verdict);
      }
    };
    await Promise.all([
      ...lanes.map(({ lane, queue }) =>
        work(queue, (number) => play(lane, number, scenario(options.seed, number))),
      ),
      engineLane && withEngine(engineLane, secrets, options.seed, (run) => work(forEngine, run)),
    ]);
    await wire.settled();
    const asked = await wire.stop();
    const { leaks, excused } = attribute(
      wire.leaks,
      lanes.map(({ lane }) => lane),
    );
    violations.push(...leaks);
    for (const found of sampler.found) violations.push({ promise: "I5", what: found, number: -1 });
    for (const lane of all) violations.push(...(await searchDisk(lane, secrets)));
    return { verdicts, violations, asked, excused, processSamples: sampler.samples };
  } finally {
    sampler.stop();
    await wire.stop();
    await Promise.all(all.map((lane) => lane.end()));
  }
}

async function withinMinutes<T>(minutes: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("does not end")), minutes * 60_000);
  });
  return Promise.race([work, late]).finally(() => clearTimeout(timer));
}

async function withEngine(
  lane: Lane,
  secrets: Secrets,
  seed: number,
  work: (run: (number: number) => Promise<Verdict>) => Promise<void>,
): Promise<void> {
  const engine = await Engine.create();
  try {
    await work((number) => playWithEngine(lane, engine, secrets, seed, number));
  } finally {
    await endProcessesIn(engine.directory);
    await engine.remove();
  }
}

/** By flavour, because a run of one number is always on a host of the same kind. */
function queuesOf(runs: Iterable<number>): number[][] {
  const queues: number[][] = FLAVOURS.map(() => []);
  for (const number of runs) {
    if (!isForEngine(number)) queues[number % FLAVOURS.length]?.push(number);
  }
  return queues;
}

/** A witness that sees nothing proves nothing: a VIP on a loud host must be seen. */
async function proveThatLeaksAreSeen(wire: Wire, { agent, host }: Lane): Promise<void> {
  const [vip = ""] = VIPS4;
  wire.addServer(host.mac);
  await agent.must(`ip addr add ${vip}/32 dev lo`);
  const end = Date.now() + 5000;
  const seen = (wanted: Leak["how"]): boolean =>
    wire.leaks.some(({ mac, how }) => mac === host.mac && how === wanted);
  while (!(seen("answered") && seen("announced"))) {
    if (Date.now() > end) throw new Error("the wire's witness does not see a host that leaks");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  await agent.must(`ip addr del ${vip}/32 dev lo`);
  await wire.settled();
  wire.leaks.length = 0;
}

function attribute(
  leaks: readonly Leak[],
  lanes: readonly Lane[],
): { leaks: (Violation & { number: number })[]; excused: Map<string, number> } {
  const excused = new Map<string, number>();
  const blamed: (Violation & { number: number })[] = [];
  for (const leak of leaks) {
    const lane = lanes.find(({ macs }) => macs.has(leak.mac));
    const ends = [leak.from, leak.to].map((at) => lane?.runAt(at));
    const bad = ends.find((end) => end?.excuse === undefined);
    const why = ends[0]?.excuse?.why;
    if (why === undefined || bad !== undefined) {
      const what = `${leak.frame} (${leak.frames} frames until ${leak.to})`;
      blamed.push({ promise: "I1", what, number: bad?.number ?? -1 });
    } else excused.set(why, (excused.get(why) ?? 0) + leak.frames);
  }
  return { leaks: blamed, excused };
}

async function searchDisk({ agent, host }: Lane, secrets: Secrets) {
  const folders = "/var /etc /root /home /tmp /run /usr/local";
  const found = await agent.run(
    `grep -r -s -l -F -e '${secrets.patterns.replaceAll("\n", "' -e '")}' ${folders}`,
  );
  return found
    .split("\n")
    .filter((file) => file !== "")
    .map((file) => ({ promise: "I5" as const, what: `${host.name}:${file}`, number: -1 }));
}
