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
  aside=${aside:-${path%/*}/.$service.new}
  [ -n "$path" ] || fail "$1 is where neither systemd nor OpenRC runs"
}

make_folder() { # FOLDER [MASK]
  [ -d "$1" ] || problem=$(umask "${2:-077}" && mkdir -p "$1" 2>&1)
}

writable() { # FILE: can it be opened for writing? (test -w says yes to root on a read-only mount)
  { true >>"$1"; } 2>/dev/null
}

clear_leftovers() {
  local file='' left=''
  for file in $leftovers; do [ ! -e "$file" ] || left=yes; done
  # shellcheck disable=SC2086 # none of our paths has a blank
  [ -z "$left" ] || rm -rf $leftovers
}

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}
