import type { Guest } from "./guest";

/**
 * Makes a guest a director: it takes the VIPs on its NIC, until it is off, and forgets connections of
 * destinations that have left. Whom it sends requests to is for others to say.
 */
export async function makeDirector(guest: Guest, vips: readonly string[]): Promise<void> {
  // Else a client's port that comes round within two minutes gets the real server that had it.
  await guest.run("modprobe ip_vs && echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn");
  const take = (vip: string) =>
    vip.includes(":")
      ? `ip -6 addr add ${vip}/128 dev eth0 nodad preferred_lft 0`
      : `ip addr add ${vip}/32 dev eth0`;
  await guest.run(vips.map(take).join(" && "));
}
