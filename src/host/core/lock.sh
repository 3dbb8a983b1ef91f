# The lock, by which operations take turns.

locked='' # -s or -x: the lock that we have
busy=''   # who holds the lock that could not be had

# Goes by the time since boot: on a fresh machine the time of day may jump by hours.
time_over() {
  read -r now _ </proc/uptime
  now=${now%.*}
  [ "$now" -ge "$deadline" ]
}

lock_to_read() {
  [ -e "$registry/lock" ] || is_left || return 0
  take_lock -s || return 1
  recognise_strangers
  # A journal under a lock that could be had is a dead operation's: settle it before reading.
  { [ -e "$journal" ] || is_left; } && [ -z "$strangers" ] || return 0
  exec 9<&-
  lock_to_write
}

lock_to_write() {
  take_lock -x || return 1
  { printf '%s, at most until %s\n' "$holder" "$until" >"$registry/lock"; } 2>/dev/null
  [ -n "$strangers" ] || recognise_strangers
  [ -n "$strangers" ] || settle
}

take_lock() { # -s | -x
  attempts=0
  until open_lock "$1" && wait_for_lock "$1" && lock_is_current; do
    [ -z "$failure" ] || return 1
    # A reader whose registry has just gone needs no lock.
    [ "$1" = -x ] || [ -e "$registry/lock" ] || return 0
  done
  locked=$1
}

# `command`: a redirection that fails on a bare exec would end dash.
open_lock() { # -s | -x
  if [ "$1" = -s ]; then
    command exec 9<"$registry/lock" && return
    [ ! -e "$registry/lock" ] || fail "$registry/lock cannot be opened"
    return 1
  fi
  make_folder "$registry/owners" && command exec 9>>"$registry/lock" && return
  # It may be that the last owner was just removing the folder: not for long.
  attempts=$((attempts + 1))
  [ "$attempts" -lt 5 ] || fail "${problem:-$registry/lock cannot be opened for writing}"
  return 1
} 2>/dev/null

wait_for_lock() { # -s | -x: busybox's flock has no time limit of its own
  local who='' told=''
  until flock -n "$1" 9; do
    read_first "$registry/lock" who
    [ "$who" != - ] || who="an inspection"
    [ -n "$told" ] || note "waiting for the lock held by $who" || exit 1
    told=yes
    ! time_over || { busy=$who && fail busy; return 1; }
    sleep 0.2 2>/dev/null || sleep 1
  done
}

# The path must still be the file that we locked: the last owner removes the folder.
lock_is_current() {
  [ /proc/self/fd/9 -ef "$registry/lock" ]
}

# The last one out leaves nothing behind. The lock goes last: once it is gone, others may be in.
tidy() {
  let_go
  [ "$locked" = -x ] && lock_is_current || return 0
  : >"$registry/lock" # nobody's any more
  [ -z "$strangers" ] && [ ! -e "$journal" ] || return 0
  is_last || { clear_leftovers; return 0; }
  # shellcheck disable=SC2086 # none of our paths has a blank
  rm -rf $leftovers "$registry/aside" "$registry/machine" "$registry/owners" "$outcome"
  rm -f "$registry/lock" && rmdir "$registry"
} 2>/dev/null

is_last() { # nobody declares anything here any more
  local file=''
  for file in $keeps; do [ ! -e "$registry/$file" ] || return 1; done
  has_no_owners || return 1
  # What was set aside goes with an owner that leaves, not with an operation that failed.
  [ -n "$committed" ] || [ ! -e "$registry/aside" ]
}

# One that is ended on its way in or out has what it made removed, too: a folder without a lock in it, or
# with one that nobody holds. Who comes in just then tries again, see open_lock.
leave() {
  ! is_nobodys || { command exec 9>>"$registry/lock" && flock -n 9 && locked=-x; }
  tidy
  [ ! -d "$registry" ] || [ -e "$registry/lock" ] || rmdir "$registry/owners" "$registry"
} 2>/dev/null

# `tidy` looks again, under the lock. A reader tidies up after an operation that was killed together with
# its watchdog before it had a journal: this is all that is left of it.
is_nobodys() { # the registry; no bare `return`, see path_of
  case $mode:$locked in
    hold:) [ -d "$registry" ] ;;
    share:-s) [ -e "$registry/lock" ] && has_no_owners ;;
    *) false ;;
  esac
}

has_no_owners() {
  local file=''
  for file in "$registry"/owners/*; do [ ! -e "$file" ] || return 1; done
}

# ---------------------------------------------------------------- for kinds whose operations never wait without it

is_left() { # of an operation that died while it waited
  return 1
}

settle_left() { # all of those
  :
}

let_go() { # what this operation alone may change until it ends
  :
}
