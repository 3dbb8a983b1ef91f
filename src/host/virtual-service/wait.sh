# Operations that go on without the lock, because they wait for minutes. `waits` is a folder of memory.
#
# Each has a name, and below $waits a folder with a lock of its own, which its shell and its watchdog hold
# to the end, and with its journal while it waits. In $waits nothing outlives a boot, so what is undone on
# disk must not be in that journal: files are changed after the wait.

owned='' # our folder

own() { # NAME: until we end, nobody else changes what has this name; under the lock
  local folder="$waits/$1" who=''
  attempts=0
  until make_folder "$folder" && command exec 7>>"$folder/lock" && flock -n 7 && [ /proc/self/fd/7 -ef "$folder/lock" ]; do
    attempts=$((attempts + 1))
    [ "$attempts" -ge 5 ] || continue
    read_first "$folder/lock" who
    fail "another operation on it is under way, of $who: try again when that is over"
    return 1
  done
  owned=$folder
  echo "$holder" >"$folder/lock"
} 2>/dev/null

unlock() { # SECONDS: goes on without the lock, so long at most
  { cp "$journal" "$owned/new" && mv "$owned/new" "$owned/journal"; } 2>/dev/null ||
    fail "$owned/journal cannot be written (is $waits full?)" || return 1
  waiting=$owned/journal
  journal=$waiting
  rm -f "$registry/journal"
  : >"$registry/lock"
  locked=''
  watch_anew "$1"
  exec 9>&-
}

resume() { # SECONDS "GUARD..." FILE...: under the lock again, with a journal that has all that was done
  local seconds_more="$1"
  shift
  time_over
  deadline=$((now + seconds_more))
  journal=$registry/journal
  until='it is done' # what it was opened with is over
  lock_to_write || fail "${busy:+another operation holds the lock: }${busy:-$failure}" || return 1
  watch_anew "$seconds_more"
  begin "$@" || return 1
  rm -f "$waiting"
  waiting=''
}

# The next one is there before the last one goes: somebody watches at every moment.
watch_anew() { # SECONDS
  local former="$watchdog" next=''
  time_over
  deadline=$((now + $1))
  watch
  next=$watchdog
  watchdog=$former
  unwatch
  watchdog=$next
}

let_go() {
  [ -n "$owned" ] && [ ! -e "$owned/journal" ] || return 0
  rm -rf "$owned"
  owned=''
  rmdir "$waits"
} 2>/dev/null

# ---------------------------------------------------------------- what others have left

is_left() {
  local folder=''
  for folder in "$waits"/*; do
    [ ! -e "$folder/journal" ] || ! is_free "$folder" || return 0
  done
  return 1
}

settle_left() {
  local folder='' status=0
  for folder in "$waits"/*; do
    [ -d "$folder" ] && is_free "$folder" || continue
    journal=$folder/journal
    [ ! -e "$journal" ] || settle_one || status=1
    journal=$registry/journal
    [ "$status" = 0 ] || return 1
    rm -rf "$folder"
  done
  rmdir "$waits" 2>/dev/null
  return 0
}

is_free() { # FOLDER
  (command exec 6>>"$1/lock" && flock -n 6) 2>/dev/null
}
