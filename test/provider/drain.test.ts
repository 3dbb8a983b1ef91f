import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { RealServerArgs } from "../../src/index";
import type { Client } from "../../lab/client";
import type { Engine, RunOptions } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { serveWeb } from "../../lab/web";
import {
  NOTHING,
  onLo,
  realServers,
  said,
  Stage,
  stepOf,
  stored,
  traces,
  VIP,
  VIP6,
} from "./stage";

const OTHER = "203.0.113.11";

describe("a real server that is drained before its VIPs are withdrawn", () => {
  let stage: Stage;
  let client: Client;
  let engine: Engine;
  let host: LabHost;
  let number = 0;

  beforeAll(async () => {
    stage = await Stage.create();
  });
  afterAll(() => stage.destroy());
  beforeEach(async () => {
    number += 1;
    [host, client, engine] = await Promise.all([
      server(`web-${number}`),
      stage.lab.client(`client-${number}`),
      stage.engine(),
    ]);
    await route(host);
  });

  /** A host with a web server. */
  const server = async (name: string) => {
    const made = await stage.host(name);
    await serveWeb(made);
    return made;
  };
  /** The client sends to the VIPs by way of a host, as a director would. */
  const route = async (to: LabHost) => {
    for (const vip of [VIP, OTHER])
      await client.host.run(`ip route replace ${vip} via ${to.address}`);
    await client.host.run(`ip -6 route replace ${VIP6} via ${to.address6}`);
  };
  const up = (changes: Partial<RealServerArgs> = {}, to = host) =>
    engine.up(stage.program(stage.args(to, { drain: { timeoutSeconds: 60 }, ...changes })));
  const created = async (changes?: Partial<RealServerArgs>) => {
    const outcome = await up(changes);
    expect(outcome.succeeded, outcome.text).toBe(true);
  };
  /** Calls `act` once, when the row says that it drains. */
  const whenDraining = (act: () => Promise<unknown>): RunOptions => {
    let done = false;
    return {
      onEvent: ({ diagnosticEvent: event }) => {
        if (done || !event?.message.includes("draining")) return;
        done = true;
        void act();
      },
    };
  };

  it("is destroyed when its last connection has ended, and none was cut", async () => {
    await created();
    await client.open([VIP, VIP, VIP6], 12_000);
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).toMatch(
      /draining 3 connections \((203\.0\.113\.10: 2, 2001:db8::10: 1|2001:db8::10: 1, 203\.0\.113\.10: 2)\), at most \d+ s more/,
    );
    expect(said(outcome, "warning")).toEqual([]);
    expect(await client.finish()).toHaveLength(3);
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("is destroyed at once when nobody is connected", async () => {
    await created();
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).not.toContain("draining");
  });

  it("keeps a VIP that is dropped from the list until nobody uses it; others may be in use", async () => {
    await created({ vips: [VIP, OTHER] });
    await client.open([VIP], 12_000);
    await client.open([OTHER], 20_000);
    const outcome = await up({ vips: [OTHER] });
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).toContain(`draining 1 connection (${VIP}: 1)`);
    expect(said(outcome, "warning")).toEqual([]);
    expect(await onLo(host)).toEqual([`${OTHER}/32`]);
    expect(await client.finish()).toHaveLength(2);
    await engine.destroy();
  });

  it("is replaced by another host, and drained there", async () => {
    await created();
    const next = await server("next");
    await client.open([VIP], 15_000);
    const outcome = await up({}, next);
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).toContain("draining 1 connection");
    expect(await client.finish()).toHaveLength(1);
    expect(await traces(host)).toEqual(NOTHING);
    expect(await onLo(next)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await engine.destroy();
  });

  it("is withdrawn all the same when the time is over, and says how many were cut", async () => {
    await created({ drain: { timeoutSeconds: 2 } });
    await client.open([VIP], 60_000);
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    const warning = said(outcome, "warning").join();
    expect(warning).toContain(`1 connection (${VIP}: 1) was left after draining for 2 s`);
    expect(warning).not.toContain("director");
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("says that the director has not stopped sending, where new connections come", async () => {
    await created({ drain: { timeoutSeconds: 3 } });
    await client.open([VIP], 60_000);
    // Each is over in a moment, and between two looks.
    const stream = await client.stream([VIP], 20);
    const outcome = await engine.destroy();
    await stream.stop();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "warning").join()).toMatch(
      /left after draining for 3 s, cut now; \d+ new ones came meanwhile: the director has not stopped sending, set its weight/,
    );
  });

  it("fails when the time is over, where that is asked for, and is as it was", async () => {
    await created({ drain: { timeoutSeconds: 1, onTimeout: "fail" } });
    await client.open([VIP], 60_000);
    const failed = await engine.destroy();
    expect(failed.succeeded).toBe(false);
    const error = said(failed, "error").join();
    expect(error).toContain(`1 connection (${VIP}: 1) was left after draining for 1 s`);
    expect(error).toContain("Nothing was touched");
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await realServers(engine)).toHaveLength(1);

    // The policy changes without a word with the host.
    await host.stopSsh();
    const policy = await up({ drain: { timeoutSeconds: 1 } });
    expect(policy.succeeded, policy.text).toBe(true);
    expect(stepOf(policy)).toBe("update");
    await host.startSsh();
    expect((await stored(engine)).outputs["drain"]).toEqual({ timeoutSeconds: 1 });
    expect((await engine.destroy()).succeeded).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("stays as it is when the drain is interrupted by a second ^C, at once", async () => {
    await created({ drain: { timeoutSeconds: 600 } });
    await client.open([VIP], 20_000);
    let interrupted = 0;
    const outcome = await engine.destroy(
      whenDraining(async () => {
        await engine.signal("SIGINT");
        // The engine takes two within a moment for one.
        await pause(500);
        interrupted = performance.now();
        await engine.signal("SIGINT");
      }),
    );
    expect(performance.now() - interrupted).toBeLessThan(5000);
    expect(outcome.succeeded).toBe(false);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await client.finish()).toHaveLength(1);

    await engine.cancel().catch(() => undefined);
    const next = await engine.destroy();
    expect(next.succeeded, next.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("does not hold the host's lock meanwhile, nor is the time counted in operationSeconds", async () => {
    const timeouts = { connectSeconds: 5, operationSeconds: 4 };
    await created({ timeouts });
    await client.open([VIP], 12_000);
    const other = await stage.engine();
    let beside: Promise<unknown> = Promise.resolve();
    const outcome = await engine.destroy(
      whenDraining(() => {
        const args = stage.args(host, { vips: [OTHER], owner: "another", timeouts });
        const run = other.up(stage.program(args)).then(({ succeeded, text }) => {
          expect(succeeded, text).toBe(true);
          return traces(host);
        });
        return (beside = run);
      }),
    );
    // The first one's VIPs are still there when the other is done.
    expect(await beside).toMatchObject({ lo: [`${VIP6}/128`, `${VIP}/32`, `${OTHER}/32`] });
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await client.finish()).toHaveLength(1);
    expect(await onLo(host)).toEqual([`${OTHER}/32`]);
    await other.destroy();
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("warns, drained or not, where packets would go round between the director and the host", async () => {
    await host.run("echo 1 >/proc/sys/net/ipv4/ip_forward");
    await created({ drain: null as never });
    await client.open([VIP], 60_000);
    const outcome = await engine.destroy();
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "warning").join()).toContain(
      "goes round between the two until its TTL ends",
    );
  });
});
