import { memberName, program, type Scene, serviceNames } from "./scene";
import { declared } from "./serving";
import { announce, LOOK_AT_TABLE } from "./director";
import { expectSame } from "./narrator";
import {
  expectChanges,
  expectOrder,
  expectUntouched,
  expectWords,
  nameIn,
  prompt,
  showHosts,
  showRows,
} from "./telling";
import {
  LOOK_AT_ARP,
  LOOK_AT_LO,
  LOOK_AT_OURS,
  LOOK_AT_REGISTRY,
  effectiveArp,
  vipsOn,
} from "./host-view";
import { askWire } from "./wire";

/** Step 5: somebody undoes a sysctl. */
export async function undo(scene: Scene): Promise<void> {
  const { narrator, engine, vip, vip6, rs2, rs3 } = scene;
  narrator.step("Somebody undoes a sysctl on rs2");
  await prompt(narrator, rs2, "sysctl -w net.ipv4.conf.all.arp_ignore=0");
  await askWire(scene, [vip], ["director", rs2.name]);
  narrator.doing("pulumi refresh");
  expectChanges(await engine.refresh(), { same: 5, update: 1 });
  await showDrift(scene);
  narrator.doing("pulumi up");
  const outcome = await engine.up(program(scene, [rs2, rs3]));
  showRows(narrator, outcome);
  expectChanges(outcome, { update: 1, same: 5 });
  await announce(scene);
  await showHosts(narrator, [[rs2, declared(scene)]]);
  await askWire(scene, [vip, vip6], ["director"]);
  narrator.saw("rs2 is as declared, and silent again");
}

async function showDrift({ narrator, engine, rs2, rs3 }: Scene): Promise<void> {
  const drift = new Map<string, string>();
  for (const { urn, outputs } of await engine.resources()) {
    const lines = outputs?.["drift"];
    if (Array.isArray(lines)) drift.set(nameIn(urn), lines.join("\n"));
  }
  for (const name of [rs2, rs3].map(memberName))
    narrator.quote(`drift of ${name}`, drift.get(name) || "none");
  const found = drift.get(memberName(rs2)) ?? "";
  expectWords(`drift of ${rs2.name}`, found, ["eth0: arp_ignore 0, wanted 1"]);
  expectSame(`drift of ${rs3.name}`, drift.get(memberName(rs3)) ?? "unknown", "");
  narrator.saw("a refresh names the NIC that leaks");
}

/** Step 6: nothing is left. */
export async function destroy(scene: Scene): Promise<void> {
  const { narrator, director, engine, vip, vip6, rs1, rs2, rs3, before } = scene;
  narrator.step("pulumi destroy, and what each host says of itself afterwards");
  const outcome = await engine.destroy();
  showRows(narrator, outcome);
  expectChanges(outcome, { delete: 6 });
  expectOrder(outcome, serviceNames(scene), [memberName(rs3)], [memberName(rs2)]);
  const table = await prompt(narrator, director, LOOK_AT_TABLE);
  expectSame("the director's table", table.trim(), "");
  const ours = await prompt(narrator, director, LOOK_AT_OURS);
  expectSame("files of ours on the director", ours.trim(), "");
  for (const host of [rs1, rs2, rs3]) {
    const lo = await prompt(narrator, host, LOOK_AT_LO);
    expectSame(`VIPs on ${host.name}`, vipsOn(lo).join(), "");
    const arp = effectiveArp(await prompt(narrator, host, LOOK_AT_ARP));
    expectSame(`in force on ${host.name}`, arp, "arp_ignore 0, arp_announce 0");
    const registry = await prompt(narrator, host, LOOK_AT_REGISTRY);
    expectWords(`registry of ${host.name}`, registry, ["No such file or directory"]);
    await expectUntouched(host, before.get(host) ?? "");
  }
  await askWire(scene, [vip, vip6], ["director"]);
  narrator.saw(
    "addresses, routes, sysctls, files and processes are as before the first step; the director has nothing of ours",
  );
}
