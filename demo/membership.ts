import type { StreamResult, WebAnswer } from "../lab/client";
import type { Outcome } from "../lab/engine";
import type { Traffic } from "../lab/traffic";
import { showServices } from "./director";
import { BASH } from "./host-view";
import { expectSame, Mismatch } from "./narrator";
import { memberName, NAME, NAME6, program, type Scene, serviceNames } from "./scene";
import { declared } from "./serving";
import { byOthers } from "./tally";
import { expectChanges, expectOrder, nameIn, showHosts, showRows } from "./telling";

const AT_LEAST = 1000;
/** So many connections, at least, that rs1 has when it leaves. */
const HELD = 4;

/** Step 3: a real server joins the pool. */
export async function joins(scene: Scene, traffic: Traffic): Promise<void> {
  const { narrator, engine, rs1, rs2, rs3, signal } = scene;
  narrator.step("rs3 joins while requests flow: one more in the pool's record, and pulumi up");
  await traffic.until(({ sent }) => sent >= 100, signal);
  const outcome = await engine.up(program(scene, [rs1, rs2, rs3]));
  showRows(narrator, outcome);
  expectChanges(outcome, { create: 1, update: 2, same: 4 });
  expectOrder(outcome, [memberName(rs3)], serviceNames(scene));
  await showServices(scene, [
    [rs1, 1],
    [rs2, 1],
    [rs3, 1],
  ]);
  await traffic.until(({ answered }) => (answered["rs3"] ?? 0) >= 100, signal);
  const requests = await traffic.soFar();
  expectNoneFailed(requests);
  const total = answeredOf(requests);
  narrator.saw(
    `${total} requests answered until now, 0 failed; rs3 served ${requests.answered["rs3"]}`,
  );
}

/** Step 4: a real server leaves, drained by its director. */
export async function leaves(scene: Scene, traffic: Traffic): Promise<void> {
  const { narrator, rs1, rs2, rs3, signal } = scene;
  narrator.step("rs1 leaves: one less in the pool's record, and pulumi up");
  const asMember = await askAsHost(scene);
  const begun = await holdOpen(scene);
  const { outcome, finished } = await upDrained(scene, program(scene, [rs2, rs3]));
  showRows(narrator, outcome);
  expectChanges(outcome, { update: 2, delete: 1, same: 4 });
  expectOrder(outcome, serviceNames(scene), [memberName(rs1)]);
  const warnings = outcome.said.filter(({ severity }) => severity === "warning");
  expectSame("warnings", warnings.map(({ message }) => message).join("\n") || "none", "none");
  const by = finished.map(({ servedBy }) => servedBy);
  expectSame("held connections", by.join(" "), begun.join(" "));
  narrator.saw(`the VIPs left when the connections had ended; all ${begun.length} were answered`);
  await showServices(scene, [
    [rs2, 1],
    [rs3, 1],
  ]);
  await showHosts(narrator, [
    [rs1, { vips: [], arp: "arp_ignore 0, arp_announce 0" }],
    [rs2, declared(scene)],
    [rs3, declared(scene)],
  ]);

  const { sent } = await traffic.soFar();
  await traffic.until((now) => now.sent >= Math.max(AT_LEAST, sent + 200), signal);
  showNames(scene, asMember, await askAsHost(scene));
  await count(scene, traffic);
}

/** @returns with whom the client has the connections that the patient client's `finish` ends. */
async function holdOpen({ narrator, lab, patient, rs1, signal }: Scene): Promise<string[]> {
  const begun: string[] = [];
  const withRs1 = () => begun.filter((name) => name === rs1.name).length;
  while (withRs1() < HELD) {
    signal.throwIfAborted();
    begun.push(...(await patient.hold(lab.vips)));
  }
  narrator.doing(`a client holds ${begun.length} connections open, ${withRs1()} of them with rs1`);
  return begun;
}

