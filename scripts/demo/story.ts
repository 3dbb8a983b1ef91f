import type { Engine, Outcome } from "../../test/lab/engine";
import type { Lab, LabHost } from "../../test/lab/lab";
import { RealServer } from "../../src";
import {
  addressesOn,
  difference,
  effectiveArp,
  footprint,
  LOOK_AT_ARP,
  LOOK_AT_LO,
} from "./host-view";
import { expectSame, Mismatch, type Narrator } from "./narrator";
import type { Stage } from "./stage";
import { askWire, watchWire } from "./wire";

const VIP = "203.0.113.10";
const VIP6 = "2001:db8::10";
const QUIET = "arp_ignore 1, arp_announce 2";
const LOOPBACK = ["inet 127.0.0.1/8 scope host", "inet6 ::1/128 scope host"];
const BOUND = [`inet ${VIP}/32 scope host`, `inet6 ${VIP6}/128 scope global`];

interface Scene {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly first: LabHost;
  readonly second: LabHost;
  readonly hosts: readonly LabHost[];
  readonly narrator: Narrator;
  /** Each host before it was ever touched. */
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
  const [first, second, engine] = await Promise.all([
    lab.host("web-1"),
    lab.host("web-2"),
    stage.engine(),
  ]);
  const hosts = [first, second];
  await engine.writeKnownHosts(hosts.map((one) => `${one.address} ${one.hostKey}\n`).join(""));
  const before = new Map<LabHost, string>();
  for (const host of hosts) before.set(host, await footprint(host));
  narrator.table([
    ["host", "RIP", "MAC of eth0", "logs in as"],
    ...hosts.map((host) => [host.name, host.address, host.mac, userOf(host)]),
  ]);
  for (const host of hosts) {
    expectSame(`lo of ${host.name}`, addressesOn(await lo(host)).join(), LOOPBACK.join());
  }
  narrator.saw("both answer; lo has nothing but loopback addresses");
  return { lab, engine, first, second, hosts, narrator, before };
}

async function declare(scene: Scene): Promise<void> {
  const { narrator, lab, engine, hosts } = scene;
  narrator.step("pulumi up, while a neighbour on the wire asks for the VIP without a pause");
  const watch = await watchWire(lab, VIP);
  const outcome = await engine.up(program(scene));
  const { asked, named } = await watch.stop();
  tellRows(narrator, outcome);
  expectChanges(outcome, { create: 1 + hosts.length });
  expectSame("ARP frames that name the VIP's holder", named.join("\n") || "none", "none");
  narrator.saw(
    `${hosts.length} real servers created; the VIP was asked for ${asked} times, no answer`,
  );
}

async function lookAtHosts({ narrator, hosts }: Scene): Promise<void> {
  narrator.step("Look at each host as its administrator would");
  for (const host of hosts) await showHost(narrator, host);
  narrator.saw(`both have the VIPs, /32 and /128, on lo; in force on eth0: ${QUIET}`);
}

async function lookAtWire({ narrator, lab, hosts }: Scene): Promise<void> {
  narrator.step("Ask the wire, from a neighbour: who has the VIPs, and who has the RIPs?");
  const names = [VIP, VIP6, ...hosts.map((host) => host.address)];
  const answers = await askWire(lab, names);
  narrator.quote("tcpdump on the wire", answers.frames);
  tellAnswers(narrator, answers.macs);
  const wanted = ["", "", ...hosts.map((host) => host.mac)];
  expectSame("answers", [...answers.macs.values()].join("|"), wanted.join("|"));
  narrator.saw("nobody answers for a VIP; each host answers for its own address");
}

async function breakFirst({ narrator, lab, first }: Scene): Promise<void> {
  narrator.step(`Break ${first.name} by hand, as somebody might: one VIP gone, one sysctl undone`);
  const commands = [`ip addr del ${VIP6}/128 dev lo`, "sysctl -w net.ipv4.conf.all.arp_ignore=0"];
  for (const line of commands)
    narrator.quote(`${first.name}# ${line}`, (await first.run(line)).stdout);
  const { macs } = await askWire(lab, [VIP]);
  tellAnswers(narrator, macs);
  expectSame(`answers for ${VIP}`, macs.get(VIP) ?? "", first.mac);
  narrator.saw(`${first.name} answers for the VIP now: routers that hear it send it all traffic`);
}

async function refresh({ narrator, engine, first, second }: Scene): Promise<void> {
  narrator.step("pulumi refresh: what does it find?");
  const outcome = await engine.refresh();
  expectSuccess(outcome);
  const drift = new Map<string, string[]>();
  for (const { urn, outputs } of await engine.resources()) {
    const lines = outputs?.["drift"];
    if (Array.isArray(lines)) drift.set(nameIn(urn), lines as string[]);
  }
  for (const [name, lines] of drift) {
    narrator.quote(`drift of ${name}`, lines.join("\n") || "none");
  }
  const found = drift.get(first.name)?.join("\n") ?? "";
  for (const word of [VIP6, "eth0: arp_ignore 0, wanted 1"]) {
    if (!found.includes(word)) throw new Mismatch(`drift of ${first.name}: no word of ${word}`);
  }
  expectSame(`drift of ${second.name}`, drift.get(second.name)?.join() ?? "unknown", "");
  narrator.saw(`both differences on ${first.name}, none on ${second.name}; nothing was changed`);
}

