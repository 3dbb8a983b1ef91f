import { RealServer } from "../../src";
import type { Engine } from "../../test/lab/engine";
import type { Lab, LabHost } from "../../test/lab/lab";
import { difference, footprint } from "./host-view";
import { expectSame, type Narrator } from "./narrator";
import type { Stage } from "../../test/lab/stage";
import {
  expectChanges,
  expectUntouched,
  expectWords,
  nameIn,
  showAnswers,
  showHost,
  showRows,
} from "./telling";
import { askWire, watchWire } from "./wire";

const VIP = "203.0.113.10";
const VIP6 = "2001:db8::10";

const LOOPBACK = ["inet 127.0.0.1/8 scope host", "inet6 ::1/128 scope host"];
const BOUND = [`inet ${VIP}/32 scope host`, `inet6 ${VIP6}/128 scope global`];
const UNTOUCHED = { lo: LOOPBACK, arp: "arp_ignore 0, arp_announce 0" };
const DECLARED = { lo: [...LOOPBACK, ...BOUND], arp: "arp_ignore 1, arp_announce 2" };

interface Scene {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly first: LabHost;
  readonly second: LabHost;
  readonly hosts: readonly LabHost[];
  readonly narrator: Narrator;
  /** Each host's footprint before it was ever touched. */
  readonly before: ReadonlyMap<LabHost, string>;
}

/**
 * Tells the story from beginning to end.
 * @throws Mismatch as soon as something seen is not what should be; the signal's reason
 */
export async function tell(stage: Stage, narrator: Narrator, signal: AbortSignal): Promise<void> {
  narrator.say(`Two real servers for the VIPs ${VIP} and ${VIP6}, from nothing to nothing.`);
  const scene = await makeHosts(stage, narrator);
  const steps = [declare, lookAtHosts, lookAtWire, breakFirst, refresh, repair, upAgain, destroy];
  for (const step of steps) {
    signal.throwIfAborted();
    await step(scene);
  }
  signal.throwIfAborted();
}

async function makeHosts(stage: Stage, narrator: Narrator): Promise<Scene> {
  narrator.step("Make two hosts on a wire of their own, each with a real sshd, and an empty stack");
  const lab = await stage.lab();
  const [first, second] = await Promise.all([lab.host("web-1"), lab.host("web-2")]);
  const engine = await stage.engine();
  const hosts = [first, second];
  await engine.writeKnownHosts(hosts.map((one) => `${one.address} ${one.hostKey}\n`).join(""));
  const before = new Map<LabHost, string>();
  for (const host of hosts) before.set(host, await footprint(host));
  narrator.table([
    ["host", "RIP", "MAC of eth0", "logs in as"],
    ...hosts.map((host) => [host.name, host.address, host.mac, userOf(host)]),
  ]);
  narrator.saw("both are up, and their host keys are known");
  return { lab, engine, first, second, hosts, narrator, before };
}

async function declare(scene: Scene): Promise<void> {
  const { narrator, lab, engine } = scene;
  narrator.step("pulumi up, while a neighbour on the wire asks for the VIP again and again");
  const watch = await watchWire(lab, VIP);
  const outcome = await engine.up(program(scene)).finally(() => watch.stop());
  const { asked, claims } = await watch.stop();
  showRows(narrator, outcome);
  expectChanges(outcome, { create: 3 });
  expectSame("frames in which somebody claims the VIP", claims.join("\n") || "none", "none");
  narrator.saw(`the stack and two real servers created; asked for ${asked} times, nobody answered`);
}

async function lookAtHosts({ narrator, hosts, before }: Scene): Promise<void> {
  narrator.step("Look at each host as its administrator would");
  for (const host of hosts) {
    await showHost(narrator, host, DECLARED);
    const made = difference(before.get(host) ?? "", await footprint(host)).join("\n");
    // A search that finds nothing now would find nothing after the destroy either.
    expectWords(`new on ${host.name}`, made, ["/var/lib/lvs-dr/owners/", VIP, VIP6, "arp_ignore"]);
  }
  narrator.saw(`both VIPs on lo, alone (/32, /128); in force on eth0: ${DECLARED.arp}`);
}

