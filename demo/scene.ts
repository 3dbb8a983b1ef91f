import { RealServer } from "../src/index";
import { Client } from "../lab/client";
import type { Engine } from "../lab/engine";
import type { Director } from "../lab/director";
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

/** Who plays, and what is told of them. */
export interface Scene {
  readonly lab: Lab;
  readonly engine: Engine;
  readonly director: Director;
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
  narrator.heading(
    "The lab: a director (IPVS), a client, and three hosts with a web server and sshd",
  );
  const lab = await stage.lab();
  const [director, client, rs1, rs2, rs3] = await Promise.all([
    lab.director(),
    lab.client(),
    ...["rs1", "rs2", "rs3"].map(async (name) => webHost(lab, name)),
  ] as const);
  signal.throwIfAborted();
  const engine = await stage.engine();
  const servers = [rs1!, rs2!, rs3!] as const;
  await engine.writeKnownHosts(servers.map((one) => `${one.address} ${one.hostKey}\n`).join(""));
  const [vip = "", vip6 = ""] = director.vips;
  for (const host of servers)
    await host.run(`printf '${vip} ${NAME}\\n${vip6} ${NAME6}\\n' >>/etc/hosts`);
  const footprints = servers.map(async (host) => [host, await footprint(host)] as const);
  const before = new Map(await Promise.all(footprints));
  introduce(narrator, director, client, servers);
  const patient = await Client.on(client.host);
  const [one, two, three] = servers;
  const cast = { lab, engine, director, vip, vip6, client, patient, narrator, before, signal };
  return { ...cast, rs1: one, rs2: two, rs3: three, tally: new Tally() };
}

/** A program that declares these real servers. */
export function program({ lab, director }: Scene, hosts: readonly LabHost[]): () => Promise<void> {
  return async () => {
    for (const host of hosts) {
      new RealServer(host.name, {
        connection: {
          host: host.address,
          user: userOf(host),
          privateKeyFile: lab.keys.plain.path,
        },
        vips: [...director.vips],
        drain: { timeoutSeconds: 30 },
      });
    }
  };
}

function introduce(
  narrator: Narrator,
  director: Director,
  client: Client,
  servers: readonly LabHost[],
): void {
  narrator.table([
    ["", "address", "MAC of eth0", "entered as"],
    ["director", director.address, director.mac, ""],
    ["client", client.host.address, client.host.mac, ""],
    ...servers.map((host) => [host.name, host.address, host.mac, userOf(host)]),
  ]);
  const names = [NAME, NAME6].map((name, at) => `${director.vips[at]} (${name})`);
  narrator.doing(`VIPs: ${names.join(" and ")}, port 80`);
}

/** One host is entered as an administrator who has sudo, the others as root. */
function userOf(host: LabHost): string {
  return host.name === "rs2" ? "deploy" : "root";
}
