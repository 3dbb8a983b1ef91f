import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";

import type { Client } from "../../lab/client";
import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { webHost } from "../../lab/web-host";
import { release } from "../../src/cli/release";
import type { ServiceDrainPolicy } from "../../src/operation/service-drain-tally";
import { join } from "./pool";
import { settled, SHELLS, StagedDirector, type Declared } from "./stage";

const VIP = "203.0.113.10";
const SELECTOR = `-t ${VIP}:80`;
/** With a service of its own, which it removes when it stops. */
const KEEPALIVED =
  "virtual_server 203.0.113.99 80 {\\n lb_algo rr\\n lb_kind DR\\n protocol TCP\\n" +
  " real_server 10.0.0.7 80 {\\n weight 1\\n }\\n}\\n";
const FOREIGN = ["-A -t 192.0.2.99:99 -s rr", "-a -t 192.0.2.99:99 -r 192.0.2.1:99 -m -w 3"];
const two: Declared = { vip: VIP, destinations: { "10.0.0.11": 10, "10.0.0.12": 1 } };

let lab: Lab;
let director: StagedDirector;
beforeAll(async () => {
  lab = await Lab.create();
  director = new StagedDirector(lab, await lab.guest("lb"));
  await director.guest.run(`printf -- '${FOREIGN.join("\\n")}\\n' | ipvsadm -R`);
});
afterAll(() => lab.destroy());

