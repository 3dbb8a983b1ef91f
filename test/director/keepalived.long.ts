import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { Client } from "../../lab/client";
import { makeDirector } from "../../lab/director-guest";
import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { Traffic } from "../../lab/traffic";
import { webHost } from "../../lab/web-host";
import { usualBlockFile, type HealthCheck } from "../../src/domain/keepalived";
import { inspectService, serve, withdrawService } from "../../src/operation/serve";
import type { ServiceClaim } from "../../src/plan/service/claim";
import { eventually } from "../host/box";
import { join } from "./pool";
import { incarnationOf, StagedDirector, type Declared } from "./stage";

/** Of VRRP, which keepalived runs beside. */
const VIRTUAL = "192.0.2.99";
const CONF = "/etc/keepalived/keepalived.conf";
const FOLDER = "/etc/keepalived/conf.d";
const VRRP =
  "vrrp_instance one {\\n state MASTER\\n interface eth0\\n virtual_router_id 51\\n priority 100\\n" +
  ` advert_int 1\\n virtual_ipaddress {\\n ${VIRTUAL}/32\\n }\\n}\\n`;
const INCLUDE = `include ${FOLDER}/*.conf`;
const check: HealthCheck = {
  ...{ kind: "tcp", port: undefined, intervalSeconds: 1, timeoutSeconds: 1, retries: 0 },
};
const drain = { timeoutSeconds: 90, onTimeout: "fail" } as const;

let lab: Lab;
let director: StagedDirector;
let client: Client;
let vips: readonly [string, string];
let one: LabHost;
let two: LabHost;
let shop: Declared;
let file: string;
let pid: string;

const run = async (line: string) => (await director.guest.run(line)).stdout.trim();
const ofKeepalived = () => run("cat /run/keepalived.pid");
const reloads = async () =>
  Number(await run("journalctl -u keepalived | grep -c 'Reloading ...$'; :"));
/** The VIP of VRRP is held by the process that has held it from the start. */
const isMaster = async () => {
  expect(await ofKeepalived()).toBe(pid);
  expect(await run("ip -o addr show dev eth0")).toContain(`${VIRTUAL}/32`);
  expect(await run("journalctl -u keepalived | grep -c 'Entering .* STATE$'; :")).toBe("1");
};
const formerly = (declared: Declared, former = declared): Declared => ({
  ...declared,
  former: Object.keys(former.destinations),
});

beforeAll(async () => {
  lab = await Lab.create();
  const [guest, asking, ...servers] = await Promise.all([
    lab.guest("lb"),
    lab.client(),
    ...["rs1", "rs2"].map((name) => webHost(lab, name)),
  ]);
  [client, vips] = [asking, lab.vips];
  [one, two] = servers as [LabHost, LabHost];
  director = new StagedDirector(lab, guest);
  await Promise.all(servers.map((host) => join(lab, host, vips)));
  await makeDirector(guest, vips);
  await run(
    `mkdir -p ${FOLDER}; printf '${VRRP}${INCLUDE}\\n' >${CONF}; systemctl start keepalived; ` +
      `until ip -o addr show dev eth0 | grep -F ${VIRTUAL}; do sleep 0.2; done`,
  );
  pid = await ofKeepalived();
  shop = { vip: vips[0], block: {}, destinations: { [one.address]: 2, [two.address]: 1 } };
  file = `${FOLDER}/lvs-dr-${vips[0]}-80.conf`;
});
afterAll(() => lab.destroy());

