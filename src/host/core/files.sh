# Files of ours, whole or not at all.

problem=''  # what a command that failed said
staged=''   # files that are written, and do not have their names yet
unsynced='' # files and folders that are to be on disk before the journal goes

# Where a file is by its name in journal and plan: $path, and $aside, where it is made with $permissions.
# No `return`: in a trap, bash gives it the status of what the trap interrupted.
path_of() { # NAME
  permissions=600 aside=''
  case $1:$unit in
    boot/outcome:*) path=$outcome ;;
    boot/*:) path='' ;;
    boot/unit:*) path=$unit permissions=$unit_permissions ;;
    boot/link:*) path=$unit_link ;;
    replay:*) path=$registry/replay aside=$registry/replay.new ;;
    *) path=$registry/$1 aside=$registry/new ;;
  esac
  aside=${aside:-${path%/*}/.pulumi-lvs-dr.new}
  [ -n "$path" ] || fail "$1 is where neither systemd nor OpenRC runs"
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

take_place() {
  problem=$(mv "$aside" "$path" 2>&1) && unsynced="$unsynced $path"
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
    take_place || fail "$path cannot be written: $problem" || return 1
  done
  staged=''
}

drop() { # NAME
  path_of "$1" || return 1
  problem=$(rm -f "$path" 2>&1) || fail "$path cannot be removed: $problem" || return 1
  unsynced="$unsynced ${path%/*}"
}

make_folder() { # FOLDER [MASK]
  [ -d "$1" ] || problem=$(umask "${2:-077}" && mkdir -p "$1" 2>&1)
}

clear_leftovers() { # of an operation that is over
  [ ! -e "$registry/undo" ] && [ ! -e "$registry/new" ] && [ ! -e "$registry/replay.new" ] ||
    rm -rf "$registry/undo" "$registry/new" "$registry/replay.new"
}

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}
