import type { ConfigMap } from "@pulumi/pulumi/automation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServer, VirtualService, type VirtualServiceArgs } from "../../src/index";
import type { Engine, RunOptions } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, said, Stage, traces, VIP } from "../provider/stage";

const SELECTOR = `-t ${VIP}:80`;

// One life, from create to destroy: each test goes on where the one before it ended.
describe("the life of a virtual service beside its real servers", () => {
  let stage: Stage;
  let engine: Engine;
  let guest: Guest;
  let first: LabHost;
  let second: LabHost;
  let third: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [guest, engine, first, second, third] = await Promise.all([
      stage.lab.guest("lb"),
      stage.engine(),
      stage.host("first"),
      stage.host("second"),
      stage.host("third"),
    ]);
  });
  afterAll(() => stage.destroy());

  const args = (changes: Partial<VirtualServiceArgs> = {}): VirtualServiceArgs => ({
    director: stage.connection(guest),
    ...{ vip: VIP, port: 80 },
    destinations: [{ address: second.address, weight: 10 }, { address: first.address }],
    timeouts: { connectSeconds: 10, operationSeconds: 60 },
    ...changes,
  });
  /** Real servers on these hosts, and then a service. */
  const program =
    (changes: Partial<VirtualServiceArgs> = {}, hosts = [first, second]) =>
    () => {
      const dependsOn = hosts.map((host) => {
        const args = stage.args(host, { vips: [VIP], persist: false });
        // The third takes the first one's place.
        return new RealServer(host === third ? "first" : host.name, args);
      });
      new VirtualService("shop", args(changes), { dependsOn });
      return Promise.resolve();
    };
  const up = async (
    changes: Partial<VirtualServiceArgs> = {},
    hosts = [first, second],
    options: RunOptions = {},
  ) => {
    const outcome = await engine.up(program(changes, hosts), options);
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };
  const table = async () => {
    const { stdout } = await guest.run("ipvsadm -Sn");
    return stdout.split("\n").filter((line) => line !== "");
  };
  const service = async () => {
    const all = await engine.resources();
    return all.find(({ type }) => type.endsWith(":VirtualService"))?.outputs ?? {};
  };
  const rip = (host: LabHost) => `${host.address}:80`;

  it("begins with a service that is served after its real servers have converged", async () => {
    const created = await up();
    const order = created.steps.filter(({ op }) => op === "create").map(({ urn }) => urn);
    expect(order.at(-1)).toMatch(/::shop$/);
    expect(await table()).toEqual([
      `-A ${SELECTOR} -s wlc`,
      ...[`-a ${SELECTOR} -r ${rip(first)} -g -w 1`, `-a ${SELECTOR} -r ${rip(second)} -g -w 10`],
    ]);
    expect(await service()).toMatchObject({
      table: { scheduler: "wlc", destinations: [{ weight: 1 }, { weight: 10 }] },
      ...{ foreign: [], drift: [], converged: true, hostKey: guest.hostKey },
    });
    const respelled = {
      destinations: [
        { address: first.address, weight: 1 },
        { address: second.address, weight: 10 },
      ],
    };
    expect((await up({ ...respelled, protocol: "tcp" })).changes).toEqual({ same: 4 });
  });

  it("shows what somebody has done with ipvsadm as drift, and repairs it", async () => {
    await guest.run(
      `ipvsadm -E ${SELECTOR} -s rr && ipvsadm -e ${SELECTOR} -r ${rip(second)} -g -w 0 && ` +
        `ipvsadm -d ${SELECTOR} -r ${rip(first)} && ipvsadm -a ${SELECTOR} -r 10.9.9.9:80 -g`,
    );
    const shown = await engine.preview(program(), { refresh: true, diff: true });
    expect(shown.text).toContain(`${VIP}:80: scheduler rr, wanted wlc`);
    expect(shown.text).toContain(`${second.address} has weight 0, wanted 10`);
    expect(shown.text).toContain("wlc (rr in the table)");
    expect(shown.text).toContain(`${first.address} (not in the table)`);
    const repaired = await up({}, [first, second], { refresh: true });
    expect(repaired.changes).toEqual({ same: 3, update: 1 });
    expect(await service()).toMatchObject({ drift: [], foreign: ["10.9.9.9:80"] });
    expect(await table()).toContain(`-a ${SELECTOR} -r ${rip(second)} -g -w 10`);
    await guest.run(`ipvsadm -d ${SELECTOR} -r 10.9.9.9:80`);
    expect((await up()).changes).toEqual({ same: 4 });
  });

  it("is refused to a second owner, with a word on aliases", async () => {
    const other = await stage.engine();
    const failed = await other.up(() =>
      Promise.resolve(void new VirtualService("mine", args({ destinations: [] }))),
    );
    expect(failed.succeeded).toBe(false);
    expect(said(failed, "error").join("\n")).toMatch(
      /is declared on this director by .*shop.*aliases/,
    );
    expect(await table()).toHaveLength(3);
  });

  it("is refused under another name without an alias, and is the same with one", async () => {
    const called = (name: string, ...aliases: readonly string[]) =>
      engine.up(() => {
        const dependsOn = [first, second].map(
          (host) => new RealServer(host.name, stage.args(host, { vips: [VIP], persist: false })),
        );
        const options = { dependsOn, aliases: aliases.map((alias) => ({ name: alias })) };
        return Promise.resolve(void new VirtualService(name, args(), options));
      });
    const before = await table();
    const refused = await called("store");
    expect(refused.succeeded).toBe(false);
    expect(said(refused, "error").join("\n")).toMatch(
      /is declared on this director by .*shop.*aliases/,
    );
    expect(await table()).toEqual(before);
    for (const [name, former] of [
      ["store", "shop"],
      ["shop", "store"],
    ] as const) {
      const renamed = await called(name, former);
      expect(renamed.succeeded, renamed.text).toBe(true);
      expect(renamed.changes).toEqual({ same: 3, update: 1 });
      expect(await table()).toEqual(before);
    }
  });

  it("has another port by being replaced: the new one is there before the old one goes", async () => {
    const replaced = await up({ port: 8080 });
    expect(replaced.changes).toEqual({ same: 3, replace: 1 });
    expect((await table()).map((line) => line.replace(/ -r .*/, ""))).toEqual([
      `-A -t ${VIP}:8080 -s wlc`,
      ...[`-a -t ${VIP}:8080`, `-a -t ${VIP}:8080`],
    ]);
    await up();
    expect(await table()).toHaveLength(3);
  });

  it("outlives another spelling of its director", async () => {
    const respelled = await up({ director: { ...stage.connection(guest), host: guest.address6 } });
    expect(respelled.changes).toEqual({ same: 3, replace: 1 });
    expect(await table()).toHaveLength(3);
    await up();
    expect(await table()).toHaveLength(3);
  });

  it("keeps a host's VIP where its director could not be told that the host leaves", async () => {
    const members = (...hosts: LabHost[]) => ({
      destinations: hosts.map(({ address }) => ({ address })),
    });
    await guest.run("systemctl stop ssh.socket ssh.service; :");
    const timeouts = { connectSeconds: 2, operationSeconds: 60 };
    // In the second run the engine knows nothing of what the delete of the first one's host waits for.
    for (const continueOnError of [false, true]) {
      const changes = { ...members(second, third), timeouts };
      const failed = await engine.up(program(changes, [second, third]), { continueOnError });
      expect(failed.succeeded).toBe(false);
      expect(await onLo(first), failed.text).toEqual([`${VIP}/32`]);
      if (continueOnError)
        expect(failed.text).toContain(
          `${guest.address} may still send requests for ${VIP} here, to ${first.address}`,
        );
    }
    await guest.run("systemctl start ssh.service");
    await up(members(second, third), [second, third]);
    expect(await traces(first)).toEqual(NOTHING);
    expect(await table()).toHaveLength(3);
  });

  it("warns where a VIP is dropped in the same up as its service, which comes too late", async () => {
    const dropped = await engine.up(() => {
      for (const host of [second, third]) {
        const args = stage.args(host, { vips: ["203.0.113.11"], persist: false });
        new RealServer(host === third ? "first" : host.name, args);
      }
      return Promise.resolve();
    });
    expect(dropped.succeeded, dropped.text).toBe(true);
    expect(said(dropped, "warning").join("\n")).toContain(
      `${VIP} was withdrawn from a real server in this run, before this service was removed`,
    );
  });

  it("ends with nothing of it on the director", async () => {
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await table()).toEqual([]);
    const { stdout } = await guest.run("ls -Ad /var/lib/lvs-dr-director /run/lvs-dr-director; :");
    expect(stdout).toBe("");
    for (const host of [second, third]) expect(await traces(host)).toEqual(NOTHING);
  });

  it("is what the example declares, with a key that stays secret", async () => {
    const { content } = stage.lab.keys.plain;
    const config: ConfigMap = {
      "lab:directors": { value: JSON.stringify([guest.address]) },
      "lab:hosts": { value: JSON.stringify({ one: first.address, two: second.address }) },
      ...{ "lab:vip": { value: VIP }, "lab:ports": { value: "[80]" } },
      "lab:privateKey": { value: content, secret: true },
    };
    const example = await stage.engine({ config });
    const declared = await example.up(async () => ({
      ...(await import("../../examples/director/index.js")),
    }));
    expect(declared.succeeded, declared.text).toBe(true);
    const made = declared.steps.filter(({ op }) => op === "create").map(({ urn }) => urn);
    expect(made.at(-1)).toMatch(/:VirtualService::/);
    expect(await table()).toHaveLength(3);
    for (const host of [first, second]) expect(await onLo(host)).toEqual([`${VIP}/32`]);
    const secret = content.split("\n")[2] ?? "";
    expect(secret).not.toBe("");
    expect((await example.stateText()) + declared.text).not.toContain(secret);
    const destroyed = await example.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(await table()).toEqual([]);
    for (const host of [first, second]) expect(await traces(host)).toEqual(NOTHING);
  });
});
