# Undoing by the journal, whoever does it: the shell itself, its watchdog, or the next operation. Done
# twice it does no harm.

held=''  # what had to stay as it is for the sake of others, in words
stuck='' # what cannot be undone: the journal is kept, and the next operation tries again

waiting='' # the journal of an operation that waits without the lock; its kind puts it there

undo_own() { # whatever this operation has begun
  [ -z "$waiting" ] || [ ! -e "$waiting" ] || { journal=$waiting && undo; } || return 1
  [ -n "$locked" ] || return 0
  journal=$registry/journal
  [ ! -e "$journal" ] || undo
}

undo() {
  stuck='' held='' touched=''
  know_origin
  undo_steps
  [ -n "$stuck" ] || undo_rest undo_file <"$journal"
  [ -z "$stuck" ] || fail "$stuck ($journal is kept, and the next operation tries again)" || return 1
  rm -f "$journal" && durable "$registry" || fail "$journal cannot be removed" || return 1
  [ "$journal" = "$waiting" ] || rm -rf "$registry/undo"
  [ -z "$touched" ] || tell_init
}

undo_rest() { # FUNCTION: on each line of stdin, last line first; it finds the line in $line, too
  local line=''
  IFS= read -r line || return 0
  undo_rest "$1"
  # Shells read zeros as nothing: a line of them alone is empty.
  case $line in *[![:blank:]]*) ;; *) return 0 ;; esac
  # shellcheck disable=SC2086 # fields, by design; nothing globs: set -f
  set -f && "$1" $line
  set +f
}

undo_file() { # of "file old|new NAME"
  [ "$1" = file ] || return 0
  # What an earlier boot had to say, this one has not.
  case $3:$this_boot in boot/outcome:no) return 0 ;; esac
  ! is_spared "$2" "$3" || return 0
  if ! path_of "$3"; then
    stuck=$failure
  elif [ "$2" = new ]; then
    is_there "$path" || is_there "$aside" || return 0
    rm -f "$path" "$aside"
  elif is_there "$registry/undo/$3"; then
    put_file_back "$3"
  fi || stuck="$path could not be put back"
  durable "${path%/*}"
  case $3 in boot/*) touched=yes ;; esac
}

put_file_back() { # NAME, at $path; the folder may be on another disk
  case $1 in
    boot/*) is_as_kept "$1" && rm -f "$aside" || put_unit_back "$1" ;;
    *) mv "$registry/undo/$1" "$path" ;;
  esac
}

# A file that was not changed needs no undoing, which its folder may not allow: on a disk that cannot be
# written, the journal would block every operation to come.
is_as_kept() { # NAME, at $path
  local copy="$registry/undo/$1"
  [ -e "$path" ] && [ -e "$copy" ] || return 1
  if [ -L "$path" ] || [ -L "$copy" ]; then
    [ -L "$path" ] && [ -L "$copy" ] && [ "$path" -ef "$copy" ]
  else
    [ "$(sha256sum <"$path")" = "$(sha256sum <"$copy")" ]
  fi
}

put_unit_back() { # NAME
  cp -pP "$registry/undo/$1" "$aside" && durable "$aside" && mv "$aside" "$path"
}
