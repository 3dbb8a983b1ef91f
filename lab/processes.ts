import { readdir, readFile, readlink } from "node:fs/promises";

/** A process of this machine. */
export interface Process {
  readonly pid: number;
  readonly commandLine: readonly string[];
}

/**
 * The processes that work in a folder or below it: of an engine's folder these are the engine and
 * the dynamic provider it started, which nobody else tells the id of.
 */
export async function processesIn(folder: string): Promise<Process[]> {
  const found = await Promise.all(
    (await processIds()).map(async (id) => {
      // One that ends meanwhile, or is not ours to look at, is none of these.
      const cwd = await readlink(`/proc/${id}/cwd`).catch(() => "");
      if (cwd !== folder && !cwd.startsWith(`${folder}/`)) return [];
      return [await processOf(id)];
    }),
  );
  return found.flat();
}

/** The processes with a command line as wanted, of the machine and of its lab hosts. */
export async function processesWith(
  isWanted: (commandLine: readonly string[]) => boolean,
): Promise<Process[]> {
  const all = await Promise.all((await processIds()).map(processOf));
  return all.filter(({ commandLine }) => isWanted(commandLine));
}

/** Kills them, for a folder that is going to be removed. */
export async function endProcessesIn(folder: string): Promise<void> {
  for (let rest = await processesIn(folder); rest.length > 0; rest = await processesIn(folder)) {
    for (const { pid } of rest) signalProcess(pid, "SIGKILL");
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Sends a signal to a process that may be gone by now. */
export function signalProcess(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // It is gone.
  }
}

async function processIds(): Promise<string[]> {
  return (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
}

async function processOf(id: string): Promise<Process> {
  const words = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
  return { pid: Number(id), commandLine: words.split("\0").slice(0, -1) };
}
