import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VirtualService } from "../../src/index";
import type { Client } from "../../lab/client";
import { makeDirector } from "../../lab/director-guest";
import type { Engine, Outcome } from "../../lab/engine";
import type { Guest } from "../../lab/guest";
import type { LabHost } from "../../lab/host";
import { processesIn, signalProcess } from "../../lab/processes";
import { webHost } from "../../lab/web-host";
import { Stage } from "../provider/stage";
import { join } from "./pool";
import { settled, StagedDirector } from "./stage";

const SERVICES = 8;
const drain = { timeoutSeconds: 300, onTimeout: "fail" } as const;

// One life of two stacks on one director: each test goes on where the one before it ended.
describe("services of one director that drain at once", () => {
  let stage: Stage;
  let engine: Engine;
  let beside: Engine;
  let guest: Guest;
  let client: Client;
  let leaving: LabHost;
  let staying: LabHost;
  /** One of each service, and one of the other stack's. */
  let vips: readonly string[];
  let ninth: string;

  beforeAll(async () => {
    stage = await Stage.create();
    const { lab } = stage;
    [guest, client, engine, beside, leaving, staying] = await Promise.all([
      lab.guest("lb"),
      lab.client(),
      stage.engine(),
      stage.engine({ stack: "beside" }),
      webHost(lab, "leaving"),
      webHost(lab, "staying"),
    ]);
    const all = Array.from({ length: SERVICES + 1 }, (_, at) =>
      guest.address.replace(/\d+$/, String(240 + at)),
    );
    [vips, ninth = ""] = [all.slice(0, SERVICES), all.at(-1)];
    await makeDirector(guest, all);
    await Promise.all([leaving, staying].map((host) => join(lab, host, all)));
  });
  afterAll(() => stage.destroy());

  /** Services on these VIPs; those that are named have only the real server that stays. */
  const program =
    (all: readonly string[], left: readonly string[] = []) =>
    () => {
      for (const vip of all) {
        const hosts = left.includes(vip) ? [staying] : [leaving, staying];
        new VirtualService(`shop-${vip}`, {
          director: stage.connection(guest),
          ...{ vip, port: 80, scheduler: "rr", drain, persist: false },
          destinations: hosts.map(({ address }) => ({ address })),
        });
      }
      return Promise.resolve();
    };
  const succeeded = (outcome: Outcome) => {
    expect(outcome.succeeded, outcome.text).toBe(true);
    return outcome;
  };
  /** Weights of the real server that leaves, by VIP; undefined where it has left. */
  const weights = async () => {
    const table = (await guest.run("ipvsadm -Sn")).stdout;
    return vips.map((vip) => {
      const line = `-a -t ${vip}:80 -r ${leaving.address}:80 -g -w `;
      return table.split(line)[1]?.[0];
    });
  };
  const ofAll = (weight: string | undefined) => vips.map(() => weight);
  const become = (wanted: readonly (string | undefined)[]) =>
    settled(weights, (seen) => JSON.stringify(seen) === JSON.stringify(wanted), 240);
  const pending = async () => {
    const { inspection } = await new StagedDirector(stage.lab, guest).look();
    return inspection.director?.pending ?? [];
  };
  /** Nobody's operation is left half, nor what it kept for its undo. */
  const quiet = () =>
    settled(
      async () => (await guest.run("ls -A /run/lvs-dr-director 2>/dev/null; :")).stdout,
      (left) => left === "",
    );

  it("wait side by side, while another stack refreshes and changes a ninth", async () => {
    const [made] = await Promise.all([engine.up(program(vips)), beside.up(program([ninth]))]);
    succeeded(made);
    const answering = await client.hold([...vips, ...vips]);
    expect(answering.toSorted()).toEqual([
      ...vips.map(() => "leaving"),
      ...vips.map(() => "staying"),
    ]);

    const drained = engine.up(program(vips, vips));
    await become(ofAll("0"));
    const waiting = await pending();
    expect(waiting).toHaveLength(SERVICES);
    expect(waiting.every(({ underWay, drains }) => underWay && drains?.held.length === 1)).toBe(
      true,
    );
    expect(succeeded(await beside.refresh()).changes).toEqual({ same: 2 });
    expect(succeeded(await beside.up(program([ninth], [ninth]))).changes).toMatchObject({
      update: 1,
    });
    // All that while they waited, and wait still.
    expect((await pending()).map(({ by }) => by).sort()).toEqual(
      waiting.map(({ by }) => by).sort(),
    );

    await engine.signal("SIGKILL");
    expect((await drained).succeeded).toBe(false);
  }, 500_000);

  it("have their weights back where the engine was killed meanwhile", async () => {
    await become(ofAll("1"));
    await quiet();
    expect(await pending()).toEqual([]);
    const locked = await engine.up(program(vips));
    expect(locked.text).toContain("pulumi cancel");
    await engine.cancel();
  }, 300_000);

  it("and where the provider was; the next up finishes, and no connection was cut", async () => {
    const two = vips.slice(0, 2);
    const held = vips.map((vip) => (two.includes(vip) ? "0" : "1"));
    const drained = engine.up(program(vips, two));
    await become(held);
    for (const { pid, commandLine } of await processesIn(engine.directory))
      if (commandLine.join(" ").includes("dynamic-provider")) signalProcess(pid, "SIGKILL");
    expect((await drained).succeeded).toBe(false);
    await become(ofAll("1"));
    await quiet();

    const finishing = engine.up(program(vips, two));
    await become(held);
    expect(await client.finish()).toHaveLength(2 * SERVICES);
    succeeded(await finishing);
    expect(await weights()).toEqual(held.map((weight) => (weight === "0" ? undefined : weight)));
    expect(succeeded(await engine.up(program(vips, two))).changes).toEqual({ same: SERVICES + 1 });
  }, 300_000);

  it("leave nothing of theirs, and what is another stack's", async () => {
    succeeded(await engine.destroy());
    const table = (await guest.run("ipvsadm -Sn")).stdout;
    expect(table).toBe(
      `-A -t ${ninth}:80 -s rr\n-a -t ${ninth}:80 -r ${staying.address}:80 -g -w 1\n`,
    );
    succeeded(await beside.destroy());
    expect((await guest.run("ipvsadm -Sn")).stdout).toBe("");
    expect(await new StagedDirector(stage.lab, guest).traces()).toBe("");
  }, 300_000);
});
