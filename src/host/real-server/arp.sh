# ARP values: where they are, and what they mean.

ipv4=/proc/sys/net/ipv4/conf

is_silent() { # KEY VALUE: by it, no NIC answers or announces for a VIP of scope host
  case $1:$2 in arp_ignore:[123] | arp_announce:2) ;; *) return 1 ;; esac
}

is_enslaved() { # NIC: in a bond or a bridge, which answers for it
  [ -d "/sys/class/net/$1/bonding_slave" ] || [ -d "/sys/class/net/$1/brport" ]
}
