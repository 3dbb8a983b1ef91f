import { countVipFrames, recordVipFrames, type VipFrames } from "../lab/vip-frames";
import { scheduled, showServices } from "./director";
import { difference, footprint, LOOK_AT_OURS } from "./host-view";
import { expectSame } from "./narrator";
import { memberName, program, type Scene, serviceNames } from "./scene";
import { byOthers, served } from "./tally";
import { expectChanges, expectOrder, expectWords, type Look, showHosts, showRows } from "./telling";
import { askMeanwhile, askWire, nameOf } from "./wire";

const REQUESTS = 8;

/** What a real server looks like. */
export function declared({ vip, vip6 }: Scene): Look {
  return { vips: [`${vip}/32`, `${vip6}/128`], arp: "arp_ignore 1, arp_announce 2" };
}

/** Step 2: a pool of two real servers, with the director's services, declared. */
export async function declare(scene: Scene): Promise<void> {
  const { narrator, director, engine, vip, vip6, rs1, rs2, before } = scene;
  narrator.step(
    "pulumi up: a pool of rs1 and rs2 with the director, while a neighbour asks for the VIPs all the time",
  );
  const up = () => engine.up(program(scene, [rs1, rs2]));
  const { outcome, frames } = await askMeanwhile(scene, up);
  showRows(narrator, outcome);
  expectChanges(outcome, { create: 6 });
  expectOrder(outcome, [memberName(rs1)], [memberName(rs2)], serviceNames(scene));
  const told = byOthers(frames, director.mac);
  expectSame("frames in which a real server claims a VIP", `${told}`, "0");
  const answers = frames.answers[director.mac] ?? 0;
  narrator.saw(`asked ${frames.requests} times meanwhile: director ${answers}, real servers 0`);

  await showHosts(narrator, [
    [rs1, declared(scene)],
    [rs2, declared(scene)],
  ]);
  await showServices(scene, [
    [rs1, 1],
    [rs2, 1],
  ]);
  for (const host of [rs1, rs2]) {
    const made = difference(before.get(host) ?? "", await footprint(host)).join("\n");
    // A search that finds nothing now would find nothing after the destroy either.
    expectWords(`new on ${host.name}`, made, ["/var/lib/lvs-dr/owners/", vip, vip6, "arp_ignore"]);
  }
  const ours = (await director.run(LOOK_AT_OURS)).stdout;
  expectWords("new on the director", ours, ["/var/lib/lvs-dr-director"]);
  await askWire(scene, [vip, vip6], ["director"]);
  narrator.saw("only the director answers for the VIPs, by ARP and by neighbour discovery");
  await askInTurn(scene, frames);
}

async function askInTurn(scene: Scene, meanwhile: VipFrames): Promise<void> {
  const { narrator, client, director, lab, vip, vip6, rs1, rs2, tally } = scene;
  const capture = await recordVipFrames(lab);
  await client.host.run(`ip neigh flush to ${vip}; ip neigh flush to ${vip6}`);
  const before = await scheduled(scene);
  const rows = [];
  const all = [];
  for (const address of [vip, vip6]) {
    const answers = [];
    for (let i = 0; i < REQUESTS; i += 1) answers.push(await client.request(address));
    const names = answers.map(({ servedBy }) => servedBy);
    const other = names[0] === rs1.name ? rs2.name : rs1.name;
    const inTurn = names.map((_, at) => (at % 2 === 0 ? (names[0] ?? "") : other));
    expectSame(`${address} served by`, names.join(" "), inTurn.join(" "));
    rows.push([address, names.join(" ")]);
    all.push(...answers);
  }
  narrator.table([["requests to", "served by"], ...rows]);
  const since = (await scheduled(scene)) - before;
  expectSame("IPv4 connections scheduled by the director", `${since}`, `${REQUESTS}`);
  const frames = await countVipFrames(capture, [vip, vip6]);
  const accepted = Object.entries(frames.accepted).map(
    ([mac, times]) => `${nameOf(scene, mac)} ${times}`,
  );
  const each = [rs1, rs2].map(({ name }) => `${name} ${REQUESTS}`).join(", ");
  expectSame("answers on the wire with a VIP as their source", accepted.sort().join(", "), each);
  narrator.saw(`answers on the wire that come from a VIP, by NIC: ${each}, director 0`);
  tally.add("2 up", served(all), [meanwhile, frames], director.mac);
}
