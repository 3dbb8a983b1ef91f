import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ConnectionArgs, RealServerArgs } from "../../src/index";
import type { Engine, Outcome } from "../../lab/engine";
import type { LabHost } from "../../lab/host";
import { realServers, said, Stage, stepOf, stored } from "./stage";

const VIP2 = "203.0.113.20";

describe("keys and passwords given as plain strings", () => {
  let stage: Stage;
  let host: LabHost;
  let bastion: LabHost;
  let engine: Engine;
  let secrets: string[];

  beforeAll(async () => {
    stage = await Stage.create();
    [host, bastion] = await Promise.all([stage.host("kept"), stage.host("bastion")]);
    engine = await stage.engine();
    const { keys, passwords } = stage.lab;
    const lines = [keys.encrypted.content, keys.plain.content].flatMap((key) => key.split("\n"));
    secrets = [
      passwords.login,
      passwords.keyPassphrase,
      ...lines.filter((line) => line.length > 20),
    ];
  });
  afterAll(() => stage.destroy());

  const connection = (changes: Partial<ConnectionArgs> = {}): ConnectionArgs => ({
    host: host.address,
    user: "operator",
    privateKey: stage.lab.keys.encrypted.content,
    privateKeyPassword: stage.lab.passwords.keyPassphrase,
    sudoPassword: stage.lab.passwords.login,
    proxy: { host: bastion.address, user: "deploy", password: stage.lab.passwords.login },
    ...changes,
  });
  const program = (changes?: Partial<ConnectionArgs>) =>
    stage.program(stage.args(host, { connection: connection(changes) }));

  const expectSilent = async (outcome: Outcome, from = engine) => {
    const all = outcome.text + JSON.stringify(outcome.said) + (await from.stateText());
    for (const secret of secrets) expect(all).not.toContain(secret);
  };

  it("are in no preview, log and state of a create, a no-op and a refresh", async () => {
    const preview = await engine.preview(program(), { diff: true });
    expect(preview.text).toContain("[secret]");
    await expectSilent(preview);
    const created = await engine.up(program(), { diff: true });
    expect(created.succeeded, created.text).toBe(true);
    await expectSilent(created);
    expect((await engine.up(program())).changes).toEqual({ same: 2 });
    const refresh = await engine.refresh();
    expect(refresh.succeeded, refresh.text).toBe(true);
    await expectSilent(refresh);
    expect((await stored(engine)).outputs.converged).toBe(true);
  });

  it("stay secret after drift, whose inputs come from the host", async () => {
    await host.run("ip addr flush dev lo scope host label lo:dr");
    await expectSilent(await engine.refresh());
    expect((await stored(engine)).outputs.converged).toBe(false);
    const repaired = await engine.up(program(), { diff: true });
    expect(stepOf(repaired), repaired.text).toBe("update");
    await expectSilent(repaired);
  });

  it("are in no error: a wrong sudo password, a wrong login, a key that is none", async () => {
    const { login } = stage.lab.passwords;
    const wrong = await stage.engine();
    const attempts: Partial<ConnectionArgs>[] = [
      { sudoPassword: `${login}-no` },
      { privateKey: stage.lab.keys.unknown.content, password: `${login}-no` },
      { privateKey: stage.lab.keys.plain.content.replace("OPENSSH", "NO"), password: "" },
      { privateKeyPassword: `${login}-no` },
      { proxy: { host: bastion.address, user: "deploy", password: `${login}-no` } },
    ];
    for (const attempt of attempts) {
      const outcome = await wrong.up(program(attempt));
      expect(outcome.succeeded, JSON.stringify(Object.keys(attempt))).toBe(false);
      await expectSilent(outcome, wrong);
      expect(said(outcome, "error").length).toBeGreaterThan(0);
    }
    expect(await realServers(wrong)).toEqual([]);
  });

  it("are not in what is kept of an unknown outcome, nor in a connection that is an Output", async () => {
    const other = await stage.engine();
    const declare = (given: RealServerArgs["connection"]) =>
      stage.program(stage.args(host, { connection: given, owner: "other", vips: [VIP2] }));
    // The commit's answer is lost, and nobody can be asked what became of it.
    await host.run(`
      mv /usr/bin/rm /usr/bin/rm.real
      cat >/usr/bin/rm <<'END'
#!/bin/sh
rm.real "$@" || exit
[ "$*" != /var/lib/lvs-dr/journal ] || pkill sshd
END
      chmod 755 /usr/bin/rm`);
    const lost = await other.up(declare(connection()));
    await host.run("mv /usr/bin/rm.real /usr/bin/rm");
    await host.startSsh();
    expect(lost.succeeded).toBe(false);
    await expectSilent(lost, other);
    expect((await stored(other)).outputs).toMatchObject({
      converged: false,
      hostKey: host.hostKey,
      proxyHostKey: bastion.hostKey,
    });

    const settled = await other.up(declare(pulumi.output(connection())), { diff: true });
    expect(settled.succeeded, settled.text).toBe(true);
    await expectSilent(settled, other);
    const destroyed = await other.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
  });

  it("are not in the state after a destroy that failed", async () => {
    await bastion.stopSsh();
    const failed = await engine.destroy();
    expect(failed.succeeded).toBe(false);
    await expectSilent(failed);
    await bastion.startSsh();
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    await expectSilent(destroyed);
  });
});
