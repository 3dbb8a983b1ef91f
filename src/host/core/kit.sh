# What a host has for its boot, and how that went: lines of an observation.

# The replay and its unit by version and checksum, and what the replay of this boot said.
observe_boot() {
  local sums=''
  say "boot-init $init"
  # One process for both, and none where there is neither.
  [ ! -f "$registry/replay" ] && [ ! -f "$unit" ] || sums=$(sha256sum "$registry/replay" "$unit" 2>/dev/null)
  observe_kit replay "$registry/replay"
  observe_kit unit "$unit"
  observe_link
  # On a file system that was made read-only since, say.
  [ ! -f "$unit" ] || writable "$unit" || say "boot-fixed $unit"
  [ ! -f "$outcome" ] || say_each boot-outcome <"$outcome"
}

# One that somebody left whose unit is gone is still ours to remove.
observe_link() {
  [ -L "$unit_link" ] || return 0
  if [ "$unit_link" -ef "$unit" ]; then
    say boot-enabled
  elif [ ! -e "$unit_link" ]; then
    say boot-dangling
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
  say "boot-$1 $version ${sum##*[!0-9a-f]}"
}
