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

# A file that was not changed needs no undoing, which its folder may not allow: on a disk that cannot be
# written, the journal would block every operation to come.
is_as_kept() { # COPY, of $path
  [ -e "$path" ] && [ -e "$1" ] || return 1
  if [ -L "$path" ] || [ -L "$1" ]; then
    [ -L "$path" ] && [ -L "$1" ] && [ "$path" -ef "$1" ]
  else
    [ "$(sha256sum <"$path")" = "$(sha256sum <"$1")" ]
  fi
}

put_unit_back() { # COPY: the folder may be on another disk
  cp -pP "$1" "$aside" && durable "$aside" && mv "$aside" "$path"
}

# As before, with all that a later version may have written, but for the sysctls that stay.
keep_saved() { # old|new
  path=$registry/saved
  {
    if [ "$1" = old ]; then lines_that goes <"$registry/undo/saved"; else echo 'lvs-dr-saved 1'; fi
    lines_that stays <"$path"
    echo end
  } >"$registry/new" && durable "$registry/new" && mv "$registry/new" "$path"
} 2>/dev/null

lines_that() { # goes|stays: of stdin; the sysctl of a line goes back, or stays as it is
  local line='' name=''
  while IFS= read -r line; do
    name=${line#sysctl }
    name=${name%% *}/${line##* }
    case $line:$staying in
      end:*) ;;
      'sysctl '*" $name "*) [ "$1" = goes ] || printf '%s\n' "$line" ;;
      *) [ "$1" = stays ] || printf '%s\n' "$line" ;;
    esac || return 1
  done
}
