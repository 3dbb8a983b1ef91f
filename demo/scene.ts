import { RealServerPool } from "../src/index";
import { Client } from "../lab/client";
import type { Engine } from "../lab/engine";
import { makeDirector } from "../lab/director-guest";
import type { Guest } from "../lab/guest";
import { guestImage } from "../lab/guest-image";
import type { Lab } from "../lab/lab";
import type { LabHost } from "../lab/host";
import type { Stage } from "../lab/stage";
import { webHost } from "../lab/web-host";
import { footprint } from "./host-view";
import type { Narrator } from "./narrator";
import { Tally } from "./tally";

/** The name that every real server has for the IPv4 VIP, and the one for the IPv6 VIP. */
export const NAME = "shop.example";
export const NAME6 = "shop6.example";

/** The pool. Its resources' names begin with its own. */
const POOL = "shop";

/** Who plays, and what is told of them. */
export interface Scene {
  readonly lab: Lab;
  readonly engine: Engine;
  /** With a kernel, a disk and an sshd of its own. */
  readonly director: Guest;
  readonly vip: string;
  readonly vip6: string;
  readonly client: Client;
  /** A client that holds connections open. */
  readonly patient: Client;
  readonly rs1: LabHost;
  readonly rs2: LabHost;
  readonly rs3: LabHost;
  readonly narrator: Narrator;
  readonly tally: Tally;
  /** Each real server's footprint before it was ever touched. */
  readonly before: ReadonlyMap<LabHost, string>;
  readonly signal: AbortSignal;
}

/** Makes the lab and the stack, with nothing of a real server on any host. */
export async function setScene(
  stage: Stage,
  narrator: Narrator,
  signal: AbortSignal,
): Promise<Scene> {
  // Where it is to be made, that takes longer than all the rest.
  await guestImage();
  signal.throwIfAborted();
  narrator.heading(
    "The lab: a director (IPVS) with sshd, a client, and three hosts with a web server and sshd",
  );
  const lab = await stage.lab();
  const [director, client, rs1, rs2, rs3] = await Promise.all([
    lab.guest("director"),
    lab.client(),
    ...["rs1", "rs2", "rs3"].map(async (name) => webHost(lab, name)),
  ] as const);
  signal.throwIfAborted();
  const engine = await stage.engine();
  const servers = [rs1!, rs2!, rs3!] as const;
  const known = [director, ...servers].map((one) => `${one.address} ${one.hostKey}\n`);
  await engine.writeKnownHosts(known.join(""));
  const [vip, vip6] = lab.vips;
  await makeDirector(director, lab.vips);
  for (const host of servers)
    await host.run(`printf '${vip} ${NAME}\\n${vip6} ${NAME6}\\n' >>/etc/hosts`);
  const footprints = servers.map(async (host) => [host, await footprint(host)] as const);
  const before = new Map(await Promise.all(footprints));
  introduce(narrator, lab, director, client, servers);
  const patient = await Client.on(client.host);
  const [one, two, three] = servers;
  const cast = { lab, engine, director, vip, vip6, client, patient, narrator, before, signal };
  return { ...cast, rs1: one, rs2: two, rs3: three, tally: new Tally() };
}

/** A program that declares one pool: these real servers, and a service on the director for each VIP. */
export function program({ lab, director }: Scene, hosts: readonly LabHost[]): () => Promise<void> {
  const realServers = hosts.map((host) => {
    const member = { host: host.address, rip6: host.address6, connection: { user: userOf(host) } };
    return [host.name, member] as const;
  });
  return async () => {
    new RealServerPool(POOL, {
      vips: [...lab.vips],
      connection: { privateKeyFile: lab.keys.plain.path },
      realServers: Object.fromEntries(realServers),
      drain: { timeoutSeconds: 60 },
      directors: { director: director.address },
      // The director lives as long as the demo.
      services: [{ port: 80, scheduler: "rr", persist: false }],
    });
  };
}

/** A member's name in the program. */
export function memberName({ name }: LabHost): string {
  return `${POOL}-${name}`;
}

/** The names of the director's services in the program, one for each VIP. */
export function serviceNames({ lab, director }: Scene): [string, string] {
  const [vip, vip6] = lab.vips.map((one) => one.replaceAll(":", "."));
  return [`${POOL}-${director.name}-${vip}-80`, `${POOL}-${director.name}-${vip6}-80`];
}

function introduce(
  narrator: Narrator,
  { vips }: Lab,
  director: Guest,
  client: Client,
  servers: readonly LabHost[],
): void {
  narrator.table([
    ["", "address", "MAC of eth0", "entered as"],
    ["director", director.address, director.mac, "root"],
    ["client", client.host.address, client.host.mac, ""],
    ...servers.map((host) => [host.name, host.address, host.mac, userOf(host)]),
  ]);
  const names = [NAME, NAME6].map((name, at) => `${vips[at]} (${name})`);
  narrator.doing(`VIPs: ${names.join(" and ")}, port 80`);
}

/** One host is entered as an administrator who has sudo, the others as root. */
function userOf(host: LabHost): string {
  return host.name === "rs2" ? "deploy" : "root";
}
