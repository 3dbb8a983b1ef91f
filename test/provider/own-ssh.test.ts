import { relative } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionArgs, RealServerArgs } from "../../src/index";
import type { Client } from "../../lab/client";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { serveWeb } from "../../lab/web";
import { SshHome } from "../contract/openssh";
import {
  NOTHING,
  onLo,
  owners,
  realServers,
  said,
  Stage,
  stepOf,
  stored,
  traces,
  VIP,
  VIP6,
} from "./stage";

// One life, reached by the user's own ssh: each test goes on where the one before it ended.
describe("a real server that is reached by the user's own ssh", () => {
  let stage: Stage;
  let home: SshHome;
  let host: LabHost;
  let other: LabHost;
  let client: Client;
  let engine: Engine;
  let configFile: string;

  beforeAll(async () => {
    stage = await Stage.create();
    [host, other, client, engine] = await Promise.all([
      stage.host("web-1"),
      stage.host("web-2"),
      stage.lab.client(),
      stage.engine(),
      stage.host("jump-1"),
    ]);
    await serveWeb(host);
    await client.host.run(`ip route replace ${VIP} via ${host.address}`);
    home = await SshHome.make(stage.lab);
    configFile = await home.config(`Host web-* ${host.address}\n  ProxyJump jump-1\n`);
  });
  afterAll(async () => {
    await stage.destroy();
    await home.remove();
  });

  const bySsh = (host: string): ConnectionArgs => ({ host, ssh: { configFile } });
  const up = (connection: ConnectionArgs, changes: Partial<RealServerArgs> = {}) => {
    const timeouts = { connectSeconds: 10, operationSeconds: 40 };
    return engine.up(stage.program(stage.args(host, { connection, timeouts, ...changes })));
  };

  it("is refused at preview with what does not go with it", async () => {
    const secrets = { password: "s3cret", privateKey: "s3cret", privateKeyPassword: "s3cret" };
    const connection = { ...bySsh(host.address), ...secrets, proxy: { host: "b", ...secrets } };
    const preview = await engine.preview(stage.program(stage.args(host, { connection })));
    expect(preview.succeeded).toBe(false);
    const text = said(preview, "error").join();
    for (const name of ["password", "privateKey", "privateKeyPassword", "proxy"])
      expect(text).toMatch(new RegExp(`connection\\.${name}: .* does not go with ssh`));
    expect(preview.text).not.toContain("s3cret");
  });

  it("is created through a bastion of ssh_config, and pins no key", async () => {
    const created = await up(bySsh(host.address));
    expect(created.succeeded, created.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    const { outputs } = await stored(engine);
    expect(outputs).toMatchObject({ converged: true, drift: [] });
    expect(outputs).not.toHaveProperty("hostKey");
    expect(outputs).not.toHaveProperty("proxyHostKey");
  });

  it("is the same when nothing changed", async () => {
    const outcome = await up(bySsh(host.address));
    expect(outcome.changes, outcome.text).toEqual({ same: 2 });
  });

  it("shows drift and repairs it", async () => {
    await host.run(`ip addr del ${VIP}/32 dev lo`);
    const refreshed = await engine.refresh();
    expect(refreshed.succeeded, refreshed.text).toBe(true);
    expect((await stored(engine)).outputs.drift).toEqual([`lo: ${VIP}/32 not bound`]);
    const repaired = await up(bySsh(host.address));
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });

  it("goes over to ssh2 and back by updates that reach it and touch nothing", async () => {
    // What only a convergence would put right shows that there was none.
    await host.run("mv /var/lib/lvs-dr/owners /root/owners");
    const bySsh2 = await up(stage.connection(host));
    expect(bySsh2.succeeded, bySsh2.text).toBe(true);
    expect(stepOf(bySsh2)).toBe("update");
    expect((await stored(engine)).outputs.hostKey).toBe(host.hostKey);
    // A relative name is one in the program's folder.
    const inFolder = relative(engine.directory, configFile);
    const back = await up({ host: host.address, ssh: { configFile: inFolder } });
    expect(back.succeeded, back.text).toBe(true);
    expect(stepOf(back)).toBe("update");
    expect((await stored(engine)).outputs).not.toHaveProperty("hostKey");
    expect(await owners(host)).toBeUndefined();
    await host.run("mv /root/owners /var/lib/lvs-dr/owners");
  });

  it("is drained before a VIP is withdrawn, by connections of their own", async () => {
    await client.open([VIP], 8000);
    const outcome = await up(bySsh(host.address), { vips: [VIP6], drain: { timeoutSeconds: 60 } });
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "info").join()).toContain("draining 1 connection");
    expect(said(outcome, "warning")).toEqual([]);
    expect(await client.finish()).toHaveLength(1);
    expect(await onLo(host)).toEqual([`${VIP6}/128`]);
  });

  it("that gets an alias is replaced by itself, and keeps its VIPs", async () => {
    const outcome = await up(bySsh("web-1"));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(stepOf(outcome)).toMatch(/replace/);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await realServers(engine)).toHaveLength(1);
  });

  it("is replaced by another host", async () => {
    const outcome = await up(bySsh("web-2"), { unreachableOnDestroy: "forget" });
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(await onLo(other)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect(await traces(host)).toEqual(NOTHING);
  });

  it("is forgotten by no policy", async () => {
    const limits = { connectSeconds: 2, operationSeconds: 40 };
    await up(bySsh("web-2"), { unreachableOnDestroy: "forget", timeouts: limits });
    await other.cut();
    const failed = await engine.destroy();
    await other.mend();
    expect(failed.succeeded).toBe(false);
    expect(said(failed, "error").join()).toMatch(
      /no policy forgets it.*PULUMI_LVS_DR_FORGET=web-2/s,
    );
  });

  it("leaves nothing after destroy", async () => {
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await traces(other)).toEqual(NOTHING);
  });
});
