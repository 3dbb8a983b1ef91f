# An address on lo, as it stands in a request and in the journal, and as ip takes it.

know_flavour() { # whose `ip` it is, in $flavour
  [ -n "$flavour" ] || case $(ip -V 2>&1) in *iproute2*) flavour=iproute2 ;; *) flavour=busybox ;; esac
}

address_words() { # NAME PREFIX ATTRIBUTES VALID PREFERRED [LABEL]: in the variable of that name, as ip takes them
  local _how='' _more=''
  with_blanks _how "$2"
  with_blanks _more "${3%,change}"
  _how="$_how dev lo valid_lft $4 preferred_lft $5"
  case $2:$_more in
    # The kernel knows an IPv6 address's scope, and ip takes none.
    *:*:*' '*) _how="$_how ${_more#* }" ;;
    *:*:*) ;;
    *) _how="$_how scope $_more${6:+ label $6}" ;;
  esac
  eval "$1=\$_how"
}

with_blanks() { # NAME WORD: in the variable of that name, with a blank for each comma
  local _left="$2"
  while :; do
    case $_left in *,*) _left="${_left%%,*} ${_left#*,}" ;; *) break ;; esac
  done
  eval "$1=\$_left"
}
