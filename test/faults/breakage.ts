import { dirname } from "node:path";

import { KIT_PATHS } from "./kit";
import { IP } from "./others";
import type { DISK_FAULTS, Fault } from "./scenario";

/** A wrapper before the real one on PATH, which counts. */
export function wrapIp(call: number, how: string): string {
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
export const UNITS = dirname(KIT_PATHS.unit);

/** Full means room for a few more files, or for a few more pages of 4 KiB; a tmpfs of size 0 has no limit. */
export function diskFault(how: keyof typeof DISK_FAULTS, room: number): string {
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
export function damage({ file, how, at }: Extract<Fault, { kind: "registry" }>): string {
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

/** Puts a damaged file of the registry back as it was. */
export const REPAIR_REGISTRY = `
  [ ! -e /run/damaged ] || { cp -p /run/undamaged "$(cat /run/damaged)"; rm -f /run/damaged /run/undamaged; }`;

/** NICs that are there for some milliseconds, off the wire, until the process whose id is printed ends. */
export const CHURN = `
  made=$(for n in 1 2 3 4; do echo "link add tapx$n type veth peer name tapy$n"; done)
  gone=$(for n in 1 2 3 4; do echo "link del tapx$n"; done)
  while :; do
    ${IP} -force -batch - <<<"$made"
    ${IP} -force -batch - <<<"$gone"
    sleep 0.02
  done >/dev/null 2>&1 &
  echo $!`;

/** A sudo that asks for a code once it has the password. */
export const SUDO_WITH_CODE = `
  printf '%s\\n' '#!/bin/sh' 'for time in 1 2; do printf "%s" "$4" >&2; read -r secret; done' >/usr/local/bin/sudo
  chmod 755 /usr/local/bin/sudo`;

/** What of sshd's configuration makes a login by key, or by password, not be enough. */
export const SECOND_FACTORS = {
  key: ["yes", "publickey,keyboard-interactive"],
  password: ["no", "password,publickey"],
} as const;
