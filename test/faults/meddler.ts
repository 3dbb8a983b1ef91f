import type { Agent } from "./agent";
import type { Lane } from "./lane";
import type { Moment } from "./proxy";
import {
  CHURN,
  damage,
  diskFault,
  SUDO_WITH_CODE,
  SECOND_FACTORS,
  UNITS,
  wrapIp,
} from "./breakage";
import { addsNic, pathOf } from "./others";
import { endOfShell, pause } from "./processes";
import type { Delayed, Fault, Meddling, Place, Scenario } from "./scenario";
import { differences, look } from "./snapshot";

/** What a fault has its hands on. */
export interface Scene {
  readonly lane: Lane;
  readonly login: Scenario["login"];
  /** Names NICs that are added. */
  readonly number: number;
  /** How long the operation may take. */
  readonly seconds: number;
  readonly momentOf: (place: Place) => Moment;
  /** Told before somebody else may make the host leak. */
  readonly onLoud: () => void;
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

/** Sets a fault for the operation to come. */
export async function arm(scene: Scene, fault: Fault): Promise<Armed> {
  const { agent, proxy, driver } = scene.lane;
  const { momentOf } = scene;
  const acts: Promise<unknown>[] = [];
  const seen: string[] = [];
  let struck = false;
  let lift = async (): Promise<unknown> => undefined;
  const liftBy = (lines: string): void => void (lift = () => agent.must(lines));
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
      at(fault.place, () => driver.strike(fault.how, scene.seconds * 750 + 600));
      break;
    case "shell":
      at(fault.place, () => agent.run(`found; ${endOfShell(fault.how)}`));
      break;
    case "ip":
      lift = async () => {
        struck =
          Number(await agent.must("cat /run/ip-calls; rm -f /usr/local/sbin/ip")) >= fault.call;
      };
      await agent.must(wrapIp(fault.call, fault.how));
      break;
    case "proc": {
      const path = fault.key === "all of it" ? "/proc/sys" : pathOf(fault.key);
      // rbind: the lab's own mounts below it stay in sight.
      const freeze = `mount --rbind ${path} ${path}; mount -o remount,bind,ro ${path}`;
      liftBy(`! mountpoint -q ${path} || umount -l ${path}`);
      if (fault.place === undefined) await now(agent.must(freeze));
      else at(fault.place, () => agent.must(freeze));
      break;
    }
    case "disk":
      liftBy(
        fault.how === "read-only for units"
          ? `umount -l ${UNITS}`
          : "mount -o remount,rw,size=100M,nr_inodes=100000 /var/lib",
      );
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
    case "sshd": {
      await now(turnAway(scene.lane, fault.how).then((end) => (lift = once(end))));
      if (fault.seconds !== undefined) acts.push(pause(fault.seconds * 1000).then(lift));
      break;
    }
    case "second factor":
      await now(askForMore(scene).then((end) => (lift = end)));
      break;
    case "NICs come and go": {
      const churn = (await agent.run(CHURN)).trim();
      struck = true;
      liftBy(`kill -KILL ${churn}`);
      break;
    }
  }
  return {
    get struck() {
      return struck;
    },
    seen,
    acted: async () => void (await Promise.all(acts)),
    lift: async () => void (await lift()),
  };
}

/** What listens answers, and lets nobody in. @returns what ends that */
async function turnAway({ host, proxy }: Lane, how: string): Promise<() => Promise<void>> {
  if (how === "is full") return host.fillSsh();
  // As OpenSSH from 9.8 on, to who has failed to log in before.
  proxy.words = "Not allowed at this time\r\n";
  return async () => void (proxy.words = "");
}

/** @returns what ends that */
async function askForMore({ lane, login }: Scene): Promise<() => Promise<unknown>> {
  const { host, agent } = lane;
  if (login === "operator") {
    await agent.must(SUDO_WITH_CODE);
    return () => agent.must("rm /usr/local/bin/sudo");
  }
  const [interactive, methods] = SECOND_FACTORS[login === "password" ? "password" : "key"];
  const line = "KbdInteractiveAuthentication";
  await host.editSshd(`s/^${line} .*/${line} ${interactive}\\nAuthenticationMethods ${methods}/`);
  return () => host.editSshd(`s/^${line} .*/${line} no/; /^AuthenticationMethods/d`);
}

function once<T>(act: () => Promise<T>): () => Promise<T> {
  let acting: Promise<T> | undefined;
  return () => (acting ??= act());
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

async function meddle({ lane, number, onLoud }: Scene, meddling: Meddling): Promise<void> {
  const { host, agent, macs } = lane;
  onLoud();
  await agent.run(meddling.lines);
  if (!addsNic(meddling)) return;
  const name = `tap${number % 100_000}`;
  await host.addNic(name);
  macs.add((await agent.run(`cat /sys/class/net/${name}/address`)).trim());
}
