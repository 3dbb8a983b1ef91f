import { dirname } from "node:path";

import type { LabHost } from "../../lab/host";
import type { Agent } from "./agent";
import type { Driver } from "./driver";
import { KIT_PATHS } from "./kit";
import type { Moment, Proxy } from "./proxy";
import type { Delayed, DISK_FAULTS, Fault, Place, SHELL_ENDS } from "./scenario";
import { differences, look } from "./snapshot";
import { mayLeak, meddlingOf, pathOf } from "./stage-host";

/** What a fault has its hands on. */
export interface Scene {
  readonly host: LabHost;
  readonly agent: Agent;
  readonly proxy: Proxy;
  readonly driver: Driver;
  /** Names NICs that are added. */
  readonly number: number;
  /** How long the operation may take. */
  readonly seconds: number;
  readonly momentOf: (place: Place) => Moment;
  /** Told before somebody else makes the host leak. */
  readonly onLoud: () => void;
  /** Told the MAC of a NIC that was added. */
  readonly onNic: (mac: string) => void;
}

/** A fault that is set. */
export interface Armed {
  /** Whether it came about. */
  readonly struck: boolean;
  /** What was seen, while it lasted, that should not be. */
  readonly seen: readonly string[];
  /** Waits until all of it has been done. */
  acted(): Promise<void>;
  /** Takes away what of it would stay. */
  lift(): Promise<void>;
}

/** Defines, in the agent's shell, how to find the processes of operations: `sh -c SCRIPT NAME NONCE MODE ...`. */
export const FINDING = `
found() { # sets shell and all
  shell= all=
  for entry in /proc/[0-9]*; do
    mapfile -d '' -t words 2>/dev/null <"$entry/cmdline" || continue
    case "\${words[1]:-}:\${words[5]:-}" in -c:look | -c:share | -c:hold) ;; *) continue ;; esac
    all="$all \${entry#/proc/}"
  done 2>/dev/null
  for id in $all; do
    read -r stat 2>/dev/null <"/proc/$id/stat" || continue
    stat=\${stat##*) }; set -- $stat
    case "$all " in *" $2 "*) ;; *) shell=$id ;; esac
  done
}
watchdogs() { for id in $all; do [ ! "/proc/$id/fd/1" -ef /dev/null ] || echo "$id"; done; }
`;

/** Sets a fault for the operation to come. */
export async function arm(scene: Scene, fault: Fault): Promise<Armed> {
  const { agent, proxy, momentOf } = scene;
  const acts: Promise<unknown>[] = [];
  const seen: string[] = [];
  let struck = false;
  let lift = "";
  const now = async (act: Promise<unknown>): Promise<void> => {
    struck = true;
    await act;
  };
  const at = (place: Delayed, act: () => Promise<unknown>): void => {
    const onMoment = (): Promise<unknown> => {
      struck = true;
      const acting = pause(place.delay).then(act);
      acts.push(acting);
      return acting;
    };
    proxy.arm({ moment: momentOf(place), cut: "hold", thenRefuse: false, onMoment });
  };
  switch (fault.kind) {
    case "none":
      break;
    case "connection": {
      const { cut, thenRefuse, place } = fault;
      const onMoment = async () => void (struck = true);
      proxy.arm({ moment: momentOf(place), cut, thenRefuse, onMoment });
      break;
    }
    case "client":
      // Past the host's deadline, which is three quarters of the operation's, in whole seconds.
      at(fault.place, () => scene.driver.strike(fault.how, scene.seconds * 750 + 600));
      break;
    case "shell":
      at(fault.place, () => agent.run(`found; ${endOfShell(fault.how)}`));
      break;
    case "ip":
      lift = "cat /run/ip-calls; rm -f /usr/local/sbin/ip";
      await agent.must(wrapIp(fault.call, fault.how));
      break;
    case "proc": {
      const path = fault.key === "all of it" ? "/proc/sys" : pathOf(fault.key);
      // rbind: the lab's own mounts below it stay in sight.
      const freeze = `mount --rbind ${path} ${path}; mount -o remount,bind,ro ${path}`;
      lift = `! mountpoint -q ${path} || umount -l ${path}`;
      if (fault.place === undefined) await now(agent.must(freeze));
      else at(fault.place, () => agent.must(freeze));
      break;
    }
    case "disk":
      lift =
        fault.how === "read-only for units"
          ? `umount -l ${UNITS}`
          : "mount -o remount,rw,size=100M,nr_inodes=100000 /var/lib";
      await now(agent.must(diskFault(fault.how, fault.room)));
      break;
    case "registry":
      await now(agent.must(damage(fault)));
      break;
    case "lock":
      await now(holdLock(agent, fault.seconds, seen).then(({ end }) => acts.push(end)));
      break;
    case "somebody":
      at(fault.place, () => meddle(scene, fault.does));
      break;
  }
  const acted = async (): Promise<void> => void (await Promise.all(acts));
  return {
    get struck() {
      return struck;
    },
    seen,
    acted,
    lift: async () => {
      const said = await agent.must(lift || ":");
      if (fault.kind === "ip") struck = Number(said) >= fault.call;
    },
  };
}

/** Waits until no process of an operation is left. @returns false when some never went */
export async function quiescence(agent: Agent, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let wait = 20; ; wait = Math.min(200, wait * 1.2)) {
    if ((await agent.run('found; echo "$all"')).trim() === "") return true;
    if (Date.now() > end) return false;
    await pause(wait);
  }
}

