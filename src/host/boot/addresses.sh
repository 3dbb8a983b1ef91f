# Addresses on lo, as ip takes them.

know_ip() { # whose `ip` it is, in $flavour
  case $(ip -V 2>&1) in *iproute2*) flavour=iproute2 ;; *) flavour=busybox ;; esac
}

binding_of() { # VIP: its $family, its $prefix, and $binding: scope, lifetimes and label as an operation has them
  case $1 in
    *:*) family=6 prefix=$1/128 binding='global forever 0' ;;
    *) family=4 prefix=$1/32 binding='host forever forever lo:dr' ;;
  esac
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
  case $2:$flavour in *:*:iproute2) _how="$_how nodad" ;; esac
  eval "$1=\$_how"
}

with_blanks() { # NAME WORD: in the variable of that name, with a blank for each comma
  local _left="$2"
  while :; do
    case $_left in *,*) _left="${_left%%,*} ${_left#*,}" ;; *) break ;; esac
  done
  eval "$1=\$_left"
}

# One process for all lines with iproute2, which stops at the first that fails.
run_batch() { # FAMILY LINES: on failure $problem says why
  local line=''
  if [ "$flavour" = iproute2 ]; then
    problem=$(feed "$2" ip "-$1" -batch - 2>&1) && return
    problem=${problem%?Command failed*}
    return 1
  fi
  while IFS= read -r line; do
    # shellcheck disable=SC2086 # fields, by design
    problem=$(set -f && ip "-$1" $line 2>&1) || return 1
  done <<END
$2
END
}

singly() { # FAMILY LINES: where some are there already, or gone
  local one=''
  while IFS= read -r one; do
    run_batch "$1" "$one" || ! may_be_taken || fail "ip: $problem (at $one)" || return 1
  done <<END
$2
END
}

may_be_taken() { # and it is not only that the address was there already, or gone
  case $problem in
    *'File exists'* | *'already assigned'*) return 1 ;;
    *'Cannot assign requested address'* | *'ddress not found'*) return 1 ;;
  esac
}
