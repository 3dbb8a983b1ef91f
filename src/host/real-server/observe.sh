# What a real server is like, a line a fact; src/observed reads it.

# One process for all that iproute2 tells. What a line answers it shows itself, or lo does, which stands
# as a mark where the next kind begins. All marks are there if it went on to the end, and an address is:
# somebody has come by it.
know_tools() { # VIP...: what ip tells, in $ip_says, and whose it is, in $flavour
  local vip='' queries='' mark='1: lo: <'
  know_peer
  for vip in "$@"; do queries="$queries
route get $vip"; done
  [ "$flavour" = busybox ] || ip_says=$(feed "addr show
link show dev lo
route show default
route get $way_back$queries
link show dev lo
route show table all root 0.0.0.0/0
link show dev lo
neigh show proxy
link show dev lo
route show table all root ::/0
link show dev lo" ip -o -force -batch - 2>/dev/null)
  case $flavour:$ip_says in
    busybox:*) ;;
    *:[0-9]*' inet'*"$mark"*"$mark"*"$mark"*"$mark"*"$mark"*) flavour=iproute2 && return ;;
    *) know_flavour && [ "$flavour" = busybox ] || return 1 ;;
  esac
  ip_says=$(ip -o addr show)
}

# A link-local address comes with its NIC, fe80::1%eth0, which ip takes for no address, and ends.
know_peer() { # whom this session comes from, in $peer, and what to ask for the way back, in $way_back
  peer=${session%% *}
  way_back=$peer
  case $peer in *%*) way_back="${peer%%\%*} oif ${peer#*%}" peer=${peer%%\%*} ;; esac
}

observation() { # VIP...
  local forwards=''
  say "lvs-dr-observation 1"
  say "session $session"
  say "ip $flavour"
  observe_identity
  each_line addr "$ip_says" route route4 proxied route6
  observe_nics
  writable "$ipv4/all/arp_ignore" && say "sysctl-writable yes" || say "sysctl-writable no"
  observe_ipv6
  [ "$flavour" = iproute2 ] || observe_routes "$@" || return 1
  [ ! -r /proc/net/ip_vs ] || say_each service </proc/net/ip_vs
  [ ! -d /var/lib/lvs-dr-director ] || say director
  read_first /proc/sys/net/ipv4/ip_forward forwards
  say "ip-forward $forwards"
  observe_configuration
  observe_boot
  observe_registry || return 1
  say end
}

# Flags and hardware type come from sysfs: no process a NIC, and a container host has hundreds.
observe_nics() {
  local conf='' name='' ignore='' announce='' rp_filter='' flags='' wire=''
  for conf in "$ipv4"/*; do
    name=${conf##*/}
    read_first "/sys/class/net/$name/flags" flags
    read_first "$conf/arp_ignore" ignore
    read_first "$conf/arp_announce" announce
    read_first "$conf/rp_filter" rp_filter
    # One that goes while we look is passed over. Made anew it may have values again: then flags, too.
    case $name:" $ignore $announce $rp_filter " in all:*) ;; *' - '*) continue ;; esac
    [ "$flags" != - ] || read_first "/sys/class/net/$name/flags" flags
    [ "$flags" != - ] || [ -d "$conf" ] || continue
    wire_of "$name" wire
    say "conf $ignore $announce $rp_filter $flags $wire $name"
  done
}

# enslaved: in a bond or a bridge, which hears what it receives. Not so in a VRF, and not below a macvlan.
# portless: a bridge without ports. pair: a veth, whose other end asks for the host's addresses by ARP.
wire_of() { # NIC NAME: how it is wired, in the variable of that name
  local _nic="/sys/class/net/$1" _wire=wired _port=''
  if is_enslaved "$1"; then
    _wire=enslaved
  elif [ -d "$_nic/bridge" ]; then
    _wire=portless
    for _port in "$_nic/brif"/*; do [ ! -e "$_port" ] || _wire=wired; done
  elif is_pair "$1"; then
    _wire=pair
  fi
  eval "$2=\$_wire"
}

# What is linked to another NIC, and is not on top of one. With proxy_arp, all are told to ask for other
# addresses than the host's.
is_pair() { # NIC
  local index='' link='' lower='' proxy=''
  read_first "/sys/class/net/$1/ifindex" index
  read_first "/sys/class/net/$1/iflink" link
  case $link in - | 0 | "$index") return 1 ;; esac
  for lower in "/sys/class/net/$1"/lower_*; do [ ! -e "$lower" ] || return 1; done
  read_first "$ipv4/$1/proxy_arp" proxy
  [ "$proxy" = 0 ]
}

observe_ipv6() {
  local file='' value=''
  read_first /proc/sys/net/ipv6/conf/lo/disable_ipv6 value
  say "ipv6-disabled $value"
  for file in /proc/sys/net/ipv6/conf/*/proxy_ndp; do
    read_first "$file" value
    file=${file%/proxy_ndp}
    [ "$value" != 1 ] || say "proxy-ndp ${file##*/}"
  done
}

# Default routes of both families, the way back to our peer, how each VIP is delivered, and what routes
# depend on an address or stay beside one. This ip does not tell whom the host is a proxy for.
observe_routes() { # VIP...
  local vip='' said=''
  said=$(ip -o route show default) && each_line default "$said" || return 1
  # shellcheck disable=SC2086 # fields, by design
  said=$(ip -o route get $way_back) || was_not_killed $? || return 1
  each_line session-route "$said"
  for vip in "$@"; do
    said=$(ip -o route get "$vip") || was_not_killed $? || return 1
    each_line route "$said"
  done
  said=$(ip -o -4 route show table all) && each_line route4 "$said" || return 1
  [ -d /proc/sys/net/ipv6 ] || return 0
  said=$(ip -o -6 route show table all) && each_line route6 "$said"
} 2>/dev/null

each_line() { # KIND TEXT [KIND...]: before each line of what ip said
  local line='' kind="$1" word='' text="$2"
  shift 2
  set -f
  IFS='
'
  for line in $text; do
    word=$kind
    # IPv6 has no answer of its own for the main table.
    case $kind:$line in route6:*' table '*) ;; route6:'default '*) say "default $line" ;; esac
    case $kind:$line in
      *:'1: lo: <'*)
        kind=${1-}
        [ -z "$kind" ] || shift
        continue
        ;;
      route:"$peer "* | route:"local $peer "*) word=session-route ;;
      route:'default '*) word=default ;;
      # Of a table only what has a source, is local or leads to lo, and is not the kernel's own.
      route[46]:*' proto kernel '*) continue ;;
      route[46]:'local '* | route[46]:*' dev lo '* | route[46]:*' src '*) ;;
      route[46]:* | proxied:*.*' dev '*) continue ;;
    esac
    say "$word $line"
  done
  IFS=$blanks
  set +f
}
