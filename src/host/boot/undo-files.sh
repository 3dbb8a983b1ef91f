# Undoing changes of files.

undo_file() { # of "file old|new NAME"
  [ "$1" = file ] || return 0
  case $3:$this_boot:$staying in
    # What an earlier boot's replay had to say, this one has not.
    boot/outcome:no:*) return 0 ;;
    # While sysctls stay, what they were is still known: it goes back one day.
    machine:yes:' '?*) return 0 ;;
    saved:yes:' '?*) keep_saved "$2" || stuck="$registry/saved could not be put back" ;;
    *) put_back "$2" "$3" || stuck="${path:-$3} could not be put back" ;;
  esac
  durable "${path%/*}"
}

put_back() { # old|new NAME
  local copy="$registry/undo/$2"
  path_of "$2"
  if [ -z "$path" ]; then
    false
  elif [ "$1" = new ]; then
    rm -f "$path" "$aside"
  elif is_there "$copy"; then
    case $2 in
      boot/*) is_as_kept "$copy" && rm -f "$aside" || put_unit_back "$copy" ;;
      *) mv "$copy" "$path" ;;
    esac
  fi
}

# Where a file is by its name in a journal: $path, and $aside, where it is made.
path_of() { # NAME
  aside=''
  case $1:$unit in
    boot/outcome:*) path=$outcome ;;
    boot/*:) path='' ;;
    boot/unit:*) path=$unit ;;
    boot/link:*) path=$unit_link ;;
    *) path=$registry/$1 aside=$registry/new ;;
  esac
  aside=${aside:-${path%/*}/.pulumi-lvs-dr.new}
}
