import { dirname } from "node:path";

import type { LabHost } from "../../lab/host";
import { changeRequest } from "../../src/plan/request";
import { claim, serve } from "../host/claims";
import { carryOut, ok, prepare, Session } from "../host/session";
import { damageKit, removeKit } from "./kit";
import type { Agent } from "./agent";
import { addRoute, BINDING_FILES, IP, pathOf, PRODUCT_UUID } from "./others";
import { LEFT_BEHIND_ON, type HostState } from "./scenario";

/** Makes the host as a new one. Addresses go first, so that the harness itself never leaks. */
export async function reset(agent: Agent): Promise<void> {
  await agent.must(`
    rm -f /usr/local/sbin/ip
    for family in 4 6; do ${IP} -$family route flush table all proto static; done
    ip addr flush dev lo
    ${IP} route replace default via $gateway dev eth0
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
    echo "$product" >${PRODUCT_UUID}
    rm -rf /var/lib/lvs-dr /var/lib/neighbour /root/notes ${SYSCTL_FILE} ${BINDING.join(" ")}
    rm -rf /run/NetworkManager`);
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
    ({ prefix, words }) => `${IP} addr replace ${prefix} ${words} dev lo`,
  );
  const files = state.files.map(
    ({ path, vip }) =>
      `mkdir -p ${dirname(path)}; printf '%s\\n' '${BINDING_FILES[path]!(vip)[0].join("' '")}' >${path}`,
  );
  await agent.must(`
    ${hasKit ? damageKit(state.kit) : ""}
    ${byHand.join("\n")}
    # An IPv6 address is no route's source before the kernel has looked for its double.
    until [ -z "$(${IP} -6 addr show dev lo tentative)" ]; do sleep 0.02; done
    ${[...state.routes.map(addRoute), ...files].join("\n")}
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
  const arp = { ignore: 1, announce: 2, interfaces: [LEFT_BEHIND_ON], except: ["tap*"] } as const;
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
  // One that has just been forked looks like its parent until it has become `sleep`.
  const found = await agent.run(
    "for _ in {1..50}; do found; set -- $shell $(watchdogs); [ $# != 2 ] || break; sleep 0.02; done; echo $#",
  );
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

/** Part of the litter: its first line would undo at the next boot what a serving owner needs. */
export const SYSCTL_FILE = "/etc/sysctl.d/99-faults.conf";

const BINDING = Object.keys(BINDING_FILES);

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
  echo 'net.ipv4.conf.all.arp_ignore = 0' >${SYSCTL_FILE}`;