/** Runs it, and lets the held connections end once both services have told twice that they drain. */
async function upDrained(
  scene: Scene,
  of: () => Promise<void>,
): Promise<{ outcome: Outcome; finished: WebAnswer[] }> {
  const told = new Map(serviceNames(scene).map((name) => [name, 0]));
  let finishing: Promise<WebAnswer[]> | undefined;
  const outcome = await scene.engine.up(of, {
    onEvent: ({ diagnosticEvent: event }) => {
      if (event?.message.includes("draining") !== true) return;
      const name = nameIn(event.urn ?? "");
      told.set(name, (told.get(name) ?? 0) + 1);
      if (Math.min(...told.values()) < 2) return;
      finishing ??= lookAndFinish(scene);
      finishing.catch(() => undefined);
    },
  });
  if (finishing === undefined) throw new Mismatch(`nothing was drained:\n${outcome.text}`);
  return { outcome, finished: await finishing };
}

/** What drains has weight 0 and its VIPs. */
async function lookAndFinish(scene: Scene): Promise<WebAnswer[]> {
  const { narrator, patient, rs1, rs2, rs3 } = scene;
  narrator.doing("meanwhile, as long as rs1 has connections");
  await showServices(scene, [
    [rs1, 0],
    [rs2, 1],
    [rs3, 1],
  ]);
  await showHosts(narrator, [[rs1, declared(scene)]]);
  return patient.finish();
}

/** Who serves rs1 when it asks for the service by name, as any program on it does. */
async function askAsHost({ rs1 }: Scene): Promise<[string, string][]> {
  const answers: [string, string][] = [];
  for (const name of [NAME, NAME6]) {
    const get = `exec 3<>/dev/tcp/${name}/80; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; cat <&3`;
    const { stdout } = await rs1.run(get, { shell: `/usr/bin/timeout 5 ${BASH}` });
    const body = stdout.trim().split("\n").at(-1) ?? "";
    answers.push([name, (JSON.parse(body) as WebAnswer).servedBy]);
  }
  return answers;
}

function showNames(
  { narrator, rs1 }: Scene,
  asMember: [string, string][],
  afterwards: [string, string][],
): void {
  narrator.table([
    ["rs1 asks for", "as a member", "after it left"],
    ...asMember.map(([name, by], at) => [`http://${name}/`, by, afterwards[at]?.[1] ?? ""]),
  ]);
  for (const [name, by] of asMember) expectSame(`${name}, asked by a member`, by, rs1.name);
  for (const [name, by] of afterwards)
    if (by === rs1.name) throw new Mismatch(`${name}: rs1 has left, and still asks itself`);
  narrator.saw("a member is its own service; who left reaches the others, as any client");
}

async function count({ narrator, director, tally }: Scene, traffic: Traffic): Promise<void> {
  const { requests, frames } = await traffic.stop();
  const { sent, slowestMilliseconds } = requests;
  expectNoneFailed(requests);
  expectSame("answered", `${answeredOf(requests)}`, `${sent}`);
  expectSame("claims of a VIP by others", `${byOthers(frames, director.mac)}`, "0");
  narrator.saw(
    `${sent} requests while one joined and one left, 0 failed, the slowest in ${slowestMilliseconds} ms`,
  );
  const by = frames.answers[director.mac] ?? 0;
  if (by === 0) throw new Mismatch("nobody asked for a VIP, or nobody answered");
  narrator.saw(`who has a VIP? asked ${frames.requests} times: director ${by}, real servers 0`);
  tally.add("3, 4 join, leave", requests, [frames], director.mac);
}

function answeredOf({ answered }: StreamResult): number {
  return Object.values(answered).reduce((one, other) => one + other, 0);
}

function expectNoneFailed({ sent, failures }: StreamResult): void {
  if (failures.length === 0) return;
  const some = failures.slice(0, 5).join("\n   ");
  throw new Mismatch(`${failures.length} of ${sent} requests failed:\n   ${some}`);
}
