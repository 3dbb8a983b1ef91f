# The lock, by which the boot and operations take turns.

locked='' # yes while we have it
busy=''   # who holds the lock that could not be had

take_lock() {
  attempts=0 busy=''
  until open_lock && wait_for_lock && lock_is_current; do
    [ -z "$failure" ] || return 1
  done
  locked=yes
}

# `command`: a redirection that fails on a bare exec would end dash.
open_lock() {
  { [ -d "$registry/owners" ] || problem=$(mkdir -p "$registry/owners" 2>&1); } && command exec 9>>"$registry/lock" && return
  # It may be that the last owner was just removing the folder: not for long.
  attempts=$((attempts + 1))
  [ "$attempts" -lt 5 ] || fail "${problem:-$registry/lock cannot be opened for writing}"
  return 1
} 2>/dev/null

wait_for_lock() { # busybox's flock has no time limit of its own
  local who='' told=''
  until flock -n -x 9; do
    read_first "$registry/lock" who
    [ "$who" != - ] || who="an inspection"
    [ -n "$told" ] || say "waiting for the lock held by $who"
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
  local file=''
  [ -n "$locked" ] && lock_is_current || return 0
  : >"$registry/lock" # nobody's any more
  [ -z "$strangers" ] && [ ! -e "$journal" ] || return 0
  rm -rf "$registry/undo" "$registry/new"
  # What was set aside goes with an owner that leaves.
  [ ! -e "$registry/saved" ] && [ ! -e "$registry/aside" ] || return 0
  for file in "$registry"/owners/*; do [ ! -e "$file" ] || return 0; done
  rm -rf "$registry/machine" "$registry/owners" "$outcome"
  rm -f "$registry/lock" && rmdir "$registry"
} 2>/dev/null
