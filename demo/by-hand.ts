import type { LabHost } from "../lab/host";
import { mislead } from "../lab/mislead";
import { countVipFrames, recordVipFrames } from "../lab/vip-frames";
import { announce, scheduled } from "./director";
import { expectSame, Mismatch } from "./narrator";
import type { Scene } from "./scene";
import { served } from "./tally";
import { prompt } from "./telling";
import { askWire } from "./wire";

const REQUESTS = 20;

/** Step 1: what goes wrong by hand, and how it is put right by hand; here the director is, too. */
export async function byHand(scene: Scene): Promise<void> {
  const { narrator, client, director, lab, vip, rs1, rs2, tally } = scene;
  narrator.step("By hand, the wrong way: the VIP on lo, the ARP sysctls at their defaults");
  await prompt(narrator, director, `ipvsadm -A -t ${vip}:80 -s rr`);
  for (const host of [rs1, rs2]) {
    await prompt(narrator, director, `ipvsadm -a -t ${vip}:80 -r ${host.address}:80 -g`);
    await prompt(narrator, host, `ip addr add ${vip}/32 dev lo`);
  }
  await askWire(scene, [vip], ["director", "rs1", "rs2"]);
  const capture = await recordVipFrames(lab);
  const misled = await mislead(client, vip, [rs1, rs2]);
  const answers = await missDirector(scene, misled);
  const frames = await countVipFrames(capture, [vip]);
  tally.add("1 past the director", served(answers), [frames], director.mac);
  narrator.saw(`three answer for one VIP; the client believes ${misled.name}, past the director`);
  await putRight(scene);
}

async function missDirector(scene: Scene, misled: LabHost): Promise<{ servedBy: string }[]> {
  const { narrator, client, vip } = scene;
  await prompt(narrator, client.host, `ip neigh show ${vip}`);
  const before = await scheduled(scene);
  const answers = [];
  for (let i = 0; i < REQUESTS; i += 1) answers.push(await client.request(vip));
  const since = (await scheduled(scene)) - before;
  const { answered } = served(answers);
  narrator.table([
    ["requests", "served by", "scheduled by the director"],
    ...Object.entries(answered).map(([name, times]) => [`${times}`, name, `${since}`]),
  ]);
  expectSame("requests", JSON.stringify(answered), JSON.stringify({ [misled.name]: REQUESTS }));
  expectSame("scheduled by the director", `${since}`, "0");
  return answers;
}

async function putRight(scene: Scene): Promise<void> {
  const { narrator, client, director, vip, rs1, rs2 } = scene;
  for (const host of [rs1, rs2]) await prompt(narrator, host, `ip addr del ${vip}/32 dev lo`);
  await prompt(narrator, director, "ipvsadm -C");
  await announce(scene);
  await askWire(scene, [vip], ["director"]);
  const known = (await client.host.run(`ip neigh show ${vip}`)).stdout;
  if (!known.includes(`lladdr ${director.mac} `))
    throw new Mismatch(`the client still believes ${known}`);
  narrator.saw("put right, by hand again");
}
