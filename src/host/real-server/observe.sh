# What a real server is like, a line a fact; src/observed reads it.

observation() { # VIP...
  local addresses='' forwards=''
  addresses=$(ip -o addr show) || return 1
  echo "lvs-dr-observation 1"
  printf 'session %s\n' "$session"
  echo "ip $flavour"
  observe_identity
  each_line addr "$addresses"
  observe_nics
  writable "$ipv4/all/arp_ignore" && echo "sysctl-writable yes" || echo "sysctl-writable no"
  observe_ipv6
  observe_routes "$@"
  [ ! -r /proc/net/ip_vs ] || prefix service </proc/net/ip_vs
  read_first /proc/sys/net/ipv4/ip_forward forwards
  echo "ip-forward $forwards"
  observe_configuration
  observe_boot
  observe_registry || return 1
  echo "end"
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
    printf 'conf %s %s %s %s %s %s\n' "$ignore" "$announce" "$rp_filter" "$flags" "$wire" "$name"
  done
}

# enslaved: in a bond or a bridge, which hears what it receives. Not so in a VRF, and not below a macvlan.
# portless: a bridge without ports. pair: a veth, whose other end asks for the host's addresses by ARP.
wire_of() { # NIC NAME: how it is wired, in the variable of that name
  local _nic="/sys/class/net/$1" _wire=wired _port=''
  if [ -d "$_nic/bonding_slave" ] || [ -d "$_nic/brport" ]; then
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
  echo "ipv6-disabled $value"
  for file in /proc/sys/net/ipv6/conf/*/proxy_ndp; do
    read_first "$file" value
    file=${file%/proxy_ndp}
    [ "$value" != 1 ] || printf 'proxy-ndp %s\n' "${file##*/}"
  done
}

# Default routes of both families, the way back to our peer, how each VIP is delivered, what routes
# depend on an address or stay beside one, and, where ip tells it, whom the host is a proxy for.
observe_routes() { # VIP...
  local peer="${session%% *}" vip=''
  if [ "$flavour" = iproute2 ]; then
    batched_routes "$@"
    return
  fi
  each_line default "$(ip route show default 2>/dev/null)"
  each_line default "$(ip -6 route show default 2>/dev/null)"
  each_line session-route "$(ip -o route get "$peer" 2>/dev/null)"
  for vip in "$@"; do each_line route "$(ip route get "$vip" 2>/dev/null)"; done
  each_line route4 "$(ip -4 route show table all 2>/dev/null)"
  each_line route6 "$(ip -6 route show table all 2>/dev/null)"
}

# A process for what has no family or IPv4's, and one for IPv6: what a line answers it shows itself, but
# for the tables, which are told last, after lo as a mark.
batched_routes() { # VIP...
  local vip='' queries=''
  queries="route show default
route get $peer"
  for vip in "$@"; do queries="$queries
route get $vip"; done
  queries="$queries
link show dev lo
route show table all root 0.0.0.0/0"
  each_line route "$(feed "$queries" ip -force -batch - 2>/dev/null)" route4
  each_line default "$(feed 'neigh show proxy
route show default
link show dev lo
route show table all' ip -6 -force -batch - 2>/dev/null)" route6
}

each_line() { # WORD TEXT [TABLES]: before each line of what ip said; one that goes on is of the kind of the line before
  local line='' kind="$1" peer="${session%% *}" kept=''
  set -f
  IFS='
'
  for line in $2; do
    case $kind:$1:$line in
      # Of a table only what has a source, is local or leads to lo, and is not the kernel's own.
      route[46]:"$1":[[:space:]]*) [ -n "$kept" ] || continue ;;
      route[46]:*' proto kernel '*) kept='' && continue ;;
      route[46]:*:'local '* | route[46]:*' dev lo '* | route[46]:*' src '*) kept=yes ;;
      route[46]:*) kept='' && continue ;;
      *:addr:* | *:"$1":[[:space:]]*) ;;
      *:"$1":[0-9]*': lo: '*) kind=$3 && continue ;;
      *:route:"$peer "* | *:route:"local $peer "*) kind=session-route ;;
      *:'default '*) kind=default ;;
      *:default:*' proxy' | *:default:*' proxy '*) kind=proxied ;;
      *) kind=$1 ;;
    esac
    printf '%s %s\n' "$kind" "$line"
  done
  IFS=$blanks
  set +f
}

writable() { # FILE: can it be opened for writing? (test -w says yes to root on a read-only mount)
  { true >>"$1"; } 2>/dev/null
}
