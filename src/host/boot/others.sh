# Who else binds a VIP at boot. ifupdown fails where an address is there already, and the unit that runs
# it fails, too: what its files bind is left to it, and is made as an operation has it after.

by_ifupdown='' # the lines of its files that may bind an address
steps=''       # for ip, a line each

know_others() {
  local sourced='s/^[[:blank:]]*source\(-directory\)*[[:blank:]]\{1,\}//p'
  local lines='^[[:blank:]]*(address|iface)[[:blank:]]|^[^#]*([[:blank:]]add|ifconfig)[[:blank:]]'
  # shellcheck disable=SC2046 # globs, by design: relative to that folder, as ifupdown takes them
  by_ifupdown=$(cd /etc/network &&
    grep -rhsE "$lines" interfaces interfaces.d $(sed -n "$sourced" interfaces interfaces.d/*))
} 2>/dev/null

# Until the network is up, for then it is done. A service may need the VIP soon after. IPv6 addresses
# have more spellings than ours.
is_left() { # VIP, with its $family
  [ "$phase" = early ] || return 1
  case "$family:$by_ifupdown
" in
    ?:*[[:blank:]]"$1"[/[:space:]]*) ;;
    6:*[[:blank:]]lo[[:blank:]]inet6[[:blank:]]static*:"${1##*:}"[/[:space:]]*) ;;
    *) return 1 ;;
  esac
}

# One that is on lo in another way than an operation has it. busybox's `ip` has no way to change it that
# keeps the address and the routes from it.
may_adopt() { # VIP, with its $prefix and $family
  local rest=''
  [ "$phase" != early ] && [ "$flavour" = iproute2 ] || return 1
  rest=${lo#*" $prefix "}
  rest=${rest%%"
"*}
  case $family:$rest in
    4:'scope host lo:dr'[!0-9A-Za-z]*'valid_lft forever preferred_lft forever'*) has_stand_in "$1" ;;
    6:*'valid_lft forever preferred_lft 0sec'*) return 1 ;;
  esac
}

# To the kernel, an address with a peer is another one. While it stands in, no route is lost.
adopt() { # VIP WORDS
  if [ "$family" = 6 ]; then
    add_step "addr replace $2"
    return
  fi
  has_stand_in "$1" || add_step "addr add $1 peer 127.0.0.1/32 dev lo scope host"
  add_step "addr del $prefix dev lo"
  add_step "addr add $2"
  add_step "addr del $1 peer 127.0.0.1/32 dev lo"
}

has_stand_in() { # VIP: left by a replay that was killed
  case $lo in *" $1 peer 127.0.0.1/32 "*) ;; *) return 1 ;; esac
}

add_step() { # TEXT: to $steps
  steps="${steps:+$steps
}$1"
}
