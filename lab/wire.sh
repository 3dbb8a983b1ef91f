#!/bin/bash
# Keeps a lab's wire: a bridge in a namespace of its own, and the machine's leg into it.
#
# Usage: wire.sh STATE NAMESPACE DEVICE ADDRESS/LEN ADDRESS6/LEN PEER/LEN PEER6/LEN
# Prints "ready", then waits for the end of its stdin and removes everything. The lab's process
# holds the other end of that stdin, so that the wire goes when the lab does, even by kill -9.
set -eu
state=$1 namespace=$2 device=$3 address=$4 address6=$5 peer=$6 peer6=$7

remove() {
  ip link delete "$device" 2>/dev/null || :
  # A capture that nobody has stopped would keep the wire for ever.
  ip netns pids "$namespace" 2>/dev/null | xargs -r kill 2>/dev/null || :
  ip netns delete "$namespace" 2>/dev/null || :
  rm -rf "$state"
}
trap remove EXIT
trap '' HUP INT TERM PIPE

# Its process id and start time, by which others see whether it lives.
read -r stat </proc/$$/stat
read -ra fields <<<"${stat##*) }"
echo "$$ ${fields[19]}" >"$state/keeper"

ip netns add "$namespace"
# No spanning tree and no snooping: a port forwards at once, and every frame is seen by all.
ip -netns "$namespace" -batch - <<END
link set lo up
link add br0 type bridge stp_state 0 forward_delay 0 mcast_snooping 0
link add root type veth peer name $device netns $$
link set root master br0 up
link set br0 up
addr add $peer dev br0
addr add $peer6 dev br0 nodad
END
ip -batch - <<END
link set $device up
addr add $address dev $device
addr add $address6 dev $device nodad
END

echo ready
while read -r _; do :; done