describe.each(SHELLS)("a director whose shell is %s", (shell) => {
  beforeAll(() => director.useShell(shell));

  it("gets a service, has its drift found and repaired, and is left as it was", async () => {
    const before = await director.table();
    const created = await director.serve(two);
    expect(created).toMatchObject({ drift: [], foreign: [], record: "ours" });
    expect(created.table?.destinations.map((one) => one.weight)).toEqual([10, 1]);
    expect(await director.table()).toEqual(
      expect.arrayContaining([...FOREIGN, `-a ${SELECTOR} -r 10.0.0.11:80 -g -w 10`]),
    );
    const meddling =
      `-E ${SELECTOR} -s wlc -p 60\n-e ${SELECTOR} -r 10.0.0.11:80 -m -w 0 -x 9 -y 3\n` +
      `-d ${SELECTOR} -r 10.0.0.12:80\n-a ${SELECTOR} -r 10.0.0.15:80 -g -w 2\n`;
    await director.guest.run(`printf -- '${meddling}' | ipvsadm -R`);
    const repaired = await director.serve({ ...two, former: Object.keys(two.destinations) });
    expect(repaired).toMatchObject({ drift: [], foreign: ["10.0.0.15:80"] });
    expect(await director.weights(two)).toEqual({
      "10.0.0.11": 10,
      "10.0.0.12": 1,
      "10.0.0.15": 2,
    });
    const { notes } = await director.withdraw(two);
    expect(notes).toEqual([
      `the service ${VIP}:80 stays: 10.0.0.15:80 is in it, declared by nobody`,
    ]);
    expect(await director.weights(two)).toEqual({ "10.0.0.15": 2 });
    await director.guest.run(`ipvsadm -D ${SELECTOR}`);
    expect(await director.table()).toEqual(before);
    // The shell ends a moment after its last answer, and tidies up.
    await settled(
      () => director.traces(),
      (traces) => traces === "",
    );
  });

  it("is as it was where a step fails, or nothing is committed", async () => {
    await director.serve(two);
    const before = await director.table();
    const former = Object.keys(two.destinations);
    const changed = {
      ...two,
      former,
      scheduler: "wlc",
      destinations: { "10.0.0.12": 4, "10.0.0.13": 5 },
    };
    // A scheduler that the kernel does not have, after steps that went well.
    const failing = director.serve({ ...changed, scheduler: "nosuch" });
    await expect(failing).rejects.toMatchObject({ kind: "failed", aftermath: "rolled-back" });
    expect(await director.table()).toEqual(before);
    const stop = new AbortController();
    const stopped = director.serve(changed, undefined, {
      signal: stop.signal,
      progress: (text) => void (text.startsWith("verified") && stop.abort()),
    });
    await expect(stopped).rejects.toMatchObject({ aftermath: "unknown" });
    await settled(
      () => director.table(),
      (table) => JSON.stringify(table) === JSON.stringify(before),
    );
    await director.withdraw(two);
  });

  it("is seen without a stack, and an owner released that no stack will withdraw", async () => {
    const before = await director.table();
    await director.serve(two);
    await director.guest.run(`ipvsadm -a ${SELECTOR} -r 10.0.0.15:80 -m -w 2`);
    const seen = await director.look();
    const owned = [expect.stringMatching(/^[0-9a-f]{32}$/)];
    const declared = { forwarding: "direct routing", owners: owned, foreign: false, held: false };
    expect(seen.inspection).toMatchObject({ ok: true, vips: [], owners: [] });
    expect(seen.inspection.director).toMatchObject({
      services: [
        { service: "192.0.2.99:99", owners: [], foreign: true },
        {
          ...{ service: `${VIP}:80`, scheduler: "rr", flags: [], owners: owned, foreign: false },
          destinations: expect.arrayContaining([
            expect.objectContaining({ ...declared, destination: "10.0.0.11:80", weight: 10 }),
            expect.objectContaining({ destination: "10.0.0.15:80", foreign: true }),
          ]) as object,
        },
      ],
      owners: [{ owner: "a test", service: `${VIP}:80`, drift: [] }],
      ...{ keepers: [], pending: [], expiresWithDestination: false, expiresTemplates: false },
    });
    expect(seen.inspection.warnings.join("\n")).toMatch(
      /is in the service .* declared by nobody\n(.*\n)*.*is on no NIC.*\nnet\.ipv4\.vs\.expire_nodest_conn is 0/,
    );
    const said: string[] = [];
    const say = (text: string) => void said.push(text);
    const options = { owner: "a test", yes: true, sysctls: "restore", say } as const;
    expect(await release(seen, options)).toBe(true);
    expect(said).toEqual(
      expect.arrayContaining([
        `  10.0.0.11:80 leaves ${VIP}:80`,
        "  its record goes",
        `the service ${VIP}:80 stays: 10.0.0.15:80 is in it, declared by nobody`,
      ]),
    );
    await director.guest.run(`ipvsadm -D ${SELECTOR}`);
    expect(await director.table()).toEqual(before);
    await settled(
      () => director.traces(),
      (traces) => traces === "",
    );
  });

  it("is not touched while keepalived runs there", async () => {
    const before = await director.table();
    await director.guest.run(
      `printf '${KEEPALIVED}' >/etc/keepalived/keepalived.conf && systemctl start keepalived && ` +
        "until pgrep -x keepalived; do sleep 0.1; done",
    );
    try {
      await expect(director.serve(two)).rejects.toMatchObject({
        kind: "refused",
        what: expect.stringContaining(
          "keepalived runs on this director and keeps its IPVS table: declare the service there",
        ) as string,
      });
      const { inspection } = await director.look();
      expect(inspection.director?.keepers).toEqual(["keepalived"]);
    } finally {
      await director.guest.run("systemctl stop keepalived; rm /etc/keepalived/keepalived.conf");
    }
    await settled(
      () => director.table(),
      (table) => JSON.stringify(table) === JSON.stringify(before),
    );
  });
});

