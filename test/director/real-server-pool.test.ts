import * as pulumi from "@pulumi/pulumi";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { RealServerPool, type RealServerPoolArgs } from "../../src/index";
import type { Engine, Outcome, RunOptions } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import { NOTHING, onLo, Stage, traces, VIP, VIP6 } from "../provider/stage";

// One life, from create to destroy: each test goes on where the one before it ended.
describe("a pool with a director", () => {
  let stage: Stage;
  let engine: Engine;
  let guest: Guest;
  let one: LabHost;
  let two: LabHost;
  let three: LabHost;

  beforeAll(async () => {
    stage = await Stage.create();
    [guest, engine, one, two, three] = await Promise.all([
      stage.lab.guest("lb"),
      stage.engine(),
      ...(["one", "two", "three"] as const).map((name) => stage.host(name)),
    ] as [Promise<Guest>, Promise<Engine>, Promise<LabHost>, Promise<LabHost>, Promise<LabHost>]);
  });
  afterAll(() => stage.destroy());

  const member = (host: LabHost) => ({ host: host.address, rip6: host.address6 });
  const args = (changes: Partial<RealServerPoolArgs> = {}): RealServerPoolArgs => ({
    vips: [VIP, VIP6],
    connection: { privateKeyFile: stage.lab.keys.plain.path },
    realServers: { a: member(one), b: { ...member(two), weight: 3 } },
    directors: { lb: guest.address },
    services: [{ port: 80, scheduler: "rr" }],
    persist: false,
    timeouts: { connectSeconds: 2, operationSeconds: 20 },
    ...changes,
  });
  const run = (changes: Partial<RealServerPoolArgs> = {}, options?: RunOptions) =>
    engine.up(() => Promise.resolve(void new RealServerPool("shop", args(changes))), options);
  const up = async (changes: Partial<RealServerPoolArgs> = {}): Promise<Outcome> => {
    const outcome = await run(changes);
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };
  const table = async () => (await guest.run("ipvsadm -Sn")).stdout.split("\n").slice(0, -1).sort();
  const state = async () => (await engine.resources()).map(({ urn }) => urn).sort();
  const namesIn = ({ steps }: Outcome, op: string) =>
    steps.filter((step) => step.op === op).map(({ urn }) => urn.replace(/.*::shop-/, ""));

  it("is served by its director once all members have converged", async () => {
    const created = await up();
    const order = namesIn(created, "create").slice(-4);
    expect(order.map((name) => name.replace(/^lb-.*/, "a service"))).toEqual([
      ...["a", "b", "a service", "a service"],
    ]);
    expect(await table()).toEqual(
      [VIP, `[${VIP6}]`]
        .flatMap((vip) => [
          `-A -t ${vip}:80 -s rr`,
          ...[one, two].map((host) => {
            const rip = vip === VIP ? host.address : `[${host.address6}]`;
            return `-a -t ${vip}:80 -r ${rip}:80 -g -w ${host === one ? 1 : 3}`;
          }),
        ])
        .sort(),
    );
    expect((await up()).changes).toEqual({ same: 6 });
  });

  it("changes nothing on the director, and deletes nothing, where a member fails", async () => {
    const [before, resources] = [await table(), await state()];
    const changes = {
      realServers: { a: member(one), b: member(two), c: member(three) },
      arp: { ignore: 2 } as const,
    };
    await one.stopSsh();
    for (const continueOnError of [true, false]) {
      const failed = await run(changes, { continueOnError });
      expect(failed.succeeded).toBe(false);
      expect(namesIn(failed, "delete")).toEqual([]);
      expect(await state()).toEqual(resources);
      expect(await table()).toEqual(before);
    }
    await one.startSsh();
  });

  it("has two names for one machine on no director, and keeps its services", async () => {
    const before = await table();
    const others = ["198.51.100.2/32", "2001:db8:1::2/128"];
    for (const one of others) await two.run(`ip addr add ${one} dev eth0`);
    const again = { host: two.address6, rip: "198.51.100.2", rip6: "2001:db8:1::2" };
    const realServers = { ...args().realServers, again };
    for (const continueOnError of [true, false]) {
      const failed = await run({ realServers }, { continueOnError });
      expect(failed.succeeded).toBe(false);
      expect(failed.text).toContain("b and again are one machine");
      expect(namesIn(failed, "delete")).toEqual([]);
      expect(await table()).toEqual(before);
    }
    for (const one of others) await two.run(`ip addr del ${one} dev eth0`);
  });

  it("refuses a host that turns out to be no address, and keeps its services", async () => {
    const [before, resources] = [await table(), await state()];
    const host = pulumi.output(Promise.resolve(three.address));
    const realServers = { ...args().realServers, c: { host } };
    const services = resources.filter((urn) => urn.includes(":VirtualService::"));
    for (const continueOnError of [true, false]) {
      const failed = await run({ realServers }, { continueOnError });
      expect(failed.succeeded).toBe(false);
      expect(failed.text).toContain("realServers.c.rip6: required for an IPv6 VIP");
      expect(namesIn(failed, "delete").filter((name) => name.startsWith("lb-"))).toEqual([]);
      expect(await state()).toEqual(expect.arrayContaining(services));
      expect(await table()).toEqual(expect.arrayContaining(before));
    }
    await up();
    expect(await table()).toEqual(before);
  });

  it("lets a member leave: off the director, and then off its VIPs", async () => {
    const left = await up({ realServers: { b: member(two) } });
    expect(namesIn(left, "update")).toHaveLength(2);
    expect(namesIn(left, "delete")).toEqual(["a"]);
    expect((await table()).filter((line) => line.startsWith("-a"))).toHaveLength(2);
    expect(await traces(one)).toEqual(NOTHING);
  });

  it("lets a VIP retire: off the director, and then off its members", async () => {
    const realServers = { b: member(two) };
    const retired = await up({ realServers, vips: [VIP], retiring: [VIP6] });
    expect(namesIn(retired, "delete")).toEqual(["lb-2001.db8..10-80"]);
    expect((await table()).join()).not.toContain(VIP6);
    expect(await onLo(two)).toEqual([`${VIP6}/128`, `${VIP}/32`]);
    await up({ realServers, vips: [VIP] });
    expect(await onLo(two)).toEqual([`${VIP}/32`]);
  });

  it("ends with nothing of it anywhere", async () => {
    const destroyed = await engine.destroy();
    expect(destroyed.succeeded, destroyed.text).toBe(true);
    expect(namesIn(destroyed, "delete").slice(0, 2)).toEqual(["lb-203.0.113.10-80", "b"]);
    expect(await table()).toEqual([]);
    for (const host of [one, two, three]) expect(await traces(host)).toEqual(NOTHING);
  });
});
