import { readdir, readFile } from "node:fs/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Engine, Outcome } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, realServers, Stage, stored, traces, VIP, VIP6 } from "./stage";

const SECONDS = 1000;

describe("an operation that is interrupted", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("slow");
    // Where /run/slow is, each call of `ip` takes half a second, so that there is a middle to hit.
    const slow = '#!/bin/sh\\n[ ! -e /run/slow ] || sleep 0.5\\nexec /run/ip "$@"\\n';
    await host.run(
      `ip=$(readlink -f $(command -v ip)); cp $ip /run/ip; printf '${slow}' >/run/slow-ip` +
        "; chmod 755 /run/slow-ip; mount --bind /run/slow-ip $ip",
    );
  });
  afterAll(() => stage.destroy());
  beforeEach(async () => {
    engine = await stage.engine();
  });
  afterEach(async () => {
    await engine.destroy();
    expect(await traces(host)).toEqual(NOTHING);
  });

  const program = () => {
    return stage.program(
      stage.args(host, { timeouts: { connectSeconds: 10, operationSeconds: 90 } }),
    );
  };

  /** Runs `up` and calls `act` when the host is being written to. */
  const upAndInTheMiddle = async (act: () => Promise<void>, what = program()): Promise<Outcome> => {
    let done = false;
    await host.run("touch /run/slow");
    const outcome = await engine.up(what, {
      onEvent: ({ diagnosticEvent: event }) => {
        if (done || !event?.message.includes("binding")) return;
        done = true;
        void act();
      },
    });
    await host.run("rm /run/slow");
    return outcome;
  };
  const undone = () =>
    vi.waitFor(async () => expect(await traces(host)).toEqual(NOTHING), {
      timeout: 20 * SECONDS,
      interval: 200,
    });

  it("by kill -9 in mid-create leaves the host as it was; cancel, up and destroy work", async () => {
    const killed = await upAndInTheMiddle(() => engine.signal("SIGKILL"));
    expect(killed.succeeded).toBe(false);
    await undone();
    await vi.waitFor(async () => expect(await providersOf(engine)).toEqual([]), {
      timeout: 10 * SECONDS,
      interval: 100,
    });

    const locked = await engine.up(program());
    expect(locked.text).toContain("pulumi cancel");
    await engine.cancel();
    const outcome = await engine.up(program());
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await realServers(engine)).toHaveLength(1);
  });

  it("by kill -9 after the host had committed is taken over by the next up, which says so", async () => {
    const created = await engine.up(program());
    expect(created.succeeded, created.text).toBe(true);
    // The answer that the engine never saved: the host has the record, the state has nothing.
    const { urn } = await stored(engine);
    await engine.run("state", "delete", urn, "--yes", "--stack", "test");
    const again = await engine.up(program());
    expect(again.succeeded, again.text).toBe(true);
    expect(again.text).toMatch(/took over|taken over|takes over|taking over/);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });

  it.each(["up", "destroy"] as const)(
    "by a host that falls silent keeps a resource that %s settles, and its host key",
    async (next) => {
      const args = stage.args(host, { timeouts: { connectSeconds: 2, operationSeconds: 15 } });
      const outcome = await upAndInTheMiddle(() => host.cut(), stage.program(args));
      await host.mend();
      expect(outcome.succeeded).toBe(false);
      expect(outcome.text).toContain("is not known");
      const { outputs } = await stored(engine);
      expect(outputs).toMatchObject({ converged: false, hostKey: host.hostKey });

      const settled = next === "up" ? await engine.up(program()) : await engine.destroy();
      expect(settled.succeeded, settled.text).toBe(true);
      const bound = next === "up" ? [`${VIP6}/128`, `${VIP}/32`] : [];
      expect(await onLo(host)).toEqual(bound);
    },
  );

  it("by one ^C finishes what runs", async () => {
    const outcome = await upAndInTheMiddle(() => engine.signal("SIGINT"));
    expect(outcome.text).not.toContain("interrupted");
    expect((await stored(engine)).outputs.converged).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });

  it("by a second ^C makes the host roll back", async () => {
    const outcome = await upAndInTheMiddle(async () => {
      await engine.signal("SIGINT");
      // The engine takes two within a moment for one.
      setTimeout(() => void engine.signal("SIGINT"), 500);
    });
    expect(outcome.succeeded).toBe(false);
    await undone();
    await engine.cancel().catch(() => undefined);
    const next = await engine.up(program());
    expect(next.succeeded, next.text).toBe(true);
  });

  it("by nobody ends at once: no run waits for the provider to be killed", async () => {
    const created = await engine.up(program());
    expect(created.succeeded, created.text).toBe(true);
    let summed = 0;
    const outcome = await engine.refresh({
      onEvent: ({ summaryEvent }) => {
        if (summaryEvent) summed = performance.now();
      },
    });
    expect(outcome.succeeded, outcome.text).toBe(true);
    // All is done by then, and the engine kills a provider five seconds after it asked it to end.
    expect(summed).toBeGreaterThan(0);
    expect(performance.now() - summed).toBeLessThan(4.5 * SECONDS);
  });
});

/** The dynamic provider processes that an engine started and that still run. */
async function providersOf(engine: Engine): Promise<string[]> {
  const pids = (await readdir("/proc")).filter((name) => /^\d+$/.test(name));
  const found = await Promise.all(
    pids.map(async (pid) => {
      const [line = "", environment = ""] = await Promise.all([
        readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => ""),
        readFile(`/proc/${pid}/environ`, "utf8").catch(() => ""),
      ]);
      const isOurs = line.includes("dynamic-provider") && environment.includes(engine.directory);
      return isOurs ? [pid] : [];
    }),
  );
  return found.flat();
}