/** Puts a damaged file of the registry back as it was. */
export const REPAIR_REGISTRY = `
  [ ! -e /run/damaged ] || { cp -p /run/undamaged "$(cat /run/damaged)"; rm -f /run/damaged /run/undamaged; }`;

/** For shells that stopped, whoever stopped them. */
export const CONTINUE_STOPPED =
  "for pid in $(ps -eo pid=,stat= | awk '$2 ~ /^T/ { print $1 }'); do kill -CONT $pid; done";

function endOfShell(how: keyof typeof SHELL_ENDS): string {
  switch (how) {
    case "its watchdog killed":
      return "for id in $(watchdogs); do kill -KILL $id; done";
    case "killed with its watchdog":
      return '[ -z "$all" ] || kill -KILL $all';
    case "its sshd killed":
      return "pkill -KILL -o -f '^sshd: .*@notty$' || pkill -KILL -f '^sshd: .*notty'";
    default:
      return `[ -z "$shell" ] || kill -${how} $shell`;
  }
}

/** A wrapper before the real one on PATH, which counts. */
function wrapIp(call: number, how: string): string {
  return `
    real=$(command -v ip)
    echo 0 >/run/ip-calls
    cat >/usr/local/sbin/ip <<'END'
#!/usr/bin/dash
read -r calls </run/ip-calls
calls=$((calls + 1))
echo "$calls" >/run/ip-calls
[ "$calls" = ${call} ] || exec REAL "$@"
refuse() { echo 'RTNETLINK answers: Operation not permitted' >&2; exit 2; }
case '${how}' in
  refuses) refuse ;;
  'stops half-way')
    case "$*" in *-batch*) ;; *) refuse ;; esac
    cat >/run/ip-batch
    half=$((($(wc -l </run/ip-batch) + 1) / 2))
    head -n "$half" /run/ip-batch | REAL "$@" || exit
    echo 'RTNETLINK answers: Operation not permitted' >&2
    echo "Command failed -:$((half + 1))" >&2
    exit 1 ;;
  'fails afterwards') REAL "$@"; exit 1 ;;
  'is killed') kill -KILL $$ ;;
esac
END
    sed -i "s,REAL,$real,g" /usr/local/sbin/ip
    chmod 755 /usr/local/sbin/ip`;
}

/** The folder of the boot's unit. */
const UNITS = dirname(KIT_PATHS.unit);

/** Full means room for a few more files, or for a few more pages of 4 KiB; a tmpfs of size 0 has no limit. */
function diskFault(how: keyof typeof DISK_FAULTS, room: number): string {
  // The last of an operation before may still be writing there, for a moment.
  if (how === "read-only")
    return "for _ in $(seq 50); do mount -o remount,ro /var/lib 2>/dev/null && break; sleep 0.1; done; mount -o remount,ro /var/lib";
  if (how !== "full") return `mount --bind ${UNITS} ${UNITS}; mount -o remount,bind,ro ${UNITS}`;
  const half = Math.floor(room / 2);
  return room % 2 === 0
    ? `used=$(df --output=iused /var/lib | tail -1)
       mount -o remount,nr_inodes=$((used + ${half})) /var/lib`
    : `used=$(df --output=used -k /var/lib | tail -1)
       mount -o remount,size=$((used + ${half} * 4 + (used + ${half} == 0) * 4))k /var/lib`;
}

/** A record, that is; the boot's program has damages of its own, in kit.ts. */
function damage({ file, how, at }: Extract<Fault, { kind: "registry" }>): string {
  return `
    set -- $(find /var/lib/lvs-dr -type f -size +0 ! -path '*/undo/*' ! -name new ! -name lock ! -name replay 2>/dev/null | sort)
    [ $# -gt 0 ] || exit 0
    shift $((${file} % $#))
    echo "$1" >/run/damaged
    cp -p "$1" /run/undamaged
    size=$(stat -c %s "$1")
    place=$((size * ${Math.round(at * 1000)} / 1000))
    case '${how}' in
      emptied) : >"$1" ;;
      'cut short') truncate -s "$place" "$1" ;;
      garbled) printf '\\001' | dd of="$1" bs=1 seek="$place" conv=notrunc status=none ;;
    esac`;
}

/** Holds the lock for a while. @returns when it is held; then a promise for the end, when nothing may have changed */
async function holdLock(agent: Agent, seconds: number, seen: string[]) {
  const holder = await agent.run(`
    mkdir -p -m 700 /var/lib/lvs-dr
    bash -c 'exec 9>>/var/lib/lvs-dr/lock; flock 9; exec sleep 60' >/dev/null 2>&1 &
    echo $!
    until ! flock -n /var/lib/lvs-dr/lock true; do sleep 0.01; done`);
  const first = await look(agent);
  const end = async (): Promise<void> => {
    await pause(seconds * 1000);
    const changed = differences(first, await look(agent));
    seen.push(...changed.map((line) => `while somebody else held the lock: ${line}`));
    await agent.run(`kill -KILL ${holder.trim()}; wait ${holder.trim()} 2>/dev/null`);
  };
  return { end: end() };
}

async function meddle(
  { host, agent, number, onLoud, onNic }: Scene,
  meddling: Extract<Fault, { kind: "somebody" }>["does"],
): Promise<void> {
  if (mayLeak(meddling)) onLoud();
  if (meddling.what !== "adds a NIC") {
    await agent.run(meddlingOf(meddling));
    return;
  }
  const name = `tap${number % 100_000}`;
  await host.addNic(name);
  onNic((await agent.run(`cat /sys/class/net/${name}/address`)).trim());
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
