import type { LabHost } from "../lab/host";
import { expectSame } from "./narrator";
import type { Scene } from "./scene";
import { prompt } from "./telling";

/**
 * Shows who takes connections for each VIP at the director, with its weight, and expects these real
 * servers and no others.
 */
export async function showServices(
  { narrator, director, vip, vip6, rs1, rs2, rs3 }: Scene,
  wanted: readonly (readonly [LabHost, number])[],
): Promise<void> {
  const lines = (await director.run(LOOK_AT_TABLE)).stdout.split("\n");
  const rows = [];
  for (const [service, rip] of [
    [`${vip}:80`, "address"],
    [`[${vip6}]:80`, "address6"],
  ] as const) {
    const weights = lines.flatMap((line) => {
      const [, address, weight] = /-r \[?([^\]]+?)\]?:80 .* -w (\d+)/.exec(line) ?? [];
      if (!line.startsWith(`-a -t ${service} `)) return [];
      const name = [rs1, rs2, rs3].find((host) => host[rip] === address)?.name ?? line;
      return [`${name} ${weight}`];
    });
    const seen = weights.sort().join(", ");
    expectSame(
      `${service} at the director`,
      seen,
      wanted.map(([{ name }, weight]) => `${name} ${weight}`).join(", "),
    );
    rows.push([service, seen]);
  }
  narrator.table([["service at the director", "destinations and weights"], ...rows]);
}

/** How to look at the director's table as its administrator would. */
export const LOOK_AT_TABLE = "ipvsadm -Sn";

/** IPv4 connections to the VIP that the director has scheduled in the last two minutes. */
export async function scheduled({ director, vip }: Scene): Promise<number> {
  const lines = (await director.run("ipvsadm -Lnc")).stdout.split("\n");
  return lines.filter((line) => line.includes(` ${vip}:80 `)).length;
}

/** Tells everybody on the wire whose the IPv4 VIP is, as the package asks for after a leak. */
export async function announce({ narrator, director, vip }: Scene): Promise<void> {
  await prompt(narrator, director, `arping -q -U -c 1 -I eth0 ${vip}`);
}
