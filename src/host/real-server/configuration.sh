# Files of the host's configuration that work against us, and ours that a boot runs.

# grep finds the few files of interest, once an operation: `read` takes a system call a character.
know_files() {
  local file=''
  set --
  for file in /etc/sysctl.conf /etc/sysctl.d/*.conf /run/sysctl.d/*.conf \
    /usr/local/lib/sysctl.d/*.conf /usr/lib/sysctl.d/*.conf /lib/sysctl.d/*.conf; do
    [ ! -f "$file" ] || set -- "$@" "$file"
  done
  sysctl_files=$(grep -lsE -e 'arp_(ignore|announce)' -- "$@")
}

observe_contradictions() {
  local file=''
  set -f
  IFS='
'
  for file in $sysctl_files; do sysctl_lines "$file"; done
  IFS=$blanks
  set +f
} 2>/dev/null

sysctl_lines() { # FILE
  local number=0 line=''
  while IFS= read -r line || [ -n "$line" ]; do
    number=$((number + 1))
    case $line in
      '#'* | ';'*) ;;
      *arp_ignore* | *arp_announce*) printf 'sysctl-file %s %s %s\n' "$number" "$1" "$line" ;;
    esac
  done <"$1"
}

# NetworkManager takes off what a profile of its own for lo does not have; without one it leaves lo alone.
observe_lo_profiles() {
  local file='' line=''
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
  sum=$(sha256sum <"$2")
  printf 'boot-%s %s %s\n' "$1" "$version" "${sum%% *}"
}
