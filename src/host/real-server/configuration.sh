# Files of the host's configuration that work against us, and ours that a boot runs.

# grep finds the few lines of interest, once an operation and for all files at once: `read` takes a system
# call a character. More than VIPs may match, for a dot is any character; who reads it knows.
know_files() { # VIP...
  local words='arp_(ignore|announce)|^[[:blank:]]*unmanaged-devices' vip=''
  # An inspection is not told of any, but the records are.
  # shellcheck disable=SC2046 # a VIP a word
  [ "$mode" != look ] || set -- "$@" $(sed -n 's/^vip //p' "$registry"/owners/* 2>/dev/null)
  for vip in "$@"; do words="$words|$vip"; done
  set --
  list_in_force /etc/sysctl.d/*.conf /run/sysctl.d/*.conf /usr/local/lib/sysctl.d/*.conf \
    /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf
  list_in_force /etc/systemd/network/*.network /run/systemd/network/*.network \
    /usr/local/lib/systemd/network/*.network /usr/lib/systemd/network/*.network
  list_in_force /etc/NetworkManager/system-connections/* /run/NetworkManager/system-connections/* \
    /usr/lib/NetworkManager/system-connections/*
  list_in_force /etc/netplan/*.yaml /run/netplan/*.yaml /usr/lib/netplan/*.yaml
  list_in_force /etc/sysctl.conf /etc/network/interfaces /etc/network/interfaces.d/* /etc/conf.d/net \
    /etc/sysconfig/network-scripts/ifcfg-* /etc/sysconfig/network/ifcfg-* /etc/rc.local /etc/rc.d/rc.local \
    /etc/local.d/*.start /etc/NetworkManager/NetworkManager.conf /etc/NetworkManager/conf.d/*.conf
  set -f
  IFS='
'
  # shellcheck disable=SC2086 # a name a line, by design
  configured=$(grep -nHsE -e "$words" -- ${files_in_force-})
  IFS=$blanks
  set +f
}

# Of files by one name the first counts, also where it is a link to /dev/null; nobody reads a backup.
list_in_force() { # FILE...: those that there are, a line each, after those in $files_in_force
  local file='' seen='/'
  for file in "$@"; do
    case $file in *[~] | *.rpm* | *.dpkg-* | *.bak | *.orig | *.swp) continue ;; esac
    case $seen in */"${file##*/}"/*) continue ;; esac
    is_there "$file" || continue
    seen="$seen${file##*/}/"
    # Debian's 99-sysctl.conf is a link to it.
    case $file in /etc/sysctl.d/*) [ ! "$file" -ef /etc/sysctl.conf ] || continue ;; esac
    [ ! -f "$file" ] || files_in_force="${files_in_force-}$file
"
  done
}

observe_configuration() {
  local line='' file='' rest='' unmanaged=''
  set -f
  IFS='
'
  for line in $configured; do
    file=${line%%:*} rest=${line#*:}
    case $line in
      /etc/sysctl.conf:* | /*/sysctl.d/*:[0-9]*:*) sysctl_line "${rest%%:*}" "$file" "${rest#*:}" ;;
      /etc/NetworkManager/NetworkManager.conf:* | /etc/NetworkManager/conf.d/*)
        case "${rest#*=}," in *interface-name:lo[,\;]* | *interface-name:=lo[,\;]*) unmanaged=yes ;; esac
        ;;
      /*:[0-9]*:*) printf 'network-line %s\n' "$line" ;;
    esac
  done
  IFS=$blanks
  set +f
  [ -n "$unmanaged" ] || observe_lo_profiles
} 2>/dev/null

sysctl_line() { # NUMBER FILE TEXT
  case $3 in
    '#'* | ';'*) ;;
    *arp_ignore* | *arp_announce*) printf 'sysctl-file %s %s %s\n' "$1" "$2" "$3" ;;
  esac
}

# NetworkManager takes off what a profile of its own for lo does not have; without one it leaves lo alone.
observe_lo_profiles() {
  local file='' key='' value=''
  [ -d /run/NetworkManager ] || return 0
  set -f
  IFS='
'
  for file in ${files_in_force-}; do
    case $file in */NetworkManager/system-connections/*) ;; *) continue ;; esac
    while IFS=' 	=' read -r key value _ || [ -n "$key" ]; do
      case $key:$value in type:loopback | interface-name:lo) printf 'lo-profile %s\n' "$file" && break ;; esac
    done <"$file"
  done
  IFS=$blanks
  set +f
}

# The replay and its unit by version and checksum, and what the replay of this boot said.
observe_boot() {
  local sums=''
  echo "boot-init $init"
  # One process for both, and none where there is neither.
  [ ! -f "$registry/replay" ] && [ ! -f "$unit" ] || sums=$(sha256sum "$registry/replay" "$unit" 2>/dev/null)
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
  local version=- line='' sum=''
  [ -f "$2" ] || return 0
  while IFS= read -r line && [ "$version" = - ]; do
    case $line in '# pulumi-lvs-dr boot '[0-9]*) version=${line#\# pulumi-lvs-dr boot } ;; esac
  done <"$2"
  # Ours, but not as we write it: as if it were of an older version.
  version=${version%%:*}
  case $version in - | [0-9] | [0-9][0-9] | [0-9][0-9][0-9]) ;; *) version=0 ;; esac
  # OpenRC starts only what can be run.
  [ "$1:$init" != unit:openrc ] || [ -x "$2" ] || [ "$version" = - ] || version=0
  # "SUM  FILE", a line each; one whose file went meanwhile is not there.
  case $sums in *" $2"*) sum=${sums%%  "$2"*} ;; esac
  printf 'boot-%s %s %s\n' "$1" "$version" "${sum##*[!0-9a-f]}"
}
