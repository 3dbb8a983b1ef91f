#!/bin/bash
# Keeps a guest that is switched on: a user-mode kernel with the guest's disk, its NIC a tap on the
# lab's bridge.
#
# All settings come in the environment, below; requests come by stdin, for the console inside, which
# answers them. The lab's process holds the other end of stdin: when that is closed the kernel is
# killed, which is a power cut. When the kernel ends by itself, so does this.
set -eu
: "${WIRE:?}" "${PORT:?}" "${MAC:?}" "${STATE:?}" "${IMAGE:?}" "${MEMORY:?}"

main() {
  case ${1:-} in
    kernel) kernel ;;
    "")
      ip -netns "$WIRE" tuntap add dev "$PORT" mode tap
      ip -netns "$WIRE" link set "$PORT" master br0 up
      exec nsenter --net="/run/netns/$WIRE" \
        unshare --pid --mount-proc --fork --kill-child /bin/bash "$0" kernel
      ;;
  esac
}

kernel() {
  trap 'kill -9 -1 2>/dev/null || :; ip link delete "$PORT" 2>/dev/null || :' EXIT
  rm -f "$STATE/requests"
  mkfifo "$STATE/requests"
  exec 5<&0
  # The kernel's own words and the init's go to the log, by descriptor 4; 0 and 1 are the lab's.
  linux.uml "mem=${MEMORY}M" "ubd0=$STATE/disk,$IMAGE" root=/dev/ubda rw panic=-1 noreboot \
    uml_dir="$STATE" con=none con0=null,fd:4 con1=fd:0,fd:1 loglevel=4 \
    "vec0:transport=tap,ifname=$PORT,mac=$MAC" "hostfs=$STATE/settings" \
    init=/usr/lib/lab/init.sh <"$STATE/requests" 4>>"$STATE/boot.log" 2>&4 5<&- &
  cat <&5 >"$STATE/requests" &
  # The end of the kernel, or of the lab's.
  wait -n || :
  tail -n 3 "$STATE/boot.log" >&2
}

main "$@"
