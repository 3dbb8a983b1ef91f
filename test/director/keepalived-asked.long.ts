// What keepalived itself says of its checks, and its files as an operator without a stack has them.
import { afterAll, beforeAll, describe, expect, it } from "vitest";

import type { LabHost } from "../../lab/host";
import { Lab } from "../../lab/lab";
import { webHost } from "../../lab/web-host";
import { release } from "../../src/cli/release";
import type { HealthCheck } from "../../src/domain/keepalived";
import { lookAt } from "../../src/inspect/look";
import { connectionTo } from "../contract/ssh-connection";
import { eventually } from "../host/box";
import { StagedDirector, type Declared } from "./stage";

const FOLDER = "/etc/keepalived/conf.d";
const check: HealthCheck = {
  ...{ kind: "tcp", port: undefined, intervalSeconds: 1, timeoutSeconds: 1, retries: 0 },
};

// One life: each test goes on where the one before it ended.
describe("a director whose keepalived is asked", () => {
  let lab: Lab;
  let director: StagedDirector;
  let hosts: readonly LabHost[];
  let shop: Declared;
  let file: string;
  let pid: string;

  const run = async (line: string) => (await director.guest.run(line)).stdout.trim();
  const weights = () => director.weights(shop);

  beforeAll(async () => {
    lab = await Lab.create();
    const [guest, ...servers] = await Promise.all([
      lab.guest("lb"),
      ...["rs1", "rs2"].map((name) => webHost(lab, name)),
    ]);
    hosts = servers;
    director = new StagedDirector(lab, guest);
    const [vip] = lab.vips;
    shop = {
      ...{ vip, block: { check, asks: true } },
      destinations: Object.fromEntries(servers.map(({ address }, at) => [address, at + 1])),
    };
    file = `${FOLDER}/lvs-dr-${vip}-80.conf`;
    const vrrp =
      "vrrp_instance one {\\n interface eth0\\n virtual_router_id 51\\n virtual_ipaddress {\\n 192.0.2.99\\n }\\n}\\n";
    await run(
      `mkdir -p ${FOLDER}; printf '${vrrp}include ${FOLDER}/*.conf\\n' >/etc/keepalived/keepalived.conf; systemctl start keepalived`,
    );
    pid = await run("cat /run/keepalived.pid");
    await director.serve(shop);
  }, 300_000);
  afterAll(() => lab.destroy());

  const fails = async ({ address }: { address: string }) => {
    await run(`ip route add unreachable ${address}`);
    await eventually(weights, (now) => !(now[address] ?? 0), 60);
  };
  const isWell = async ({ address }: { address: string }) => {
    await run(`ip route del unreachable ${address}`);
    await eventually(weights, (now) => (now[address] ?? 0) > 0, 60);
  };

  it("knows which real server fails its check, and which somebody has removed, which is repaired", async () => {
    const [one, two] = hosts as [LabHost, LabHost];
    const remove = () => run(`ipvsadm -d -t ${shop.vip}:80 -r ${two.address}:80`);
    await fails(one);
    await remove();
    const unasked = await director.inspect({ ...shop, block: { check } });
    expect(unasked).toMatchObject({
      ...{ failing: [`${one.address}:80`, `${two.address}:80`], drift: [] },
    });
    const asked = await director.inspect(shop);
    expect(asked.failing).toEqual([`${one.address}:80`]);
    expect(asked.drift).toEqual([`${shop.vip}:80: ${two.address} not in the table`]);
    const repaired = { failing: [`${one.address}:80`], drift: [] };
    expect(await director.serve(shop)).toMatchObject(repaired);
    expect(await weights()).toEqual({ [two.address]: 2 });
    // So is one that is missing when the file changes, too: keepalived passes over its lines.
    await remove();
    const less = { ...shop, destinations: { ...shop.destinations, [one.address]: 5 } };
    expect(await director.serve(less)).toMatchObject(repaired);
    expect(await weights()).toEqual({ [two.address]: 2 });
    expect(await director.serve(shop)).toMatchObject(repaired);
    await isWell(one);
    expect(await weights()).toEqual(shop.destinations);
    // With all there is of /tmp in the way, and nothing is done to it.
    const strangers = "/root/theirs";
    await run(`echo theirs >${strangers}; for one in /proc/${pid}/root/tmp /tmp; do
      ln -sf ${strangers} $one/keepalived_check.data; done`);
    await remove();
    expect((await director.inspect(shop)).drift).toHaveLength(1);
    expect(await run(`cat ${strangers}`)).toBe("theirs");
    await director.serve(shop);
  }, 300_000);

  it("tells a weight 0 of its own from one that somebody has set", async () => {
    const [one, two] = hosts as [LabHost, LabHost];
    const inhibited = { ...shop, block: { check, asks: true, inhibitOnFailure: true } };
    await director.serve(inhibited);
    await fails(one);
    await run(`ipvsadm -e -t ${shop.vip}:80 -r ${two.address}:80 -g -w 0`);
    expect(await director.inspect(inhibited)).toMatchObject({
      failing: [`${one.address}:80`],
      drift: [`${shop.vip}:80: ${two.address} has weight 0, wanted 2`],
    });
    expect(await director.serve(inhibited)).toMatchObject({ drift: [] });
    expect(await weights()).toEqual({ [one.address]: 0, [two.address]: 2 });
    await isWell(one);
    await director.serve(shop);
  }, 300_000);

  it("may not answer, which is a warning, and all that is missing counts as failing", async () => {
    const [one] = hosts as [LabHost, LabHost];
    const children = (signal: string) => run(`kill -${signal} $(pgrep -P ${pid})`);
    await children("STOP");
    await run(`ipvsadm -d -t ${shop.vip}:80 -r ${one.address}:80`);
    const unanswered = { failing: [`${one.address}:80`], drift: [] };
    expect(await director.inspect(shop)).toMatchObject(unanswered);
    expect(director.words.join("\n")).toContain(
      `warning: ${one.address}:80 is missing from ${shop.vip}:80, or at weight 0, and whether for a failed check is not known: within 3 s`,
    );
    await children("CONT");
    expect((await director.inspect(shop)).drift).toHaveLength(1);
    await director.serve(shop);
    expect(await weights()).toEqual(shop.destinations);
  }, 300_000);

  it("has its files shown without a stack, and released, and goes on", async () => {
    const files = async () => (await director.look()).inspection.director?.keepalivedFiles;
    const terms = { tcp: { intervalSeconds: 1, timeoutSeconds: 1, retries: 0 } };
    const service = `${shop.vip}:80`;
    const read = { file, service, check: terms, inhibitOnFailure: false, failing: [] };
    expect(await files()).toEqual([
      {
        ...{ ...read, state: "as declared", writtenBy: "a test" },
        owners: [expect.stringMatching(/^[0-9a-f]{32}$/)],
      },
    ]);
    await run(`cp -p ${file} /root/before; sed -i 's/weight 2/weight 3/' ${file}`);
    expect(await files()).toMatchObject([{ ...read, state: "edited" }]);
    await run(`cp -p /root/before ${file}; mv /var/lib/lvs-dr-director /root/`);
    expect(await files()).toMatchObject([{ ...read, state: "undeclared", owners: [] }]);
    await run(`mv /root/lvs-dr-director /var/lib/; rm ${file}`);
    expect(await files()).toMatchObject([{ file, state: "missing", failing: [] }]);
    await run(`cp -p /root/before ${file}`);
    const said: string[] = [];
    const options = { owner: "a test", yes: true, sysctls: "restore" } as const;
    const say = (text: string) => void said.push(text);
    const limits = { connectSeconds: 20, operationSeconds: 120 };
    const seen = await lookAt(connectionTo(lab, director.guest), limits);
    expect(await release(seen, { ...options, say })).toBe(true);
    expect(said).toContain(`  ${file} goes, and keepalived reads its configuration without it`);
    expect(await director.table()).toEqual([]);
    expect(await run(`ls -A ${FOLDER}`)).toBe("");
    expect(await director.traces()).toBe("");
    expect(await run("cat /run/keepalived.pid; pgrep -xo keepalived")).toBe(`${pid}\n${pid}`);
  }, 300_000);
});
