# shellcheck shell=sh disable=SC2154,SC3013
# What a real server is like, a line a fact, for observed.ts. A part of the program of an operation.
#
# SC2154: parts share variables. SC3013: -ef is in dash, bash and ash.

observation() { # VIP...
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
  read_first /proc/sys/net/ipv4/ip_forward
  echo "ip-forward $value"
  observe_contradictions
  observe_lo_profiles
  observe_boot
  observe_registry || return 1
  echo "end"
}

observe_identity() {
  read_first /proc/sys/kernel/random/boot_id
  echo "boot $value"
  read_identity
  echo "machine $machine_id"
  echo "product $product_uuid"
}

# Flags and hardware type come from sysfs: no process a NIC, and a container host has hundreds.
observe_nics() {
  for conf in "$ipv4"/*; do
    name=${conf##*/}
    read_first "$conf/arp_ignore" && ignore=$value
    read_first "$conf/arp_announce" && announce=$value
    read_first "$conf/rp_filter" && rp_filter=$value
    read_first "/sys/class/net/$name/flags" && flags=$value
    wire=wired
    if [ -d "/sys/class/net/$name/bridge" ]; then
      wire=portless
      for port in "/sys/class/net/$name/brif"/*; do [ ! -e "$port" ] || wire=wired; done
    fi
    printf 'conf %s %s %s %s %s %s\n' "$ignore" "$announce" "$rp_filter" "$flags" "$wire" "$name"
  done
}

observe_ipv6() {
  read_first /proc/sys/net/ipv6/conf/lo/disable_ipv6
  echo "ipv6-disabled $value"
  for file in /proc/sys/net/ipv6/conf/*/proxy_ndp; do
    read_first "$file"
    [ "$value" != 1 ] || { name=${file%/proxy_ndp} && printf 'proxy-ndp %s\n' "${name##*/}"; }
  done
}

# Default routes of both families, the way back to our peer, how each VIP is delivered, and, where ip
# tells it, whom the host is a proxy for.
observe_routes() { # VIP...
  peer=${session%% *}
  if [ "$flavour" = iproute2 ]; then
    batched_routes "$@"
    return
  fi
  each_line default "$(ip route show default 2>/dev/null)"
  each_line default "$(ip -6 route show default 2>/dev/null)"
  each_line session-route "$(ip -o route get "$peer" 2>/dev/null)"
  for vip in "$@"; do each_line route "$(ip route get "$vip" 2>/dev/null)"; done
}

# A process for what has no family or IPv4's, and one for IPv6: what a line answers it shows itself.
batched_routes() { # VIP...
  queries="route show default
route get $peer"
  for vip in "$@"; do queries="$queries
route get $vip"; done
  each_line route "$(feed "$queries" ip -force -batch - 2>/dev/null)"
  each_line default "$(feed 'neigh show proxy
route show default' ip -6 -force -batch - 2>/dev/null)"
}

each_line() { # WORD TEXT: before each line of what ip said; one that goes on is of the kind of the line before
  kind=$1 others=$1
  set -f
  IFS='
'
  for line in $2; do
    case $others:$line in
      *:[[:space:]]*) ;;
      route:"$peer "* | route:"local $peer "*) kind=session-route ;;
      *:'default '*) kind=default ;;
      default:*' proxy' | default:*' proxy '*) kind=proxied ;;
      *) kind=$others ;;
    esac
    printf '%s %s\n' "$kind" "$line"
  done
  IFS=$blanks
  set +f
}

# grep finds the few files of interest, once an operation: `read` takes a system call a character.
know_sysctl_files() {
  set --
  for file in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \
    /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  sysctl_files=$(grep -lsE -e 'arp_(ignore|announce)' -- "$@")
}

observe_contradictions() {
  set -f
  IFS='
'
  for file in $sysctl_files; do sysctl_lines "$file"; done
  IFS=$blanks
  set +f
} 2>/dev/null

sysctl_lines() { # FILE
  number=0
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    case $line in
      '#'* | ';'*) ;;
      *arp_ignore* | *arp_announce*) printf 'sysctl-file %s %s %s\n' "$number" "$1" "$line" ;;
    esac
  done <"$1"
}

observe_registry() {
  [ -d "$registry" ] && [ -z "$strangers" ] || return 0
  echo "registry"
  for file in "$registry"/owners/* "$registry/saved" "$registry/machine" "$journal"; do
    [ -f "$file" ] || continue
    told=''
    prefix "file ${file#"$registry/"}" <"$file" || return 1
    # Empty, or all zeros after a crash: told, too, so that it does not pass for none.
    [ -n "$told" ] || printf 'file %s \n' "${file#"$registry/"}"
  done
}

# NetworkManager takes off what a profile of its own for lo does not have; without one it leaves lo alone.
observe_lo_profiles() {
  [ -d /run/NetworkManager ] || return 0
  for file in /etc/NetworkManager/system-connections/* /usr/lib/NetworkManager/system-connections/*; do
    [ -f "$file" ] || continue
    while IFS= read -r line || [ -n "$line" ]; do
      case $line in type=loopback | interface-name=lo) printf 'lo-profile %s\n' "$file" && break ;; esac
    done <"$file"
  done
}

# The replay and its unit by version and checksum, and what the replay of this boot said.
observe_boot() {
  echo "boot-init $init"
  observe_kit replay "$registry/replay"
  observe_kit unit "$unit"
  observe_link
  [ ! -f "$outcome" ] || prefix boot-outcome <"$outcome"
}

# One that somebody left whose unit is gone is still ours to remove.
observe_link() {
  [ -L "$unit_link" ] || return 0
  if [ "$unit_link" -ef "$unit" ]; then
    echo "boot-enabled"
  elif [ ! -e "$unit_link" ]; then
    echo "boot-dangling"
  fi
}

observe_kit() { # WORD FILE: its version is in one of the first two lines
  [ -f "$2" ] || return 0
  version=-
  while IFS= read -r line && [ "$version" = - ]; do
    case $line in '# pulumi-lvs-dr boot '[0-9]*) version=${line#\# pulumi-lvs-dr boot } ;; esac
  done <"$2"
  # Ours, but not as we write it: as if it were of an older version.
  version=${version%%:*}
  case $version in - | [0-9] | [0-9][0-9] | [0-9][0-9][0-9]) ;; *) version=0 ;; esac
  # OpenRC starts only what can be run.
  [ "$1:$init" != unit:openrc ] || [ -x "$2" ] || [ "$version" = - ] || version=0
  sum=$(sha256sum <"$2")
  printf 'boot-%s %s %s\n' "$1" "$version" "${sum%% *}"
}

prefix() { # WORD: before each line of stdin
  while IFS= read -r line || [ -n "$line" ]; do told=yes && printf '%s %s\n' "$1" "$line"; done
}

writable() { # FILE: can it be opened for writing? (test -w says yes to root on a read-only mount)
  { true >>"$1"; } 2>/dev/null
}