describe("a director that keepalived keeps", () => {
  it("gets services by files that keepalived reads, loses no request by joins and leaves, and is left as it was", async () => {
    await director.useShell("busybox");
    const six: Declared = {
      ...{ owner: "six", vip: vips[1], block: { check } },
      destinations: { [one.address6]: 1 },
    };
    const first = { ...shop, destinations: { [one.address]: 1 } };
    for (const declared of [first, six])
      expect(await director.serve(declared)).toMatchObject({ drift: [], record: "ours" });
    const traffic = await Traffic.start(lab, client, vips, 120);
    const serves = (host: LabHost) =>
      traffic.until(({ answered }) => (answered[host.name] ?? 0) > 0);
    await serves(one);
    const both = { ...six, destinations: { [one.address6]: 1, [two.address6]: 3 } };
    await director.serve(formerly(shop, first));
    await director.serve(formerly(both, six));
    expect(await director.weights(shop)).toEqual({ [one.address]: 2, [two.address]: 1 });
    await serves(two);
    const before = await reloads();
    await director.serve(formerly(shop));
    expect(await reloads(), "by an update that changes nothing").toBe(before);
    const last = { ...shop, destinations: { [two.address]: 5 } };
    await director.serve(formerly(last, shop), drain);
    await director.serve(formerly({ ...both, destinations: { [two.address6]: 1 } }, both), drain);
    expect(await director.weights(last)).toEqual({ [two.address]: 5 });
    await traffic.until(({ sent }) => sent >= 2000);
    const { requests } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    await director.withdraw(six, drain);
    await director.withdraw(last, drain);
    expect(await director.table()).toEqual([]);
    expect(await run(`ls -A ${FOLDER}`)).toBe("");
    expect(await director.traces()).toBe("");
    await isMaster();
    await director.useShell("dash");
  }, 300_000);

  it("has its drift found and put right, without a reload where the file is as it was", async () => {
    await director.serve(shop);
    const [here, there] = [one.address, two.address];
    const at = `-t ${vips[0]}:80`;
    await run(`ipvsadm -e ${at} -r ${here}:80 -g -w 9; ipvsadm -d ${at} -r ${there}:80`);
    await run(`ipvsadm -a ${at} -r 10.0.0.15:80 -g -w 1`);
    const before = await reloads();
    const drifted = await director.inspect(shop);
    expect(drifted).toMatchObject({ failing: [], foreign: ["10.0.0.15:80"] });
    expect(drifted.drift).toEqual([
      `${vips[0]}:80: ${here} has weight 9, wanted 2`,
      `${vips[0]}:80: ${there} not in the table`,
    ]);
    await director.serve({ ...shop, foreignDestinations: "remove" });
    expect(await reloads()).toBe(before);
    expect(await director.weights(shop)).toEqual(shop.destinations);
    // Both at once: keepalived passes over lines that it has read before.
    await run(`ipvsadm -e ${at} -r ${here}:80 -g -w 9; sed -i 's/weight 1/weight 7/' ${file}`);
    const edited = await director.inspect(shop);
    expect(edited.drift).toContain(`keepalived: ${file} differs from what is declared`);
    expect((await director.serve(shop)).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual(shop.destinations);
    await run(`ipvsadm -D ${at}; rm ${file}`);
    expect((await director.serve(shop)).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual(shop.destinations);
    await isMaster();
  }, 300_000);

  it("has services of any kind, checked over HTTP, and thresholds that keepalived itself does not change", async () => {
    const terms = { port: 80, intervalSeconds: 1, timeoutSeconds: 2, retries: 0 };
    const http: HealthCheck = {
      ...{ kind: "http", ...terms, path: "/", status: 404, host: "shop.test" },
    };
    const served = (address: string, upperThreshold = 0) => ({
      ...{ address, weight: 3, upperThreshold, lowerThreshold: 0 },
    });
    const kinds: readonly (readonly [ServiceClaim["service"], HealthCheck])[] = [
      [
        {
          target: { kind: "tcp", vip: { family: 6, address: vips[1] }, port: 443 },
          ...{ scheduler: "mh", flags: ["mh-fallback", "mh-port"] },
          persistence: { timeoutSeconds: 600, prefixLength: 64 },
          destinations: [served(one.address6), served(two.address6)],
        },
        http,
      ],
      [
        {
          target: { kind: "udp", vip: { family: 4, address: vips[0] }, port: 53 },
          ...{ scheduler: "sh", flags: ["sh-fallback"], persistence: undefined },
          destinations: [served("10.0.0.11")],
        },
        { kind: "none" },
      ],
      [
        {
          target: { kind: "fwmark", mark: 7, family: 6 },
          ...{ scheduler: "rr", flags: [], persistence: undefined },
          destinations: [served("fd00::11", 9)],
        },
        { kind: "none" },
      ],
    ];
    const claims = kinds.map(([service, checked], index): ServiceClaim => {
      const block = { file: usualBlockFile(service.target), check: checked };
      const owner = `kind ${index}`;
      return {
        ...{ owner, incarnation: incarnationOf(owner), service },
        block: { ...block, inhibitOnFailure: false },
      };
    });
    for (const claim of claims)
      expect(await serve(director.operation(), claim)).toMatchObject({ drift: [] });
    const [checked, , marked] = claims as [ServiceClaim, ServiceClaim, ServiceClaim];
    const failing = async (claim: ServiceClaim, count: number) =>
      eventually(
        () => inspectService(director.operation(), claim),
        (report) => report.failing?.length === count && report.drift.length === 0,
        60,
      );
    // The page is there, and so is not what is asked for.
    await failing(checked, 2);
    const found = { ...http, status: 200 };
    const right = {
      ...checked,
      former: [one.address6, two.address6],
      block: { file: checked.block?.file ?? "", check: found, inhibitOnFailure: false },
    };
    await serve(director.operation(), right);
    await failing(right, 0);
    const service = { ...marked.service, destinations: [served("fd00::11", 20)] };
    const changed = await serve(director.operation(), { ...marked, service, former: ["fd00::11"] });
    expect(changed).toMatchObject({ drift: [], table: { destinations: [{ upperThreshold: 20 }] } });
    for (const claim of claims) await withdrawService(director.operation(), claim);
    await isMaster();
  }, 300_000);

  it("shows what its checks take out, which is no drift, and what they let in again", async () => {
    const checked = { ...shop, block: { check } };
    await director.serve(formerly(checked));
    const seen = async (failing: string[]) =>
      eventually(
        () => director.inspect(checked),
        (report) => JSON.stringify(report.failing) === JSON.stringify(failing),
        60,
      );
    await run(`ip route add unreachable ${one.address}`);
    const out = await seen([`${one.address}:80`]);
    expect(out.drift).toEqual([]);
    expect(out.table?.destinations.map(({ destination }) => destination)).toEqual([
      `${two.address}:80`,
    ]);
    // Another change leaves it out, and so does one that keeps it at weight 0 instead.
    const destinations = { ...shop.destinations, [two.address]: 4 };
    const changed = { ...checked, destinations };
    expect(await director.serve(formerly(changed, shop))).toMatchObject({ drift: [] });
    expect(await director.weights(shop)).toEqual({ [two.address]: 4 });
    await run(`ip route del unreachable ${one.address}`);
    await eventually(
      () => director.inspect(changed),
      ({ failing, drift }) => failing?.length === 0 && drift.length === 0,
      60,
    );
    const inhibited = { ...shop, block: { check, inhibitOnFailure: true } };
    await director.serve(formerly(inhibited));
    await run(`ip route add unreachable ${one.address}`);
    await eventually(
      () => director.inspect(inhibited),
      ({ failing, drift }) => failing?.[0] === `${one.address}:80` && drift.length === 0,
      60,
    );
    const quiet = { [one.address]: 0, [two.address]: 1 };
    expect(await director.weights(shop)).toEqual(quiet);
    // Its weight is one that it gets when it is let in again.
    const heavier = { ...inhibited, destinations: { ...shop.destinations, [one.address]: 6 } };
    const weighed = await director.serve(formerly(heavier, inhibited));
    expect(weighed).toMatchObject({ drift: [], failing: [`${one.address}:80`] });
    expect(await director.weights(shop)).toEqual(quiet);
    await run(`ip route del unreachable ${one.address}`);
    await eventually(
      () => director.weights(shop),
      (weights) => weights[one.address] === 6,
      60,
    );
    await director.serve(formerly(shop, heavier));
    await isMaster();
  }, 300_000);

  describe("has the old file back", () => {
    let before: readonly unknown[];
    let without: Declared;
    beforeAll(async () => {
      await director.serve(formerly(shop));
      before = [await run(`cat ${file}`), await director.table()];
      without = formerly({ ...shop, destinations: { [two.address]: 1 } }, shop);
    }, 300_000);
    const asBefore = () =>
      eventually(
        async () => [await run(`cat ${file}`), await director.table(), await director.traces()],
        ([text, table, left]) =>
          JSON.stringify([text, table]) === JSON.stringify(before) &&
          !String(left).includes("journal"),
        60,
      );
    const quiet = () =>
      eventually(
        () => director.weights(shop),
        (weights) => weights[one.address] === 0,
        60,
      );
    const busy = () => client.hold([vips[0], vips[0], vips[0]]);

    it("where keepalived has something against the new one", async () => {
      const bad = director.serve(formerly({ ...shop, scheduler: "nosuch" }));
      await expect(bad).rejects.toMatchObject({
        ...{ kind: "failed", aftermath: "rolled-back" },
        what: expect.stringMatching(/: keepalived does not take the change: .*'nosuch'/) as string,
      });
      await asBefore();
      await isMaster();
    }, 300_000);

    it("where keepalived does not read it in time, which hangs", async () => {
      const changed = { ...shop, destinations: { ...shop.destinations, [one.address]: 8 } };
      const earlier = await reloads();
      await run(`kill -STOP ${pid}`);
      await expect(director.serve(formerly(changed, shop))).rejects.toMatchObject({
        ...{ kind: "failed", aftermath: "rolled-back" },
        what: expect.stringMatching(
          /: keepalived has not done within 10 s what its file says \(\S+ has weight 2\): see journalctl/,
        ) as string,
      });
      await asBefore();
      await run(`kill -CONT ${pid}`);
      // It reads what is there by now.
      await eventually(reloads, (now) => now > earlier, 60);
      await asBefore();
      expect(await director.inspect(shop)).toMatchObject({ drift: [], failing: [] });
      expect((await director.serve(formerly(changed, shop))).drift).toEqual([]);
      await director.serve(formerly(shop));
      await isMaster();
    }, 300_000);

    it("where the time of a drain is over, and that is to fail", async () => {
      expect(new Set(await busy())).toEqual(new Set(["rs1", "rs2"]));
      const impatient = director.serve(without, { ...drain, timeoutSeconds: 2 });
      await expect(impatient).rejects.toMatchObject({
        ...{ kind: "timed-out", aftermath: "rolled-back" },
      });
      await client.finish();
      await asBefore();
      await isMaster();
    }, 300_000);

    it("where the connection is lost in a drain, or the shell is killed", async () => {
      await busy();
      const lost = expect(director.serve(without, drain)).rejects.toMatchObject({
        ...{ kind: "failed", aftermath: "unknown" },
      });
      await quiet();
      expect(await run(`cat ${file}`)).toContain("weight 0");
      await director.guest.run("kill -KILL $(pgrep -f '[s]shd: root@notty')");
      await lost;
      await asBefore();
      const killed = director.serve(without, drain).catch((error: unknown) => error);
      await quiet();
      await director.guest.run("pkill -KILL -o -f '^sh -c .*lvs-dr'");
      await killed;
      await asBefore();
      await client.finish();
      await isMaster();
    }, 300_000);
  });

  it("takes a service over from keepalived.conf, and no request is lost meanwhile", async () => {
    await director.withdraw(shop);
    const server = ({ address }: LabHost) => `  real_server ${address} 80 {
    weight 1
    TCP_CHECK {
      connect_timeout 5
    }
  }
`;
    const theirs = `virtual_server ${vips[0]} 80 {
  delay_loop 2
  lvs_sched wlc
  lvs_method DR
  protocol TCP
${server(one)}${server(two)}}
`;
    await director.guest.run(`cat >>${CONF} && kill -HUP ${pid}`, { input: theirs });
    await eventually(
      () => director.weights(shop),
      (weights) => Object.keys(weights).length === 2,
      60,
    );
    const traffic = await Traffic.start(lab, client, [vips[0]], 60);
    await expect(director.serve(shop)).rejects.toMatchObject({
      what: expect.stringMatching(/:80 is in the table, and not by this resource's/) as string,
    });
    // As docs/how-to/keepalived.md has it.
    const first = '# pulumi-lvs-dr keepalived 1: "a test"';
    await run(
      `{ echo '${first}'; sed -n '/^virtual_server/,$p' ${CONF}; } >${file} && ` +
        `sed -i '/^virtual_server/,$d' ${CONF} && systemctl reload keepalived`,
    );
    expect(await director.serve(shop)).toMatchObject({ drift: [], foreign: [], record: "ours" });
    expect(await director.weights(shop)).toEqual(shop.destinations);
    expect((await director.table())[0]).toContain(" -s rr");
    await traffic.until(({ sent }) => sent >= 2000);
    const { requests } = await traffic.stop();
    expect(requests.failures).toEqual([]);
    expect(Object.keys(requests.answered).sort()).toEqual(["rs1", "rs2"]);
    await isMaster();
  }, 300_000);

  it("is not touched where keepalived could not have the service, and says why", async () => {
    const refused = async (declared: Declared, what: RegExp) =>
      expect(director.serve(declared)).rejects.toMatchObject({
        ...{ kind: "refused", what: expect.stringMatching(what) as string },
      });
    await director.serve(formerly(shop));
    const other = { ...shop, owner: "other", port: 81 };
    const { vip, destinations } = shop;
    await refused(
      { owner: "other", vip, destinations, port: 81 },
      /: keepalived runs .* manager: \{ keepalived: \{\} \}/,
    );
    await run(`sed -i '/^include/d' ${CONF}`);
    await refused(
      other,
      new RegExp(`: ${CONF} does not include .*: add the line "${INCLUDE.replace("*", "\\*")}"`),
    );
    await run(`echo '${INCLUDE}' >>${CONF}`);
    await refused(
      { ...other, block: { file: "/etc/nowhere/a.conf" } },
      /: \/etc\/nowhere is not there/,
    );
    await refused({ ...shop, owner: "other" }, /is declared on this director by "a test"/);
    await run(`echo '# theirs' >${FOLDER}/theirs.conf`);
    const foreign = { ...other, block: { file: `${FOLDER}/theirs.conf` } };
    await refused(foreign, /theirs\.conf is there, and not made by this package/);
    // Somebody's own block of the service, and what VRRP ends by.
    const theirs = `virtual_server ${vips[0]} 81 {\\n lvs_sched rr\\n lvs_method DR\\n protocol TCP\\n real_server 10.0.0.7 81 {\\n }\\n}\\n`;
    await run(`printf '${theirs}' >${FOLDER}/theirs.conf; kill -HUP ${pid}`);
    await eventually(
      () => director.table(),
      (table) => table.some((line) => line.includes(":81 ")),
    );
    await refused(other, /:81 is in the table, and not by this resource's block/);
    // Its first line hands it over.
    await run(
      `sed -i '1i # pulumi-lvs-dr keepalived 1: "other"' ${FOLDER}/theirs.conf; ` +
        `mv ${FOLDER}/theirs.conf ${FOLDER}/lvs-dr-${vips[0]}-81.conf; kill -HUP ${pid}`,
    );
    expect(await director.serve(other)).toMatchObject({ drift: [], foreign: [] });
    expect(await director.weights(other)).toEqual(other.destinations);
    await director.withdraw(other);
    const bad = "vrrp_instance two {\\n interface nosuch\\n virtual_router_id 52\\n}\\n";
    await run(`printf '${bad}' >${FOLDER}/bad.conf`);
    await refused(other, /may end by when it reads it.*Non-existent interface/);
    await expect(director.inspect(shop)).resolves.toMatchObject({ drift: [] });
    await run(`echo 'nonsense 3' >${FOLDER}/bad.conf`);
    expect((await director.serve(other)).drift).toEqual([]);
    expect(director.words.join("\n")).toContain("Unknown keyword 'nonsense'");
    await director.withdraw(other);
    await run(`rm ${FOLDER}/bad.conf`);
    await isMaster();
  }, 300_000);

  it("has what was being changed when the power went put right by the next operation", async () => {
    await director.serve(formerly(shop));
    await client.hold([vips[0], vips[0], vips[0]]);
    const without = formerly({ ...shop, destinations: { [two.address]: 1 } }, shop);
    const cut = director.serve(without, drain).catch((error: unknown) => error);
    await eventually(
      () => director.weights(shop),
      (weights) => weights[one.address] === 0,
      60,
    );
    await run("sync");
    await director.guest.powerCut();
    await client.finish().catch(() => undefined);
    expect(await cut).toMatchObject({ aftermath: "unknown" });
    await poweredOn();
    // keepalived has begun with the file of the drain.
    expect(await director.weights(shop)).toEqual({ [one.address]: 0, [two.address]: 1 });
    expect((await director.serve(formerly(shop))).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual(shop.destinations);
    await run("systemctl stop keepalived");
    await expect(director.serve(shop)).rejects.toMatchObject({
      what: expect.stringMatching(/: keepalived does not run on this director: start it/) as string,
    });
    // Where it is gone for good, so is its service.
    await director.withdraw(shop);
    expect(await run(`ls -A ${FOLDER}`)).toBe("");
    expect(await director.traces()).toBe("");
  }, 300_000);

  it("has a change that the power has cut off undone by whatever comes next, and then made", async () => {
    await run("systemctl start keepalived");
    await director.serve(shop);
    const before = await run(`cat ${file}`);
    const changed = { ...shop, destinations: { ...shop.destinations, [one.address]: 9 } };
    // It hangs, so that the change is not committed, and is on disk.
    await run("kill -STOP $(cat /run/keepalived.pid)");
    const cut = director.serve(formerly(changed, shop)).catch((error: unknown) => error);
    await eventually(
      () => run("cat /var/lib/lvs-dr-director/journal 2>/dev/null; :"),
      (journal) => journal.includes("reloaded"),
      60,
    );
    await run("sync");
    await director.guest.powerCut();
    expect(await cut).toMatchObject({ aftermath: "unknown" });
    await poweredOn();
    // keepalived has begun with the file as it was then.
    expect(await director.weights(shop)).toEqual(changed.destinations);
    await director.inspect(shop);
    expect(director.words.join("\n")).toContain("undoing an operation that was cut off");
    expect(await run(`cat ${file}`)).toBe(before);
    await eventually(
      () => director.inspect(shop),
      ({ drift, failing }) => drift.length === 0 && failing?.length === 0,
      60,
    );
    expect(await director.weights(shop)).toEqual(shop.destinations);
    expect((await director.serve(formerly(changed, shop))).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual(changed.destinations);
    await director.withdraw(changed);
    expect(await director.traces()).toBe("");
  }, 300_000);
});

/** keepalived has begun, too, and has put its services into the table. */
async function poweredOn(): Promise<void> {
  await director.guest.powerOn();
  await eventually(
    () => director.table(),
    (table) => table.length > 0,
    60,
  );
}
