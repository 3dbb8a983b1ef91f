import { readdir, readFile } from "node:fs/promises";
import { describe, expect, it } from "vitest";

import { command } from "../../lab/command";
import { Lab } from "../../lab/lab";

describe("the lab's director", () => {
  it("shows its table with weights, and forgets who is removed", async () => {
    const lab = await Lab.create();
    try {
      const [director, host] = await Promise.all([lab.director(), lab.host("rs1")]);
      await director.add(host, 3);
      expect(await weights(director)).toEqual([[3], [3]]);
      await director.drain(host);
      expect(await weights(director)).toEqual([[0], [0]]);
      await director.remove(host);
      expect(await weights(director)).toEqual([[], []]);
      await expect(director.remove(host)).rejects.toThrow("No such");
    } finally {
      await lab.destroy();
    }
    await expect.poll(() => processesOf(lab.wire)).toEqual([]);
  });

  it("ends with its process, also by kill -9", async () => {
    const line = `
      const { Lab } = require("./lab/lab");
      Lab.create().then(async (lab) => {
        await lab.director();
        console.log(lab.wire);
        process.kill(process.pid, "SIGKILL");
      });`;
    const options = { allowFailure: true };
    const { stdout } = await command("node", ["--import", "tsx", "-e", line], options);
    expect(stdout).toMatch(/^lvs-dr-lab-\w+\n$/);
    const wire = stdout.trim();
    const left = async () => {
      const namespaces = await command("ip", ["netns", "list"]);
      return [...(await processesOf(wire)), namespaces.stdout.includes(wire)];
    };
    await expect.poll(left, { timeout: 10_000 }).toEqual([false]);
  });
});

async function weights(director: Awaited<ReturnType<Lab["director"]>>): Promise<number[][]> {
  const services = await director.stats();
  return services.map(({ destinations }) => destinations.map(({ weight }) => weight));
}

/** The command lines of a lab's processes; every one has the wire's name in its environment. */
async function processesOf(wire: string): Promise<string[]> {
  const ids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    ids.map(async (id) => {
      const environment = await readFile(`/proc/${id}/environ`, "utf8").catch(() => "");
      const line = await readFile(`/proc/${id}/cmdline`, "utf8").catch(() => "");
      return environment.includes(wire) || line.includes(wire) ? [line] : [];
    }),
  );
  return found.flat();
}
