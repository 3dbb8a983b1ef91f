# ARP values, and what they mean.

ipv4=/proc/sys/net/ipv4/conf

is_silent() { # KEY VALUE: by it, no NIC answers or announces for a VIP of scope host
  case $1:$2 in arp_ignore:[123] | arp_announce:2) ;; *) return 1 ;; esac
}

holds() { # KEY VALUE CLAIMED: silent, and no laxer than claimed
  is_silent "$1" "$2" && [ "$2" -ge "$3" ]
}

# The kernel goes by max(all, NIC), on the NIC that hears the request. Effective 1, 2 and (VIPs have
# scope host) 3 are silent for ignore; exactly 2 for announce.
quiet() { # all | NIC...: none of them answers or announces for a VIP on lo
  local nic='' all_ignore='' all_announce='' ignore='' announce=''
  if [ "$1" = all ]; then
    set --
    for nic in "$ipv4"/*; do set -- "$@" "${nic##*/}"; done
  fi
  read_first "$ipv4/all/arp_ignore" all_ignore
  read_first "$ipv4/all/arp_announce" all_announce
  for nic in "$@"; do
    hears_arp "$nic" || continue
    read_first "$ipv4/$nic/arp_ignore" ignore
    read_first "$ipv4/$nic/arp_announce" announce
    # One that has gone away since cannot answer.
    [ "$ignore" != - ] && [ "$announce" != - ] || continue
    [ "$ignore" -ge "$all_ignore" ] || ignore=$all_ignore
    [ "$announce" -ge "$all_announce" ] || announce=$all_announce
    is_silent arp_ignore "$ignore" && is_silent arp_announce "$announce" ||
      fail "$nic would leak: arp_ignore is $ignore and arp_announce $announce there" || return 1
  done
}

# NIC: neither IFF_LOOPBACK (0x8) nor IFF_NOARP (0x80), nor in a bond or a bridge, which answers for it
hears_arp() {
  local flags=''
  case $1 in all | default | lo) return 1 ;; esac
  if [ -d "/sys/class/net/$1/bonding_slave" ] || [ -d "/sys/class/net/$1/brport" ]; then return 1; fi
  read_first "/sys/class/net/$1/flags" flags
  [ "$flags" = - ] || [ $((flags & 0x88)) = 0 ]
}
