import { setTimeout as pause } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ReadyArgs } from "../../src/index";
import type { LabHost } from "../../lab/host";
import { serveHealth } from "../../lab/web";
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

describe("a real server that has to be ready", () => {
  let stage: Stage;
  let host: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("web");
  });
  afterAll(() => stage.destroy());

  const program = (changes: Partial<ReadyArgs> = {}) => {
    const ready: ReadyArgs = {
      port: 80,
      http: { path: "/healthz" },
      timeoutSeconds: 2,
      ...changes,
    };
    return stage.program(stage.args(host, { ready }));
  };

  it("does not join without its service and leaves no trace, joins with it, and is asked once", async () => {
    const engine = await stage.engine();
    const failed = await engine.up(program());
    expect(failed.succeeded).toBe(false);
    const error = said(failed, "error").join();
    expect(error).toContain(
      `${host.address}: the service is not ready after 2 s, asked from the host itself: GET http://${VIP}/healthz: no connection, Connection refused, wanted status 200`,
    );
    expect(error).toContain("raise ready.timeoutSeconds. The host was rolled back");
    expect(said(failed, "info").join()).toContain(`waiting for GET http://${VIP}/healthz (no`);
    expect(await realServers(engine)).toEqual([]);
    expect(await traces(host)).toEqual(NOTHING);

    const service = await serveHealth(host, { port: 80 });
    const joined = await engine.up(program());
    expect(joined.succeeded, joined.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await service.end();

    // A change of what is asked for asks nobody.
    await host.stopSsh();
    const policy = await engine.up(program({ port: 81 }));
    expect(policy.succeeded, policy.text).toBe(true);
    expect(stepOf(policy)).toBe("update");
    await host.startSsh();
    expect((await stored(engine)).outputs["ready"]).toEqual({
      ...{ port: 81, http: { path: "/healthz" }, timeoutSeconds: 2 },
    });
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("is rolled back when the wait is interrupted by a second ^C", async () => {
    const engine = await stage.engine();
    let done = false;
    const outcome = await engine.up(program({ timeoutSeconds: 300 }), {
      onEvent: ({ diagnosticEvent: event }) => {
        if (done || !event?.message.includes("waiting for GET")) return;
        done = true;
        void engine.signal("SIGINT");
        // The engine takes two within a moment for one.
        void pause(500).then(() => engine.signal("SIGINT"));
      },
    });
    expect(outcome.succeeded).toBe(false);
    await expect.poll(() => traces(host), { timeout: 10_000 }).toEqual(NOTHING);
  });
});
