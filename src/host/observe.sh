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
  printf '%s\n' "$addresses" | prefix addr
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
  if [ "$flavour" = iproute2 ]; then
    ip -6 neigh show proxy 2>/dev/null | prefix proxied
  fi
}

observe_routes() { # VIP...
  peer=${session%% *}
  {
    ip route show default
    ip -6 route show default
  } 2>/dev/null | prefix default
  ip -o route get "$peer" 2>/dev/null | prefix session-route
  if [ "$flavour" = iproute2 ]; then
    for vip in "$@"; do echo "route get $vip"; done | ip -force -batch - 2>/dev/null | prefix route
  else
    for vip in "$@"; do ip route get "$vip" 2>/dev/null; done | prefix route
  fi
}

observe_contradictions() {
  for file in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \
    /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf; do
    [ -f "$file" ] || continue
    number=0
    while IFS= read -r line || [ -n "$line" ]; do
      number=$((number + 1))
      case $line in
        '#'* | ';'*) ;;
        *arp_ignore* | *arp_announce*) printf 'sysctl-file %s %s %s\n' "$number" "$file" "$line" ;;
      esac
    done <"$file"
  done
}

observe_registry() {
  [ -d "$registry" ] && [ -z "$strangers" ] || return 0
  echo "registry"
  for file in "$registry"/owners/* "$registry/saved" "$registry/machine" "$journal"; do
    [ -f "$file" ] || continue
    lines=$(prefix "file ${file#"$registry/"}" <"$file") || return 1
    # Empty, or all zeros after a crash: told, too, so that it does not pass for none.
    printf '%s\n' "${lines:-file ${file#"$registry/"} }"
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
  while IFS= read -r line || [ -n "$line" ]; do printf '%s %s\n' "$1" "$line"; done
}

writable() { # FILE: can it be opened for writing? (test -w says yes to root on a read-only mount)
  (: >>"$1") 2>/dev/null
}
