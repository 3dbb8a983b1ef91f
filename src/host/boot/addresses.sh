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

address_words() { # NAME PREFIX SCOPE VALID PREFERRED [LABEL]: in the variable of that name, as ip takes them
  local _how="$2 dev lo valid_lft $4 preferred_lft $5"
  case $2:$flavour in
    *:*:iproute2) _how="$_how nodad" ;;
    *:*:busybox) ;;
    *) _how="$_how scope $3${6:+ label $6}" ;;
  esac
  eval "$1=\$_how"
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

# Takes the place of the subshell that it is called in. An old bash keeps here-documents in files, and the
# disk may be full.
feed() { # TEXT COMMAND...: the text on its stdin
  local text="$1"
  shift
  [ -z "${BASH_VERSION:-}" ] || { printf '%s\n' "$text" | "$@"; exit; }
  exec "$@" <<END
$text
END
}
