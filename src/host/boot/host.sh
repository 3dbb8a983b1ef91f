# What any boot knows of its host. Nothing that a boot runs is shared with an operation's program: what a
# host keeps for its boot is not to differ because that one does.

failure=''                      # why what was tried last failed
problem=''                      # what a command that failed said
strangers=''                    # yes while the registry on disk is another machine's

fail() { # TEXT
  failure=$1
  return 1
}

# Goes by the time since boot: on a fresh machine the time of day may jump by hours.
time_over() {
  read -r now _ </proc/uptime
  now=${now%.*}
  [ "$now" -ge "$deadline" ]
}

read_first() { # FILE NAME: its first line in the variable of that name, or "-"
  local _line=-
  { IFS= read -r _line <"$1"; } 2>/dev/null || [ -n "$_line" ] || _line=-
  eval "$2=\$_line"
}

is_listed() { # WORD LIST
  case $1: in : | *' '*) return 1 ;; esac
  case " $2 " in *" $1 "*) ;; *) return 1 ;; esac
}

is_there() { # PATH: a file, or a link that may lead nowhere
  [ -e "$1" ] || [ -L "$1" ]
}

durable() { # FILE...: on disk, not only in memory; an old sync takes no names
  sync "$@" 2>/dev/null || sync
}
