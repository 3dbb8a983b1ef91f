# Lines: read from files and from stdin, and given to programs.

lf='
'

read_first() { # FILE NAME: its first line in the variable of that name, or "-"
  local _line=-
  { IFS= read -r _line <"$1"; } 2>/dev/null || [ -n "$_line" ] || _line=-
  eval "$2=\$_line"
}

# Takes the place of the subshell that it is called in: no process but the command's own. An old bash
# keeps here-documents in files, and the disk may be full.
feed() { # TEXT COMMAND...: the text on its stdin
  local text="$1"
  shift
  [ -z "${BASH_VERSION:-}" ] || { printf '%s\n' "$text" | "$@"; exit; }
  exec "$@" <<END
$text
END
}

# What a signal ended has not said all, and a list that ends early must not pass for all of it. Other
# statuses may be answers: no way to an address, none found.
was_not_killed() { # STATUS
  [ "$1" -lt 128 ]
}

prefix() { # WORD: before each line of stdin
  local line=''
  while IFS= read -r line || [ -n "$line" ]; do printf '%s %s\n' "$1" "$line"; done
}

is_listed() { # WORD LIST
  case $1: in : | *' '*) return 1 ;; esac
  case " $2 " in *" $1 "*) ;; *) return 1 ;; esac
}

is_there() { # PATH: a file, or a link that may lead nowhere
  [ -e "$1" ] || [ -L "$1" ]
}
