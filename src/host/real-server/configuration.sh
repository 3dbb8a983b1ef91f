# Files of the host's configuration that work against us, and ours that a boot runs.

sought=''         # what a line of interest has, as grep takes it
files_in_force='' # a name a line
sourced=''        # the same of what ifupdown's files name
found=''          # lines as grep prints them: of the last search
configured=''     # and of all

# grep finds the few lines of interest, once an operation and for all files at once: `read` takes a system
# call a character. More than VIPs may match, for a dot is any character; who reads it knows.
know_files() { # VIP...
  local vip=''
  sought='arp_(ignore|announce)|^[[:blank:]]*(unmanaged-devices|source)'
  # Scripts have a VIP in a variable.
  sought="$sought|ifconfig[[:blank:]]+lo[^#]*[$]|[[:blank:]](a|add|replace)[[:blank:]][^#]*[$].*dev[[:blank:]]+lo"
  # An inspection is not told of any, but the records are, and lo has some.
  # shellcheck disable=SC2046 # a VIP a word
  [ "$mode" != look ] ||
    set -- "$@" $(sed -n 's/^vip //p' "$registry"/owners/* 2>/dev/null) $(ip -o addr show dev lo 2>/dev/null)
  for vip in "$@"; do
    case $vip in
      *.*.*.*/32 | *:*/128) sought="$sought|${vip%/*}" ;;
      */*) ;;
      *.*.*.* | *:*:*) sought="$sought|$vip" ;;
    esac
  done
  list_configuration
  find_words "$files_in_force"
  configured=$found
  know_sourced /etc/network/interfaces "$configured"
}

list_configuration() {
  local names=''
  list_in_force '*.conf' /etc/sysctl.d /run/sysctl.d /usr/local/lib/sysctl.d /usr/lib/sysctl.d /lib/sysctl.d
  for names in '*.network' '*.network.d/*.conf'; do
    list_in_force "$names" /etc/systemd/network /run/systemd/network /usr/local/lib/systemd/network \
      /usr/lib/systemd/network
  done
  for names in 'system-connections/*' 'conf.d/*.conf'; do
    list_in_force "$names" /etc/NetworkManager /run/NetworkManager /usr/lib/NetworkManager
  done
  list_in_force '*.yaml' /etc/netplan /run/netplan /usr/lib/netplan
  list_in_force rc.local /etc /etc/rc.d
  list_files /etc/sysctl.conf /etc/NetworkManager/NetworkManager.conf /etc/network/interfaces \
    /etc/network/interfaces.d/* /etc/network/if-*.d/* /etc/conf.d/net /etc/local.d/*.start /etc/init.d/* \
    /etc/sysconfig/network-scripts/ifcfg-* /etc/sysconfig/network/ifcfg-* /etc/wicked/ifconfig/*.xml \
    /etc/keepalived/* /etc/keepalived/conf.d/* /etc/cloud/cloud.cfg /etc/cloud/cloud.cfg.d/*.cfg \
    /etc/systemd/system/*.service /etc/NetworkManager/dispatcher.d/* /etc/networkd-dispatcher/*/*
}

# Of files by one name the first counts, also where it is a link to /dev/null.
list_in_force() { # PATTERN FOLDER...
  local pattern="$1" folder='' file='' before=''
  shift
  for folder in "$@"; do
    for file in "$folder"/$pattern; do
      # Debian's 99-sysctl.conf is a link to it.
      case $folder in /etc/sysctl.d) [ ! "$file" -ef /etc/sysctl.conf ] || continue ;; esac
      # shellcheck disable=SC2086 # folders, by design
      is_masked "${file#"$folder"/}" $before || list_files "$file"
    done
    before="$before $folder"
  done
}

is_masked() { # NAME FOLDER...: by one in these
  local name="$1" folder=''
  shift
  for folder in "$@"; do ! is_there "$folder/$name" || return 0; done
  return 1
}

list_files() { # FILE...: those that there are, a line each, after those in $files_in_force
  local file='' files=''
  for file in "$@"; do
    is_backup "$file" || [ ! -f "$file" ] || files="$files$file
"
  done
  files_in_force=$files_in_force$files
}

is_backup() { # FILE: nobody reads it
  case $1 in *[~#] | *.rpm* | *.dpkg-* | *.ucf-* | *.bak | *.orig | *.old | *.save | *.swp) ;; *) return 1 ;; esac
}

find_words() { # FILES, a line each: the lines of theirs that have one of $sought, in $found
  set -f
  IFS='
'
  # shellcheck disable=SC2086 # a name a line, by design
  found=$(grep -nHsE -e "$sought" -- $1)
  IFS=$blanks
  set +f
}

# ifupdown's files may name others, from their own folder, and it reads backups, too. Those files cost a
# process more, and what they name another.
know_sourced() { # BEGINNING LINES: those of files whose names begin so
  local line='' before="$sourced"
  set -f
  IFS='
'
  for line in $2; do
    IFS=$blanks
    # shellcheck disable=SC2086 # fields, by design
    case $line in "$1"*:[0-9]*:*source*) list_sourced "${line%%:*}" ${line#*:*:} ;; esac
  done
  IFS=$blanks
  set +f
  [ "$sourced" != "$before" ] || return 0
  find_words "${sourced#"$before"}"
  configured="$configured
$found"
  know_sourced / "$found"
}

list_sourced() { # FILE WORD PATTERN...: what a line of that file names
  local file="$1" pattern='' named='' folder=''
  case $2 in source) ;; source-directory) folder='/*' ;; *) return 0 ;; esac
  shift 2
  set +f
  for pattern in "$@"; do
    case $pattern in /*) ;; *) pattern=${file%/*}/$pattern ;; esac
    for named in $pattern$folder; do
      # Those are listed already.
      case $named in /etc/network/interfaces.d/*) is_backup "$named" || continue ;; esac
      case "
$sourced" in *"
$named
"*) continue ;; esac
      [ ! -f "$named" ] || sourced="$sourced$named
"
    done
  done
  set -f
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
      /*/NetworkManager/NetworkManager.conf:* | /*/NetworkManager/conf.d/*)
        case ",${rest#*=}," in
          *[[:blank:],\;]interface-name:lo[[:blank:],\;]* | *[[:blank:],\;]interface-name:=lo[[:blank:],\;]*) unmanaged=yes ;;
          *[[:blank:],\;]type:loopback[[:blank:],\;]*) unmanaged=yes ;;
        esac
        ;;
      /*:[0-9]*:*) say "network-line $line" ;;
    esac
  done
  IFS=$blanks
  set +f
  [ -n "$unmanaged" ] || observe_lo_profiles
} 2>/dev/null

sysctl_line() { # NUMBER FILE TEXT
  case $3 in
    '#'* | ';'*) ;;
    *arp_ignore* | *arp_announce*) say "sysctl-file $1 $2 $3" ;;
  esac
}

# NetworkManager takes off what a profile of its own for lo does not have; without one it leaves lo alone.
observe_lo_profiles() {
  local file='' key='' value=''
  [ -d /run/NetworkManager ] || return 0
  set -f
  IFS='
'
  for file in $files_in_force; do
    case $file in */NetworkManager/system-connections/*) ;; *) continue ;; esac
    while IFS=' 	=' read -r key value _ || [ -n "$key" ]; do
      case $key:$value in type:loopback | interface-name:lo) say "lo-profile $file" && break ;; esac
    done <"$file"
  done
  IFS=$blanks
  set +f
}
