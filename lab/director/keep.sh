#!/bin/bash
# Keeps a lab's director: IPVS in a namespace of this kernel, or, where this kernel has no ip_vs,
# in a user-mode kernel whose root is the machine's own tree, read-only.
#
# All settings come in the environment, below; requests come by stdin, for serve.sh, which answers
# them. The lab's process holds the other end of stdin: when that is gone, process 1 of the PID
# namespace ends, and the kernel ends every other process of the director with it.
set -eu
: "${WIRE:?}" "${PORT:?}" "${MAC:?}" "${ADDRESS:?}" "${ADDRESS6:?}" "${VIPS:?}" "${STATE:?}"
here=$(cd "$(dirname "$0")" && pwd)
modules=/usr/lib/uml/modules

main() {
  case ${1:-} in
    namespace) in_namespace ;;
    kernel) in_kernel ;;
    "")
      modprobe --quiet ip_vs 2>/dev/null || :
      if [ -e /proc/net/ip_vs ]; then
        exec unshare --net --pid --fork --kill-child /bin/bash "$0" namespace
      fi
      if ! [ -d "$modules" ] || ! command -v linux.uml >/dev/null; then
        fail "this kernel has no ip_vs; install user-mode-linux, a kernel that has"
      fi
      tap
      exec nsenter --net="/run/netns/$WIRE" \
        unshare --pid --fork --kill-child /bin/bash "$0" kernel
      ;;
  esac
}

in_namespace() {
  ip link add eth0 type veth peer name "$PORT" netns "$WIRE"
  ip -netns "$WIRE" link set "$PORT" master br0 up
  exec /bin/sh "$here/serve.sh" namespace "$MAC" "$ADDRESS" "$ADDRESS6" "$VIPS"
}

tap() {
  ip -netns "$WIRE" tuntap add dev "$PORT" mode tap
  ip -netns "$WIRE" link set "$PORT" master br0 up
}

# The kernel reads its console from a pipe that this shell fills: so the end of our stdin ends process
# 1, and with it the kernel, however that fares.
in_kernel() {
  trap 'trap - CHLD; ip link delete "$PORT" 2>/dev/null || :' EXIT
  mkfifo "$STATE/requests"
  trap 'fail "the user-mode kernel has ended: $(sed "/Kernel panic/q" "$STATE/log" | tail -n 2)"' CHLD
  # Words after -- are for init; the quotes are for the kernel's parser.
  linux.uml mem=128M root=none rootfstype=hostfs ro quiet loglevel=4 panic=-1 \
    uml_dir="$STATE" con=none con0=fd:0,fd:1 "vec0:transport=tap,ifname=$PORT" \
    init=/bin/sh -- "\"$here/serve.sh\"" kernel "$MAC" "$ADDRESS" "$ADDRESS6" "$VIPS" \
    <"$STATE/requests" 2>"$STATE/boot.log" | answers &
  exec 3>"$STATE/requests"
  while read -r request; do printf '%s\n' "$request" >&3; done
}

# Not everything on a console is an answer.
answers() {
  while read -r line; do
    case $line in
      ready* | answer*) echo "$line" ;;
      *) echo "$line" >>"$STATE/log" ;;
    esac
  done
}

fail() {
  trap - CHLD
  echo "$*" >&2
  exit 1
}

main "$@"
