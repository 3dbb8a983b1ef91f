import type { LabHost } from "../../lab/host";
import { changeRequest } from "../../src/plan/request";
import { claim, serve } from "../host/claims";
import { carryOut, ok, prepare, Session } from "../host/session";
import { damageKit, removeKit } from "./kit";
import type { Agent } from "./agent";
import type { HostState, Meddling } from "./scenario";

/** Makes the host as a new one. Addresses go first, so that the harness itself never leaks. */
export async function reset(agent: Agent): Promise<void> {
  await agent.must(`
    rm -f /usr/local/sbin/ip
    ip addr flush dev lo
    ip addr add 127.0.0.1/8 dev lo
    ip addr add ::1/128 dev lo
    for link in /sys/class/net/tap*; do
      [ ! -e "$link" ] || ip link del "\${link##*/}"
    done
    cd /proc/sys/net/ipv4/conf
    for key in arp_ignore arp_announce; do
      for nic in all default lo eth0; do echo 0 >"$nic/$key"; done
    done
    cd /
    ${removeKit()}
    rm -rf /var/lib/lvs-dr /var/lib/neighbour /root/notes /etc/sysctl.d/99-faults.conf`);
}

/** Makes what others have done on the host, but for {@link leaveJournal}; owners by the package itself. */
export async function setUp(host: LabHost, agent: Agent, state: HostState): Promise<void> {
  await agent.must(
    state.sysctls.map(({ name, value }) => `echo ${value} >${pathOf(name)}`).join("\n"),
  );
  for (const { owner, vips, ignore, persist } of state.owners) {
    const arp = { ignore, announce: 2, interfaces: "all", except: [] } as const;
    await carryOut(sessionOn(host), serve(claim(owner, vips, { arp, persist })));
  }
  const hasKit = state.owners.some(({ persist }) => persist);
  const byHand = state.byHand.map(
    ({ prefix, words }) => `ip addr replace ${prefix} ${words} dev lo`,
  );
  await agent.must(`
    ${hasKit ? damageKit(state.kit) : ""}
    ${byHand.join("\n")}
    ${state.litter ? LITTER : ""}
    ${state.slow ? SLOW_IP : ""}`);
}

/** What an operation of another client left that died together with its watchdog, in this boot or before. */
export async function leaveJournal(
  host: LabHost,
  agent: Agent,
  journal: HostState["journal"],
): Promise<void> {
  if (journal === "none") return;
  const session = sessionOn(host);
  const arp = { ignore: 1, announce: 2, interfaces: ["eth0"], except: ["tap*"] } as const;
  const dead = claim("dead", ["203.0.113.30", "2001:db8::30"], { arp, persist: true });
  const { needed } = await prepare(session, serve(dead));
  // Of another boot no more than the files is left.
  const left = needed.changes.filter(({ kind }) => journal === "of this boot" || kind === "put");
  ok(await session.request(changeRequest(left, needed.guard, [])));
  await agent.run("found; kill -KILL $all");
  await session.closed;
  if (journal === "of another boot")
    await agent.must("sed -i 's/^boot .*/boot another/' /var/lib/lvs-dr/journal");
}

/** A meddler that finds no shell and no watchdog of an operation would strike nobody. @throws Error */
export async function proveThatShellsAreFound(host: LabHost, agent: Agent): Promise<void> {
  const session = sessionOn(host);
  await session.observed();
  const found = await agent.run("found; set -- $shell $(watchdogs); echo $#");
  if (found.trim() !== "2") throw new Error(`of shell and watchdog were found: ${found}`);
  await session.end();
}

/** An operation without a client's machine and sshd between. */
function sessionOn(host: LabHost): Session {
  const enter = ["nsenter", "-t", String(host.pid), "-r", "-m", "-n", "-p", "-u", "--"];
  const connection = `SSH_CONNECTION=${host.address} 50000 ${host.address} 22`;
  const environment = ["env", "-i", "PATH=/usr/sbin:/usr/bin:/sbin:/bin", connection];
  return new Session((line) => [...enter, ...environment, "sh", "-c", line], {});
}

/** Whether a host may leak by it, until an operation that can see it is over. */
export function mayLeak(meddling: Meddling): boolean {
  if (meddling.what === "adds an address") return meddling.prefix.includes(".");
  return meddling.what === "resets a sysctl";
}

/** Shell lines of somebody else's hand on the host. NICs are added by the lab. */
export function meddlingOf(meddling: Meddling): string {
  switch (meddling.what) {
    case "deletes a VIP":
      return `ip addr del ${prefixOf(meddling.vip)} dev lo 2>/dev/null`;
    case "resets a sysctl":
      return `echo ${meddling.value} >${pathOf(meddling.name)}`;
    case "adds an address":
      return `ip addr add ${meddling.prefix} dev lo 2>/dev/null`;
    case "leaves a boot kit":
      return damageKit(meddling.kit);
    case "adds a NIC":
      return ":";
  }
}

/** A VIP as `ip` names it. */
export function prefixOf(vip: string): string {
  return `${vip}/${vip.includes(":") ? 128 : 32}`;
}

/** Before the real one on the PATH of operations. */
const SLOW_IP = `
  printf '%s\\n' '#!/bin/sh' "$(command -v ip) \\"\\$@\\"" 'status=$?' 'sleep 0.04' 'exit $status' >/usr/local/sbin/ip
  chmod 755 /usr/local/sbin/ip`;

const LITTER = `
  mkdir -p -m 700 /var/lib/lvs-dr/undo/owners /var/lib/neighbour
  echo half >/var/lib/lvs-dr/new
  echo old >/var/lib/lvs-dr/undo/owners/somebody
  echo theirs >/var/lib/neighbour/file
  echo theirs >/root/notes
  echo 'net.ipv4.conf.all.arp_ignore = 0' >/etc/sysctl.d/99-faults.conf`;

/** Where a sysctl is, `all arp_ignore`. */
export function pathOf(sysctl: string): string {
  return `/proc/sys/net/ipv4/conf/${sysctl.replace(" ", "/")}`;
}