describe("a destination that is drained", () => {
  const policy: ServiceDrainPolicy = { timeoutSeconds: 90, onTimeout: "fail" };
  let client: Client;
  let servers: LabHost[];
  let vip: string;
  let shop: Declared;
  let without: Declared;
  let rips: readonly string[];

  beforeAll(async () => {
    await director.useShell("dash");
    [client, ...servers] = await Promise.all([
      lab.client(),
      ...["rs1", "rs2"].map((name) => webHost(lab, name)),
    ]);
    vip = director.guest.address.replace(/\d+$/, "250");
    await Promise.all(servers.map((host) => join(lab, host, [vip])));
    await director.guest.run(`ip addr add ${vip}/32 dev eth0`);
    rips = servers.map((host) => host.address);
    const [first = "", second = ""] = rips;
    shop = { vip, destinations: { [first]: 1, [second]: 2 }, former: rips };
    without = { ...shop, destinations: { [second]: 2 } };
  });
  beforeEach(async () => {
    await director.serve(shop);
    director.words.length = 0;
  });
  afterAll(() => director.withdraw(shop));

  /** Both real servers answer until the client finishes. */
  const busy = () => client.hold([vip, vip, vip]);
  const quiesced = () =>
    settled(
      () => director.weights(shop),
      (weights) => weights[rips[0] ?? ""] === 0,
    );
  const unchanged = () =>
    settled(
      () => director.weights(shop),
      (weights) => weights[rips[0] ?? ""] === 1,
    );

  it("finishes what it has begun, while other services of the director are changed", async () => {
    const answering = await busy();
    expect(new Set(answering)).toEqual(new Set(["rs1", "rs2"]));
    const draining = director.serve(without, policy);
    await quiesced();
    const other = { ...two, owner: "another" };
    expect((await director.serve(other)).drift).toEqual([]);
    await director.withdraw(other);
    expect(await director.weights(shop)).toEqual({ [rips[0] ?? ""]: 0, [rips[1] ?? ""]: 2 });
    const { inspection } = await director.look();
    const held = `${rips[0]}:80`;
    expect(inspection).toMatchObject({
      ok: true,
      director: {
        pending: [{ by: "a test", underWay: true, drains: { service: `${vip}:80`, held: [held] } }],
      },
    });
    const left = inspection.director?.services.flatMap((one) => one.destinations);
    expect(left?.find((one) => one.held)).toMatchObject({ destination: held, weight: 0 });
    expect(left?.some((one) => one.activeConnections > 0)).toBe(true);
    expect((await client.finish()).map(({ servedBy }) => servedBy)).toEqual(answering);
    expect((await draining).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual({ [rips[1] ?? ""]: 2 });
    expect(director.words.join("\n")).toMatch(/^draining \d connection.*, at most \d+ s more$/m);
    expect(director.words).toContain("drained");
  });

  it("has its weight again where the time is over, and that is to fail", async () => {
    await busy();
    const impatient = director.serve(without, { ...policy, timeoutSeconds: 2 });
    await expect(impatient).rejects.toMatchObject({ kind: "timed-out", aftermath: "rolled-back" });
    await client.finish();
    await unchanged();
  });

  it("is removed where the time is over, and that is to cut it", async () => {
    await busy();
    await director.serve(without, { timeoutSeconds: 2, onTimeout: "remove" });
    expect(director.words.join("\n")).toMatch(
      /^warning: \d connections? \(.*\) (was|were) left after draining for 2 s, cut now$/m,
    );
    expect(await director.weights(shop)).toEqual({ [rips[1] ?? ""]: 2 });
    await client.finish().catch(() => undefined);
  });

  it("has its weight again where the operation is stopped, or its connection is lost", async () => {
    await busy();
    const stop = new AbortController();
    const stopped = director.serve(without, policy, { signal: stop.signal });
    await quiesced();
    stop.abort();
    await expect(stopped).rejects.toMatchObject({ aftermath: "unknown" });
    await unchanged();
    // Expected from the start: it is lost while the one who kills it is still at it.
    const lost = expect(director.serve(without, policy)).rejects.toMatchObject({
      kind: "failed",
      aftermath: "unknown",
    });
    await quiesced();
    await director.guest.run("kill -KILL $(pgrep -f '[s]shd: root@notty')");
    await lost;
    await unchanged();
    await client.finish();
  });

  it("is held at 0 though somebody sets its weight back, and that is said", async () => {
    await busy();
    const draining = director.serve(without, policy);
    // Before that, it is read back whether it is at 0, and an operation that finds it otherwise fails.
    await settled(
      () => Promise.resolve(director.words),
      (words) => words.some((word) => word.startsWith("draining")),
    );
    await director.guest.run(`ipvsadm -e -t ${vip}:80 -r ${rips[0]}:80 -g -w 7`);
    await quiesced();
    expect(director.words).toContain(
      `warning: somebody has set the weight of ${rips[0]}:80 to 7 while it is drained: it is 0 again`,
    );
    await client.finish();
    await draining;
    expect(await director.weights(shop)).toEqual({ [rips[1] ?? ""]: 2 });
  });

  it("is waited for while a client that vanished seems to be connected", async () => {
    const vanishing = await lab.client("vanishing");
    expect(new Set(await vanishing.hold([vip, vip, vip]))).toEqual(new Set(["rs1", "rs2"]));
    await vanishing.host.cut();
    const impatient = director.serve(without, { ...policy, timeoutSeconds: 2 });
    await expect(impatient).rejects.toThrow(/\d connections? \(.* left after draining for 2 s/);
    await expect(impatient).rejects.toMatchObject({ aftermath: "rolled-back" });
    await unchanged();
    await director.serve(without, { timeoutSeconds: 2, onTimeout: "remove" });
    expect(director.words.join("\n")).toMatch(/left after draining for 2 s, cut now$/m);
    expect(await director.weights(shop)).toEqual({ [rips[1] ?? ""]: 2 });
    // IPVS would give them back to a destination that comes again, for a quarter of an hour.
    await director.serve(shop);
    await vanishing.host.mend();
    await vanishing.finish();
  });

  it("sends a half-closed transfer on to its end, 20 seconds and more, for as long as it flows", async () => {
    const flow = "i=0; until [ -e /run/enough ]; do echo $i; sleep 0.5; i=$((i+1)); done; echo end";
    for (const host of servers)
      await host.run(`busybox nc -ll -p 9000 -e sh -c '${flow}' >/dev/null 2>&1 &`);
    const flowing = { ...shop, owner: "flowing", port: 9000 };
    await director.serve(flowing);
    // At the end of its input, which is there at once, nc closes its side and goes on reading.
    const transfers = [1, 2, 3].map((number) =>
      client.host.run(`busybox nc ${vip} 9000 </dev/null >/run/got-${number}`),
    );
    const got = async () => {
      const { stdout } = await client.host.run("cd /run; wc -l got-1 got-2 got-3 | head -n 3");
      return Math.min(
        ...stdout
          .trim()
          .split("\n")
          .map((line) => Number.parseInt(line, 10)),
      );
    };
    await settled(got, (lines) => lines > 0);
    const draining = director.serve({ ...flowing, destinations: without.destinations }, policy);
    await settled(
      () => director.weights(flowing),
      (weights) => weights[rips[0] ?? ""] === 0,
    );
    const { stdout: entries } = await director.guest.run("grep ' 2328 ' /proc/net/ip_vs_conn");
    expect(entries.match(/FIN_WAIT/g)).toHaveLength(3);
    const before = await got();
    await settled(got, (lines) => lines >= before + 40);
    expect((await director.weights(flowing))[rips[0] ?? ""]).toBe(0);
    for (const host of servers) await host.run("touch /run/enough");
    await Promise.all(transfers);
    for (const number of [1, 2, 3]) {
      const lines = (await client.host.run(`cat /run/got-${number}`)).stdout.split("\n");
      expect(lines).toEqual([...lines.slice(0, -2).map((_, at) => String(at)), "end", ""]);
    }
    expect((await draining).drift).toEqual([]);
    expect(director.words.join("\n")).toMatch(/^draining \d connections? /m);
    expect(director.words.join("\n")).not.toContain("left after draining");
    await director.withdraw(flowing);
  });

  it("gets no new connections of a client that it has known, and is not held by its template", async () => {
    await director.guest.run("echo 1 >/proc/sys/net/ipv4/vs/expire_quiescent_template");
    const sticky = { ...shop, persistence: 300 };
    await director.serve(sticky);
    const [known = ""] = await client.hold([vip]);
    for (let i = 0; i < 3; i += 1) expect((await client.request(vip)).servedBy).toBe(known);
    const left = rips[known === "rs1" ? 0 : 1] ?? "";
    const destinations = Object.fromEntries(
      Object.entries(shop.destinations).filter(([address]) => address !== left),
    );
    const draining = director.serve({ ...sticky, destinations }, policy);
    await settled(
      () => director.weights(shop),
      (weights) => weights[left] === 0,
    );
    expect((await client.request(vip)).servedBy).not.toBe(known);
    expect(await client.finish()).toMatchObject([{ servedBy: known }]);
    expect((await draining).drift).toEqual([]);
    expect(await director.weights(shop)).toEqual(destinations);
  });

  it("goes with its service, and nothing is left", async () => {
    await busy();
    const leaving = director.withdraw(shop, policy);
    await quiesced();
    await client.finish();
    expect(await leaving).toEqual({ superseded: false, notes: [] });
    expect(await director.weights(shop)).toEqual({});
    await settled(
      () => director.traces(),
      (traces) => traces === "",
    );
  });
});
