# The keepalived that runs, and what its configuration includes.

tools="$tools tr"

daemon='' # the process of keepalived that started its others; several where there are several
conf=''   # its configuration
terms=''  # options that say which parts of that are meant for it
cut_short='a search for it was ended by a signal; try again'

# By their names, in this network namespace.
find_daemon() { # $daemon, and of one its $conf; fails where a search was ended by a signal
  local file='' pid='' parent='' name='' found=''
  daemon='' conf=/etc/keepalived/keepalived.conf
  found=$(grep -lxF keepalived /proc/[0-9]*/comm 2>/dev/null) || was_not_killed $? || return 1
  for file in $found; do # names without a blank
    pid=${file#/proc/}
    pid=${pid%/comm}
    [ "/proc/$pid/ns/net" -ef /proc/self/ns/net ] || continue
    { read -r _ _ _ parent _ <"/proc/$pid/stat"; } 2>/dev/null || continue
    read_first "/proc/$parent/comm" name
    [ "$name" = keepalived ] || daemon="${daemon:+$daemon }$pid"
  done
  ! is_alone || find_conf
}

is_alone() {
  case $daemon in '' | *' '*) return 1 ;; esac
}

# By the words that it was started with; a name that is relative is one where it was started.
find_conf() {
  local word='' due='' words=''
  terms=''
  words=$(tr '\000' '\n' <"/proc/$daemon/cmdline") || was_not_killed $? || return 1
  while IFS= read -r word; do
    case $due:$word in
      conf:*) conf=$word due='' ;;
      id:*) terms="-i $word" due='' ;;
      :--use-file=*) conf=${word#*=} ;;
      :--use-file | :-f | :-[!-]*f) due=conf ;;
      :-f*) conf=${word#-f} ;;
      :--config-id=*) terms="-i ${word#*=}" ;;
      :--config-id | :-i) due=id ;;
      :-i*) terms="-i ${word#-i}" ;;
    esac
  done <<END
$words
END
  case $conf in /*) ;; *) conf=/proc/$daemon/cwd/$conf ;; esac
}

# As keepalived reads it: a pattern of names, relative to the file it stands in.
included() { # NAME FOLDER WORD TEXT: in the variable of that name, what a line of a file there includes; fails for none
  local _pattern="$4"
  _pattern=${_pattern#\"}
  _pattern=${_pattern%\"}
  case $3:$_pattern in
    include*:/*) ;;
    include*:?*) _pattern=$2/$_pattern ;;
    *) return 1 ;;
  esac
  eval "$1=\$_pattern"
}
