import { renderOwner, renderSaved, idOf, renderMachine } from "../../src/observed/registry";
import { damageKit, leaveKit, putKit, removeKit } from "./kit";
import type { Agent } from "./agent";
import type { HostState, Meddling, OtherOwner } from "./scenario";

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

/** Makes what others have done on the host, but for {@link leaveJournal}. */
export async function setUp(agent: Agent, state: HostState, machineId: string): Promise<void> {
  const values = new Map(state.sysctls.map(({ name, value }) => [name, value]));
  const registry = registryOf(state.owners, values, machineId);
  await agent.must(`
    ${[...values].map(([name, value]) => writeSysctl(name, value)).join("\n")}
    ${registry.join("\n")}
    ${state.owners.some((one) => one.persist) ? putKit(state.kit) : ""}
    ${state.owners.flatMap(({ vips }) => vips.map(bindAsOurs)).join("\n")}
    ${state.byHand.map(({ prefix, words }) => `ip addr replace ${prefix} ${words} dev lo`).join("\n")}
    ${state.litter ? LITTER : ""}`);
}

/** What an operation of another client left that died together with its watchdog. */
export async function leaveJournal(agent: Agent, journal: HostState["journal"]): Promise<void> {
  if (journal === "none") return;
  const id = idOf("dead");
  const boot = journal === "of this boot" ? '"$(cat /proc/sys/kernel/random/boot_id)"' : "another";
  await agent.must(`
    umask 077
    mkdir -p /var/lib/lvs-dr/owners /var/lib/lvs-dr/undo/owners
    cd /var/lib/lvs-dr
    ( ${leaveKit()}
    ) >undo/kit
    announce=$(cat /proc/sys/net/ipv4/conf/eth0/arp_announce)
    {
      echo 'lvs-dr-journal 1'
      echo boot ${boot}
      echo by dead
      echo 'file new owners/${id}'
      cat undo/kit
      [ "$announce" = 2 ] || echo "sysctl eth0 arp_announce $announce 2"
      echo 'bound 6 2001:db8::30/128 global forever 0'
    } >journal
    printf '%s\\n' ${lines(renderOwner({ ...DEAD, claims: [], except: [], persist: true, unknown: [] }))} >owners/${id}
    ${journal === "of this boot" ? "echo 2 >/proc/sys/net/ipv4/conf/eth0/arp_announce" : ""}
    ${journal === "of this boot" ? "ip addr add 2001:db8::30/128 dev lo preferred_lft 0" : ""}`);
}

const DEAD = {
  owner: "dead",
  incarnation: "0-dead",
  seen: "2030-01-01T00:00:00Z",
  vips: ["2001:db8::30"],
};

/** Whether a host may leak by it, until an operation that can see it is over. */
export function mayLeak(meddling: Meddling): boolean {
  if (meddling.what === "adds an address") return meddling.prefix.includes(".");
  return meddling.what === "resets a sysctl";
}

/** Somebody else's hand on the host. NICs are added by the lab. */
export function meddlingOf(meddling: Exclude<Meddling, { what: "adds a NIC" }>): string {
  switch (meddling.what) {
    case "deletes a VIP":
      return `ip addr del ${prefixOf(meddling.vip)} dev lo 2>/dev/null`;
    case "resets a sysctl":
      return writeSysctl(meddling.name, meddling.value);
    case "adds an address":
      return `ip addr add ${meddling.prefix} dev lo 2>/dev/null`;
    case "leaves a boot kit":
      return damageKit(meddling.kit);
  }
}

/** A VIP as `ip` names it. */
export function prefixOf(vip: string): string {
  return `${vip}/${vip.includes(":") ? 128 : 32}`;
}

const LITTER = `
  mkdir -p -m 700 /var/lib/lvs-dr/undo/owners /var/lib/neighbour
  echo half >/var/lib/lvs-dr/new
  echo old >/var/lib/lvs-dr/undo/owners/somebody
  echo theirs >/var/lib/neighbour/file
  echo theirs >/root/notes
  echo 'net.ipv4.conf.all.arp_ignore = 0' >/etc/sysctl.d/99-faults.conf`;

/** Lines that make the registry of converged owners, and the sysctls that they need. */
function registryOf(
  owners: readonly OtherOwner[],
  values: ReadonlyMap<string, number>,
  machineId: string,
): string[] {
  if (owners.length === 0) return [];
  const ignore = Math.max(...owners.map((one) => one.ignore));
  const wanted = [
    { key: "arp_ignore", to: ignore } as const,
    { key: "arp_announce", to: 2 } as const,
  ];
  const saved = wanted.flatMap(({ key, to }) => {
    const value = values.get(`all ${key}`) ?? 0;
    return value >= to ? [] : [{ interface: "all", key, value, written: to }];
  });
  const files: [string, string[]][] = [
    ["machine", renderMachine({ machineId, productUuid: "-", unknown: [] })],
    ...owners.map((one): [string, string[]] => [`owners/${idOf(one.owner)}`, recordOf(one)]),
    ...(saved.length > 0
      ? [["saved", renderSaved({ sysctls: saved, unknown: [] })] as [string, string[]]]
      : []),
  ];
  return [
    "mkdir -p -m 700 /var/lib/lvs-dr/owners; cd /var/lib/lvs-dr",
    ...files.map(([name, text]) => `printf '%s\\n' ${lines(text)} >${name}`),
    ": >lock; chmod -R go= .",
    ...saved.map(({ key, written }) => writeSysctl(`all ${key}`, written)),
  ];
}

function recordOf({ owner, vips, ignore, persist }: OtherOwner): string[] {
  const claims = vips.some((vip) => vip.includes("."))
    ? [
        { interface: "all", key: "arp_ignore" as const, value: ignore },
        { interface: "all", key: "arp_announce" as const, value: 2 },
      ]
    : [];
  const seen = "2030-01-01T00:00:00Z";
  return renderOwner({
    owner,
    incarnation: `0-${owner}`,
    seen,
    vips,
    claims,
    except: [],
    persist,
    unknown: [],
  });
}

function bindAsOurs(vip: string): string {
  const how = vip.includes(":") ? "preferred_lft 0" : "scope host label lo:dr";
  return `ip addr replace ${prefixOf(vip)} dev lo ${how}`;
}

function writeSysctl(name: string, value: number): string {
  return `echo ${value} >/proc/sys/net/ipv4/conf/${name.replace(" ", "/")}`;
}

function lines(text: readonly string[]): string {
  return text.map((line) => `'${line}'`).join(" ");
}