async function repair(scene: Scene): Promise<void> {
  const { narrator, lab, engine, first } = scene;
  narrator.step("pulumi up: repair it");
  const outcome = await engine.up(program(scene));
  tellRows(narrator, outcome);
  expectChanges(outcome, { update: 1, same: 2 });
  await showHost(narrator, first);
  const { macs } = await askWire(lab, [VIP]);
  tellAnswers(narrator, macs);
  expectSame(`answers for ${VIP}`, macs.get(VIP) ?? "", "");
  narrator.saw(`${first.name} updated and as declared, the other left alone; the wire is silent`);
}

async function upAgain(scene: Scene): Promise<void> {
  const { narrator, engine } = scene;
  narrator.step("pulumi up with a refresh: is there anything left to do?");
  const outcome = await engine.up(program(scene), { refresh: true });
  expectChanges(outcome, { same: 3 });
  narrator.saw("nothing: both read as declared, no resource changes");
}

async function destroy({ narrator, lab, engine, hosts, before }: Scene): Promise<void> {
  narrator.step("pulumi destroy, and look for anything that it left");
  const outcome = await engine.destroy();
  tellRows(narrator, outcome);
  expectChanges(outcome, { delete: 1 + hosts.length });
  for (const host of hosts) {
    const { stdout } = await host.run("ls -A /var/lib/lvs-dr 2>&1", { allowFailure: true });
    narrator.quote(`${host.name}# ${LOOK_AT_LO}`, await lo(host));
    narrator.quote(`${host.name}# ${LOOK_AT_ARP.replace(/ net.*/, " ...")}`, await arp(host));
    narrator.quote(`${host.name}# ls -A /var/lib/lvs-dr`, stdout);
    const left = difference(before.get(host) ?? "", await settledFootprint(host, before));
    expectSame(`${host.name} beside what it was before`, left.join("\n") || "the same", "the same");
  }
  const { macs } = await askWire(lab, [VIP]);
  expectSame(`answers for ${VIP}`, macs.get(VIP) ?? "", "");
  narrator.saw(
    "addresses, routes, sysctls, files and processes of both hosts are as before the first up",
  );
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

async function lo(host: LabHost): Promise<string> {
  return (await host.run(LOOK_AT_LO)).stdout;
}

async function arp(host: LabHost): Promise<string> {
  return (await host.run(LOOK_AT_ARP)).stdout;
}

async function showHost(narrator: Narrator, host: LabHost): Promise<void> {
  const [addresses, sysctls] = [await lo(host), await arp(host)];
  narrator.quote(`${host.name}# ${LOOK_AT_LO}`, addresses);
  narrator.quote(`${host.name}# sysctl net.ipv4.conf...`, sysctls);
  const wanted = [...LOOPBACK, ...BOUND].sort().join();
  expectSame(`lo of ${host.name}`, addressesOn(addresses).sort().join(), wanted);
  expectSame(`in force on eth0 of ${host.name}`, effectiveArp(sysctls), QUIET);
}

/** The last SSH session's processes may need a moment to end. */
async function settledFootprint(
  host: LabHost,
  before: ReadonlyMap<LabHost, string>,
): Promise<string> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const now = await footprint(host);
    if (now === before.get(host) || Date.now() > deadline) return now;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

/** What the engine showed on each resource's row, in the order in which it came. */
function tellRows(narrator: Narrator, outcome: Outcome): void {
  const rows = new Map<string, string[]>();
  for (const { urn, message } of outcome.said) {
    if (!urn.includes("RealServer")) continue;
    const words = message.trim();
    rows.set(nameIn(urn), [...(rows.get(nameIn(urn)) ?? []), words]);
  }
  narrator.table([...rows].sort().map(([name, words]) => [name, words.join(" > ")]));
}

function tellAnswers(narrator: Narrator, macs: ReadonlyMap<string, string>): void {
  narrator.table(
    [...macs].map(([name, mac]) => [`who has ${name}?`, mac === "" ? "nobody answers" : mac]),
  );
}

function expectSuccess(outcome: Outcome): void {
  if (!outcome.succeeded) throw new Mismatch(`the engine failed:\n${outcome.text}`);
}

function expectChanges(outcome: Outcome, wanted: Record<string, number>): void {
  expectSuccess(outcome);
  const sorted = (changes: Readonly<Record<string, number>>): string =>
    JSON.stringify(Object.fromEntries(Object.entries(changes).sort()));
  expectSame("changes", sorted(outcome.changes), sorted(wanted));
}

function nameIn(urn: string): string {
  return urn.split("::").at(-1) ?? urn;
}
