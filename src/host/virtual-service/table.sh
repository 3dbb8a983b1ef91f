# A director's table: what changes it, as it stands in a request and in the journal, and how it is undone.
#
# A step is "added OPTIONS", "edited OPTIONS => OPTIONS" or "removed OPTIONS", of a service or, with -r, of
# a destination; options are as ipvsadm prints them, those of a destination with its thresholds at the end.

table() { # STEP...: one process, however many there are
  local step='' line='' lines=''
  for step in "$@"; do
    log_step "$step" || return 1
    table_line line "$step"
    lines="${lines:+$lines$lf}$line"
  done
  run_table "$lines" || fail "ipvsadm: $problem"
}

table_line() { # NAME STEP: in the variable of that name, what ipvsadm has to do
  local _what="${2#* }"
  case $2 in
    'added '*' -r '*) _what="-a $_what" ;;
    'added '*) _what="-A $_what" ;;
    'edited '*' -r '*) _what="-e ${_what#* => }" ;;
    'edited '*) _what="-E ${_what#* => }" ;;
    'removed '*' -r '*) _what="-d ${_what%% -[gmi]*}" ;;
    'removed '*) _what="-D ${_what%% -s *}" ;;
  esac
  eval "$1=\$_what"
}

# A line that fails leaves status 0, and says why.
run_table() { # LINES
  problem=$(feed "$1" ipvsadm -R 2>&1) && [ -z "$problem" ]
}

# ---------------------------------------------------------------- undo

undo_steps() {
  undo_table
}

# Newest step first, each only if what it has left is still there: what somebody else has set since is
# theirs. In another boot the table is another one.
undo_table() {
  again=''
  [ "$this_boot" = yes ] && find_undoing || return 0
  run_table "$undoing"
  again=yes
  ! find_undoing || stuck="the table could not be put back (ipvsadm: $problem)"
}

find_undoing() { # in $undoing, what ipvsadm has to do; fails where that is nothing
  undoing=''
  # A kernel that has no IPVS, and could not load it, has taken no step.
  [ -e /proc/net/ip_vs ] || return 1
  present=$(ipvsadm -Sn 2>&1) || { stuck="the table cannot be read (ipvsadm: $present)" && return 1; }
  present=$lf$(printf '%s\n' "$present" | sed 's/^-[Aa] //')$lf
  undo_rest undo_entry <"$journal"
  [ -n "$undoing" ]
}

undo_entry() { # of a step, which is in $line, too
  local old='' new=''
  case $1 in
    added) undo_added "${line#added }" ;;
    removed) undo_removed "${line#removed }" ;;
    edited)
      old=${line#edited }
      new=${old#* => }
      old=${old%% => *}
      # What differs by thresholds alone looks the same in this listing.
      [ "$again:${old% -x *}" != "yes:${new% -x *}" ] && is_present "$new" || return 0
      forget_present "$new"
      to_undo "edited $new => $old"
      ;;
  esac
}

undo_added() { # OPTIONS
  is_present "$1" || return 0
  case $1:$present in
    *' -r '*:*) ;;
    *:*"$lf${1%% -s *} -r "*)
      held="the service ${1%% -s *} stays: somebody else has added to it"
      return 0
      ;;
  esac
  forget_present "$1"
  to_undo "removed $1"
}

undo_removed() { # OPTIONS
  local name=''
  case $1 in
    *' -r '*) name="${1%% -[gmi]*} " ;;
    *) name="${1%% -s *} -s " ;;
  esac
  case $present in *"$lf$name"*) return 0 ;; esac
  to_undo "added $1"
}

is_present() { # OPTIONS
  case $present in *"$lf${1% -x *}$lf"*) ;; *) return 1 ;; esac
}

forget_present() { # OPTIONS
  present=${present%%"$lf${1% -x *}$lf"*}$lf${present#*"$lf${1% -x *}$lf"}
}

to_undo() { # STEP: and the table is then as if it were taken
  local todo=''
  table_line todo "$1"
  undoing="${undoing:+$undoing$lf}$todo"
  case $1 in
    'edited '*) todo=${1##* => } ;;
    'added '*) todo=${1#added } ;;
    *) return 0 ;;
  esac
  present="$present${todo% -x *}$lf"
}
