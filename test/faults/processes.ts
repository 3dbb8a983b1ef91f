import type { Agent } from "./agent";
import type { SHELL_ENDS } from "./scenario";

/** Defines, in the agent's shell, how to find the processes of operations: `sh -c SCRIPT NAME PROGRAM NONCE MODE ...`. */
export const FINDING = `
found() { # sets shell and all
  shell= all=
  for entry in /proc/[0-9]*; do
    mapfile -d '' -t words 2>/dev/null <"$entry/cmdline" || continue
    case "\${words[1]:-}:\${words[6]:-}" in -c:look | -c:share | -c:hold) ;; *) continue ;; esac
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

/** Shell lines that end an operation's shell, or who is beside it. */
export function endOfShell(how: keyof typeof SHELL_ENDS): string {
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

/** Waits until no process of an operation is left. @returns false when some never went */
export async function quiescence(agent: Agent, seconds: number): Promise<boolean> {
  const end = Date.now() + seconds * 1000;
  for (let wait = 20; ; wait = Math.min(200, wait * 1.2)) {
    if ((await agent.run('found; echo "$all"')).trim() === "") return true;
    if (Date.now() > end) return false;
    await pause(wait);
  }
}

/** For shells that stopped, whoever stopped them. */
export const CONTINUE_STOPPED =
  "for pid in $(ps -eo pid=,stat= | awk '$2 ~ /^T/ { print $1 }'); do kill -CONT $pid; done";

/** For so long. */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
