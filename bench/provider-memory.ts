import { readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";

import type { Engine } from "../lab/engine";
import { processesIn } from "../lab/processes";

/**
 * Watches the dynamic provider of an engine's next run.
 *
 * VmHWM only grows, so the last look before the process ends is as good as its end. Only one process
 * is looked at once it is found: going through all of them costs the run that is timed.
 */
export function watchProvider(engine: Engine): {
  /** @returns the provider's resident memory at its peak, in bytes */
  stop(): Promise<number>;
} {
  let watching = true;
  let peak = 0;
  const looking = (async () => {
    let provider: number | undefined;
    while (watching) {
      provider ??= await providerOf(engine);
      if (provider !== undefined) peak = Math.max(peak, await peakMemory(provider));
      await sleep(100);
    }
  })();
  return {
    stop: async () => {
      watching = false;
      await looking;
      if (peak === 0) throw new Error("the dynamic provider's process was not found");
      return peak;
    },
  };
}

/** Not what looks for its module before it. */
async function providerOf(engine: Engine): Promise<number | undefined> {
  const processes = await processesIn(engine.directory);
  return processes.find(({ commandLine }) =>
    commandLine.some((word) => word.endsWith("/dynamic-provider/index.js")),
  )?.pid;
}

/** In bytes; 0 once the process is gone. */
async function peakMemory(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, "utf8").catch(() => "");
  return Number(/VmHWM:\s+(\d+) kB/.exec(status)?.[1] ?? 0) * 1024;
}
