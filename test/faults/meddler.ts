import type { LabHost } from "../../lab/host";
import type { Actor } from "./actor";
import type { Agent } from "./agent";
import { diskFault } from "./disk-fault";
import type { Proxy } from "./proxy";
import type { Delayed, Fault, ShellEnd } from "./scenario";
import { mayLeak, meddlingOf } from "./stage-host";

/** What a fault has its hands on. */
export interface Scene {
  readonly host: LabHost;
  readonly agent: Agent;
  readonly proxy: Proxy;
  readonly actor: Actor;
  /** Names NICs that are added. */
  readonly number: number;
  /** Told before somebody else makes the host leak. */
  readonly onLoud: () => void;
  /** Told the MAC of a NIC that was added. */
  readonly onNic: (mac: string) => void;
}

/** A fault that is set; `lift` takes away what of it would stay. */
export interface Armed {
  /** Whether it came about. */
  readonly struck: boolean;
  lift(): Promise<void>;
}

/** Defines, in the agent's shell, how to find the processes of host.sh. */
export const FINDING = `
found() { # sets shell and all
  shell= all=
  for entry in /proc/[0-9]*; do
    mapfile -d '' -t words 2>/dev/null <"$entry/cmdline" || continue
    [ "\${words[1]:-}:\${words[3]:-}" = -c:lvs-dr ] || continue
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
  const { agent, proxy } = scene;
  const acts: Promise<unknown>[] = [];
  let struck = false;
  const at = ({ delay, ...moment }: Delayed, act: () => Promise<unknown>): void => {
    const onMoment = (): Promise<unknown> => {
      struck = true;
      const acting = pause(delay).then(act);
      acts.push(acting);
      return acting;
    };
    proxy.arm({ moment, cut: "hold", thenRefuse: false, onMoment });
  };
  const finished = async (lift: string): Promise<void> => {
    await Promise.all(acts);
    if (lift !== "") await agent.must(lift);
  };
  const armed = (lift: string, always = false): Armed => ({
    get struck() {
      return struck || always;
    },
    lift: () => finished(lift),
  });
  switch (fault.kind) {
    case "none":
      return armed("");
    case "connection":
      proxy.arm({ ...fault, onMoment: async () => void (struck = true) });
      return armed("");
    case "client":
      at(fault.moment, () => strikeClient(scene, fault.how));
      return armed("");
    case "shell":
      at(fault.moment, () => agent.run(`found; ${END_OF_SHELL[fault.how]}`));
      return armed("");
    case "ip":
      await agent.must(wrapIp(fault.call, fault.how));
      return armed("rm -f /usr/local/sbin/ip", true);
    case "proc": {
      const { freeze, thaw } = frozen(fault.key);
      if (fault.moment === undefined) await agent.must(freeze);
      else at(fault.moment, () => agent.must(freeze));
      return armed(thaw, fault.moment === undefined);
    }
    case "disk": {
      const { strike, lift } = diskFault(fault);
      await agent.must(strike);
      return armed(lift, true);
    }
    case "registry":
      await agent.must(damage(fault));
      return armed("", true);
    case "lock":
      acts.push(holdLock(agent, fault.seconds));
      return armed("", true);
    case "somebody":
      at(fault.moment, () => meddle(scene, fault.does));
      return armed("");
  }
}

/** Waits until no process of host.sh is left. @returns false when some never went */
export async function quiescence(agent: Agent, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let wait = 20; ; wait = Math.min(200, wait * 1.2)) {
    if ((await agent.run('found; echo "$all"')).trim() === "") return true;
    if (Date.now() > end) return false;
    await pause(wait);
  }
}

/** The processes of a host, without the script that each has among its arguments. */
export async function processesOf(agent: Agent): Promise<string> {
  const text = await agent.run("ps -eo pid,ppid,stat,etimes,wchan:20,args");
  return text.replace(/^set -u\n[^]*?^die lvs-dr/gm, "... lvs-dr");
}

/** Puts a damaged file of the registry back as it was. */
export const REPAIR_REGISTRY = `
  [ ! -e /run/damaged ] || { cp -p /run/undamaged "$(cat /run/damaged)"; rm -f /run/damaged /run/undamaged; }`;

async function strikeClient({ actor }: Scene, how: "killed" | "stopped"): Promise<void> {
  if (how === "killed") {
    actor.signal("SIGKILL");
    return;
  }
  actor.signal("SIGSTOP");
  // Past the host's deadline, which is three quarters of the operation's three seconds.
  await pause(2800);
  actor.signal("SIGCONT");
}

const END_OF_SHELL: Record<ShellEnd, string> = {
  TERM: '[ -z "$shell" ] || kill -TERM $shell',
  HUP: '[ -z "$shell" ] || kill -HUP $shell',
  KILL: '[ -z "$shell" ] || kill -KILL $shell',
  STOP: '[ -z "$shell" ] || kill -STOP $shell',
  "its watchdog killed": "for id in $(watchdogs); do kill -KILL $id; done",
  "killed with its watchdog": '[ -z "$all" ] || kill -KILL $all',
  "its sshd killed": "pkill -KILL -o -f '^sshd: .*@notty$' || pkill -KILL -f '^sshd: .*notty'",
};

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

function frozen(key: string): { freeze: string; thaw: string } {
  const path =
    key === "all of it" ? "/proc/sys" : `/proc/sys/net/ipv4/conf/${key.replace(" ", "/")}`;
  return {
    // rbind: the lab's own mounts below it stay in sight.
    freeze: `mount --rbind ${path} ${path}; mount -o remount,bind,ro ${path}`,
    thaw: `! mountpoint -q ${path} || umount -l ${path}`,
  };
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

async function holdLock(agent: Agent, seconds: number): Promise<void> {
  const holder = await agent.run(`
    mkdir -p -m 700 /var/lib/lvs-dr
    bash -c 'exec 9>>/var/lib/lvs-dr/lock; flock 9; exec sleep 60' >/dev/null 2>&1 &
    echo $!
    until ! flock -n /var/lib/lvs-dr/lock true; do sleep 0.01; done`);
  void pause(seconds * 1000).then(() =>
    agent.run(`kill -KILL ${holder.trim()}; wait ${holder.trim()} 2>/dev/null`),
  );
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