async function lookAtWire({ narrator, lab, hosts }: Scene): Promise<void> {
  narrator.step("Ask the wire, from a neighbour: who has the VIPs, and who has the RIPs?");
  const { macs, frames } = await askWire(lab, [VIP, VIP6, ...hosts.map((host) => host.address)]);
  narrator.quote("tcpdump on the wire", frames);
  showAnswers(narrator, macs);
  const wanted = ["", "", ...hosts.map((host) => host.mac)];
  expectSame("answers", [...macs.values()].join("|"), wanted.join("|"));
  narrator.saw("nobody answers for a VIP; each host answers for its own address");
}

async function breakFirst({ narrator, lab, first }: Scene): Promise<void> {
  narrator.step(`Break ${first.name} by hand, as somebody might: one VIP gone, one sysctl undone`);
  for (const line of [
    `ip addr del ${VIP6}/128 dev lo`,
    "sysctl -w net.ipv4.conf.all.arp_ignore=0",
  ]) {
    narrator.quote(`${first.name}# ${line}`, (await first.run(line)).stdout);
  }
  const { macs } = await askWire(lab, [VIP]);
  showAnswers(narrator, macs);
  expectSame(`answers for ${VIP}`, macs.get(VIP) ?? "", first.mac);
  narrator.saw(`${first.name} answers for the VIP: who hears it sends it what is the director's`);
}

async function refresh({ narrator, engine, first, second }: Scene): Promise<void> {
  narrator.step("pulumi refresh: what does it find?");
  expectChanges(await engine.refresh(), { same: 2, update: 1 });
  const drift = new Map<string, string>();
  for (const { urn, outputs } of await engine.resources()) {
    const lines = outputs?.["drift"];
    if (Array.isArray(lines)) drift.set(nameIn(urn), lines.join("\n"));
  }
  for (const [name, lines] of [...drift].sort())
    narrator.quote(`drift of ${name}`, lines || "none");
  const found = drift.get(first.name) ?? "";
  expectWords(`drift of ${first.name}`, found, [VIP6, "eth0: arp_ignore 0, wanted 1"]);
  expectSame(`drift of ${second.name}`, drift.get(second.name) ?? "unknown", "");
  narrator.saw(`both differences on ${first.name}, none on ${second.name}`);
}

async function repair(scene: Scene): Promise<void> {
  const { narrator, lab, engine, first } = scene;
  narrator.step("pulumi up: repair it");
  const outcome = await engine.up(program(scene));
  showRows(narrator, outcome);
  expectChanges(outcome, { update: 1, same: 2 });
  await showHost(narrator, first, DECLARED);
  const { macs } = await askWire(lab, [VIP, VIP6]);
  showAnswers(narrator, macs);
  expectSame("answers", [...macs.values()].join(""), "");
  narrator.saw(`${first.name} is as declared again; the wire is silent`);
}

async function upAgain(scene: Scene): Promise<void> {
  const { narrator, engine } = scene;
  narrator.step("pulumi up with a refresh: is there anything left to do?");
  expectChanges(await engine.up(program(scene), { refresh: true }), { same: 3 });
  narrator.saw("nothing: both hosts read as declared");
}

async function destroy({ narrator, lab, engine, hosts, before }: Scene): Promise<void> {
  narrator.step("pulumi destroy, and look for anything that it left");
  const outcome = await engine.destroy();
  showRows(narrator, outcome);
  expectChanges(outcome, { delete: 3 });
  for (const host of hosts) {
    await showHost(narrator, host, UNTOUCHED);
    const registry = await host.run("ls -d /var/lib/lvs-dr 2>&1", { allowFailure: true });
    narrator.quote(`${host.name}# ls -d /var/lib/lvs-dr`, registry.stdout);
    await expectUntouched(host, before.get(host) ?? "");
  }
  const { macs } = await askWire(lab, [VIP, VIP6]);
  expectSame("answers", [...macs.values()].join(""), "");
  narrator.saw("addresses, routes, sysctls, files and processes are as before the first up");
}

function program({ lab, hosts }: Scene): () => Promise<void> {
  return async () => {
    for (const host of hosts) {
      new RealServer(host.name, {
        connection: {
          host: host.address,
          user: userOf(host),
          privateKeyFile: lab.keys.plain.path,
        },
        vips: [VIP, VIP6],
      });
    }
  };
}

/** One host is entered as root, the other as an administrator who has sudo. */
function userOf(host: LabHost): string {
  return host.name === "web-1" ? "root" : "deploy";
}
