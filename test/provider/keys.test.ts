import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Engine } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, said, Stage, stepOf, stored, traces, VIP, VIP6 } from "./stage";

describe("keys that change", () => {
  let stage: Stage;
  let host: LabHost;
  let engine: Engine;

  beforeAll(async () => {
    stage = await Stage.create();
    host = await stage.host("keyed");
  });
  afterAll(() => stage.destroy());

  beforeEach(async () => {
    engine = await stage.engine();
    const created = await engine.up(stage.program(stage.args(host)));
    expect(created.succeeded, created.text).toBe(true);
  });
  afterEach(async () => {
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await traces(host)).toEqual(NOTHING);
  });

  const withKey = (key: "rsa" | "unknown") => {
    const privateKeyFile = stage.lab.keys[key].path;
    return stage.args(host, { connection: stage.connection(host, { privateKeyFile }) });
  };

  it("a rotated one is an update that proves that it opens, and touches nothing", async () => {
    // What only a convergence would put right shows that there was none.
    await host.run("rm -r /var/lib/lvs-dr/owners");
    const outcome = await engine.up(stage.program(withKey("rsa")));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(stepOf(outcome)).toBe("update");
    const { stdout } = await host.run("ls /var/lib/lvs-dr");
    expect(stdout).not.toContain("owners");
    expect((await stored(engine)).outputs.connection).toMatchObject({
      privateKeyFile: stage.lab.keys.rsa.path,
    });
  });

  it("a wrong one is not stored, so that the next operation still has the right one", async () => {
    const outcome = await engine.up(stage.program(withKey("unknown")));
    expect(outcome.succeeded).toBe(false);
    expect((await stored(engine)).outputs.connection).toMatchObject({
      privateKeyFile: stage.lab.keys.plain.path,
    });
  });

  it("a rebuilt host's is refused until known hosts have it, and then all is repaired", async () => {
    const before = host.hostKey;
    await host.rebuild();
    const refused = await engine.refresh();
    expect(refused.succeeded).toBe(false);
    expect(said(refused, "error").join()).toContain("known_hosts");
    expect((await stored(engine)).outputs.hostKey).toBe(before);

    await engine.writeKnownHosts(`${host.address} ${host.hostKey}\n`);
    const repaired = await engine.up(stage.program(stage.args(host)), { refresh: true });
    expect(repaired.succeeded, repaired.text).toBe(true);
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    expect((await stored(engine)).outputs.hostKey).toBe(host.hostKey);
  });

  it("another machine's, as the program names it, has that machine converge", async () => {
    await host.rebuild();
    const args = (hostKey: string) =>
      stage.args(host, { connection: stage.connection(host, { hostKey }) });
    const outcome = await engine.up(stage.program(args(host.hostKey)));
    expect(outcome.succeeded, outcome.text).toBe(true);
    expect(said(outcome, "warning").join()).toContain("another machine answers there");
    expect(await onLo(host)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
  });

  it("an authority for host certificates is not used, which the first contact's row says", async () => {
    const certified = await stage.host("certified");
    const other = await stage.engine();
    await other.writeKnownHosts(`@cert-authority * ${stage.lab.keys.unknown.publicKey}\n`);
    const created = await other.up(stage.program(stage.args(certified)));
    expect(created.succeeded, created.text).toBe(true);
    expect(said(created, "warning").join()).toContain(
      "~/.ssh/known_hosts line 1 (@cert-authority) was not used",
    );
    const destroyed = await other.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(said(destroyed, "warning")).toEqual([]);
  });

  it("the host's own, given by the program, goes before all", async () => {
    const connection = stage.connection(host, { hostKey: stage.lab.keys.unknown.publicKey });
    const refused = await engine.up(stage.program(stage.args(host, { connection })));
    expect(refused.succeeded).toBe(false);
    expect(said(refused, "error").join()).toContain("hostKey");
  });
});
