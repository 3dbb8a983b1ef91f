#!/bin/sh
# The director itself: takes the VIPs on its NIC, then runs what it is asked to, a line at a time.
#
# Usage: serve.sh kernel|namespace MAC ADDRESS/LEN ADDRESS6/LEN VIP/LEN,...
# Process 1 of a user-mode kernel, or a process of a namespace that has eth0 already. Each request
# is a line of shell; each answer is "answer STATUS BASE64", because a kernel's console may say
# other things in between.
set -eu
export PATH=/usr/local/sbin:/usr/sbin:/sbin:/usr/local/bin:/usr/bin:/bin LC_ALL=C
mac=$2 address=$3 address6=$4 vips=$5

main() {
  [ "$1" = namespace ] || boot
  network
  echo ready
  while read -r request; do answer "$request"; done
}

boot() {
  stty raw -echo
  mount -t proc proc /proc
  mount -t sysfs sysfs /sys
  mount -t tmpfs tmpfs /run
  # modprobe looks below lib/modules, which is of the kernel that the tree belongs to.
  mkdir -p /run/kernel/lib
  ln -s /usr/lib/uml/modules /run/kernel/lib/modules
  for module in ipv6 ip_vs ip_vs_rr ip_vs_wrr; do modprobe -d /run/kernel "$module"; done
  ip link set vec0 name eth0
}

network() {
  # Else a client's port that comes round within two minutes is still sent to the real server that
  # had it, though that has left: the client gets no answer.
  echo 1 >/proc/sys/net/ipv4/vs/expire_nodest_conn
  ip link set lo up
  # Its link-local address too is there at once, or its first solicitations go without a source.
  echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad
  ip link set eth0 address "$mac" up
  ip addr add "$address" dev eth0
  ip -6 addr add "$address6" dev eth0 nodad
  for vip in $(echo "$vips" | tr , " "); do
    case $vip in
      *:*) ip -6 addr add "$vip" dev eth0 nodad preferred_lft 0 ;;
      *) ip addr add "$vip" dev eth0 ;;
    esac
  done
}

answer() {
  status=0
  output=$(eval "$1" 2>&1 </dev/null) || status=$?
  echo "answer $status $(printf '%s\n' "$output" | base64 -w 0)"
}

main "$@"
