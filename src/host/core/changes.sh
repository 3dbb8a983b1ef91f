# What only an operation that changes something needs: its first such request brings it, by `define`. The
# watchdog, which is there from the lock on, has none of this, and no undo needs it.

begin() { # "GUARD..." FILE...: what the kind's undo must not expose, files that will change
  local guard="$1"
  begun=yes touched='' staged='' unsynced=''
  shift
  [ -z "$strangers" ] || set_aside || return 1
  clear_leftovers || fail "$registry/undo cannot be removed" || return 1
  # One that is cut in its head was never begun: it has its name from the first, and nothing changes
  # until it is on disk.
  keep_old "$@" && sync_copies "$@" && write_journal "$guard" "$@" >"$journal" && durable "$journal" "$registry" ||
    fail "the journal $journal cannot be written (is the disk full or read-only?)"
} 2>/dev/null

set_aside() {
  local file=''
  warn "the other machine's registry is set aside in $registry/aside, until the last owner goes" || exit 1
  rm -rf "$registry/aside"
  mkdir "$registry/aside" || fail "$registry/aside cannot be made" || return 1
  for file in owners $keeps machine journal; do
    [ ! -e "$registry/$file" ] || mv "$registry/$file" "$registry/aside/" || fail "$registry/$file cannot be set aside" || return 1
  done
  if mkdir "$registry/owners"; then strangers=''; else fail "$registry/owners cannot be made"; fi
}

keep_old() { # NAME...: a copy for the undo of each file that is there
  local name='' copy=''
  for name in "$@"; do
    path_of "$name" || return 1
    case $name in boot/*) touched=yes ;; esac
    copy=$registry/undo/$name
    ! is_there "$path" || { make_folder "${copy%/*}" && cp -pP "$path" "$copy"; } || return 1
  done
}

write_journal() { # "GUARD..." NAME...
  local word='' boot=''
  read_first /proc/sys/kernel/random/boot_id boot
  printf 'lvs-dr-journal 1\nboot %s\nby %s\n' "$boot" "$holder" || return 1
  for word in $1; do echo "guard $word" || return 1; done
  shift
  for word in "$@"; do
    if is_there "$registry/undo/$word"; then echo "file old $word"; else echo "file new $word"; fi || return 1
  done
  [ -z "$waiting" ] || sed 1,3d "$waiting" # what was done before the wait
}

sync_copies() { # NAME...: ahead of the journal, which puts back whatever copy it finds
  local copy='' paths=''
  for copy in "$@"; do
    copy=$registry/undo/$copy
    ! is_there "$copy" || paths="$paths $copy ${copy%/*} $registry/undo"
  done
  # shellcheck disable=SC2086 # none of our paths has a blank
  [ -z "$paths" ] || durable $paths
}

put() { # NAME LINE...
  local name="$1"
  path_of "$1" || return 1
  shift
  make_folder "${path%/*}" 022 && case $name in
    boot/link) problem=$(ln -sfn "$unit" "$path" 2>&1) ;; # as `systemctl enable` and `rc-update add` do
    replay | boot/*) write_aside "$@" && staged="$staged $name" ;;
    *) write_aside "$@" && take_place ;;
  esac || cannot_write "$name" || return 1
  unsynced="$unsynced ${path%/*}"
}

cannot_write() { # NAME, at $path: fails
  local way=''
  case $1 in boot/*) way='; set persist to false where the host takes no units, as on NixOS' ;; esac
  fail "$path cannot be written: $problem$way"
}

write_aside() { # LINE...: the second try is for its words
  [ "$permissions" = 600 ] || umask 022
  { printf '%s\n' "$@" >"$aside"; } 2>/dev/null || problem=$( (printf '%s\n' "$@" >"$aside") 2>&1) || permissions=''
  umask 077
  case $permissions in '') return 1 ;; 755) chmod 755 "$aside" ;; esac
}

drop() { # NAME
  path_of "$1" || return 1
  problem=$(rm -f "$path" 2>&1) || fail "$path cannot be removed: $problem" || return 1
  unsynced="$unsynced ${path%/*}"
}

log_step() { # TEXT: ahead of the step
  { printf '%s\n' "$1" >>"$journal"; } 2>/dev/null || fail "the journal $journal cannot be written (is the disk full?)"
}

# A boot runs these before it undoes anything: they are on disk, whole, before they get their names.
place() {
  local name='' asides=''
  [ -n "$staged" ] || return 0
  for name in $staged; do path_of "$name" && asides="$asides $aside"; done
  # shellcheck disable=SC2086 # none of our paths has a blank
  durable $asides || fail "$asides cannot be synced" || return 1
  for name in $staged; do
    path_of "$name"
    take_place || cannot_write "$name" || return 1
  done
  staged=''
}

take_place() {
  problem=$(mv "$aside" "$path" 2>&1) && unsynced="$unsynced $path"
}

commit() { # the one moment at which the operation counts
  place || return 1
  problem='sync failed'
  # shellcheck disable=SC2086 # none of our paths has a blank
  { [ -z "$unsynced" ] || durable $unsynced; } 2>/dev/null &&
    problem=$(rm "$journal" 2>&1) && durable "$registry" || fail "cannot commit: $problem" || return 1
  committed=yes
  begun='' # nothing to undo from here on; and after tidy, a journal would be somebody else's
  tidy     # before the answer: whoever is told that it is done finds no folder either
  [ -z "$touched" ] || tell_init
  body=committed
}
