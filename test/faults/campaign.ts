import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { Engine } from "../../lab/engine";
import { Lab } from "../../lab/lab";
import { scenario } from "./draw";
import { VIPS4 } from "./others";
import { EngineDriver } from "./engine-driver";
import type { Violation } from "./judge";
import { Lane } from "./lane";
import { ProviderDriver } from "./provider-driver";
import { play, type Verdict } from "./run";
import type { Scenario } from "./scenario";
import { ProcessSampler, Secrets } from "./secrets";
import { Traffic } from "./traffic";
import { Wire, type Leak } from "./wire";

/** What to run. */
export interface CampaignOptions {
  readonly seed: number;
  /** The numbers of the runs. */
  readonly runs: Iterable<number>;
  /** No run is begun after this, in milliseconds as Date.now() counts them. */
  readonly until?: number;
  /** Whether no run is begun after a violation. */
  readonly first?: boolean;
  /** Hosts at once. */
  readonly lanes: number;
  onVerdict?(verdict: Verdict): void;
}

/** What a campaign showed. */
export interface Findings {
  readonly verdicts: readonly Verdict[];
  /** Violations by the number of the run; I1 is judged by all frames at the end. */
  readonly violations: readonly Found[];
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
    // A process that was killed may be writing yet.
    await rm(home, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 });
  }
}

async function withLab(lab: Lab, home: string, options: CampaignOptions): Promise<Findings> {
  const secrets = new Secrets(lab);
  const scenarios = [...options.runs].map(
    (number) => [number, scenario(options.seed, number)] as const,
  );
  const places = await Promise.all(startPlaces(lab, home, queuesOf(scenarios), options.lanes));
  const lanes = places.map(({ lane }) => lane);
  const wire = await Wire.start(lab, VIPS4);
  const sampler = new ProcessSampler(secrets);
  try {
    await proveThatLeaksAreSeen(wire, lanes[0]!);
    for (const { host } of lanes.slice(1)) wire.addServer(host.mac);
    const logins = scenarios.map(([, { login }]) => login);
    const traffic = await Traffic.measure(lanes.slice(0, 4), logins);
    const verdicts: Verdict[] = [];
    const violations: Found[] = [];
    const isOver = (): boolean =>
      Date.now() > (options.until ?? Infinity) ||
      (options.first === true && violations.length + attribute(wire.leaks, lanes).leaks.length > 0);
    const work = async ({ lane, queue }: Place): Promise<void> => {
      for (const [number, scenario] of queue) {
        if (isOver()) return;
        const run = play(lane, { number, scenario, traffic, secrets });
        const late = once(AbortSignal.timeout(LONGEST), "abort").then(() => {
          throw new Error("does not end");
        });
        const verdict = await Promise.race([run, late]).catch((cause: unknown) => {
          throw new Error(`run --seed ${options.seed} --only ${number}`, { cause });
        });
        verdicts.push(verdict);
        violations.push(...verdict.violations.map((one) => ({ ...one, number })));
        options.onVerdict?.(verdict);
      }
    };
    await Promise.all(places.map(work));
    await wire.settled();
    const asked = await wire.stop();
    const { leaks, excused } = attribute(wire.leaks, lanes);
    violations.push(...leaks);
    for (const what of sampler.found) violations.push({ promise: "I5", what, number: -1 });
    for (const lane of lanes) violations.push(...(await searchDisk(lane, secrets)));
    return { verdicts, violations, asked, excused, processSamples: sampler.samples };
  } finally {
    sampler.stop();
    await wire.stop();
    await Promise.all(lanes.map((lane) => lane.end()));
  }
}

/** No run takes so long, in milliseconds. */
const LONGEST = 240_000;

type Found = Violation & { readonly number: number };
type Numbered = readonly [number: number, scenario: Scenario];

/** Runs that need the same kind of host; each lane takes the next one. */
type Queue = ArrayIterator<Numbered>;

interface Place {
  readonly lane: Lane;
  readonly queue: Queue;
}

function queuesOf(scenarios: readonly Numbered[]): { like: Scenario; queue: Queue }[] {
  const kindOf = ([, { through, flavour }]: Numbered) => JSON.stringify({ through, flavour });
  return [...new Set(scenarios.map(kindOf))].map((kind) => {
    const all = scenarios.filter((one) => kindOf(one) === kind);
    return { like: all[0]![1], queue: all.values() };
  });
}

/** A lane for each kind of run at least, and one for Pulumi at most: its runs are few. */
function startPlaces(lab: Lab, home: string, queues: ReturnType<typeof queuesOf>, lanes: number) {
  const engine = queues.filter(({ like }) => like.through === "engine");
  const others = queues.filter((one) => !engine.includes(one));
  const count = others.length === 0 ? 0 : Math.max(lanes, others.length);
  const all = Array.from({ length: count }, (_, index) => others[index % others.length]!);
  return [...all, ...engine].map(async ({ like, queue }, index): Promise<Place> => {
    const driver =
      like.through === "engine"
        ? new EngineDriver(await Engine.create())
        : new ProviderDriver(home);
    return { lane: await Lane.start(lab, `host-${index}`, like.flavour, driver), queue };
  });
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

/** Whose the frames are: violations, and how many were not the package's fault, by why. */
function attribute(leaks: readonly Leak[], lanes: readonly Lane[]) {
  const excused = new Map<string, number>();
  const blamed: Found[] = [];
  for (const leak of leaks) {
    const lane = lanes.find(({ macs }) => macs.has(leak.mac));
    const judged = lane?.judge(leak) ?? { promise: "I1", what: leak.frame, number: -1 };
    if ("promise" in judged) blamed.push(judged);
    else excused.set(judged.why, (excused.get(judged.why) ?? 0) + leak.frames);
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
